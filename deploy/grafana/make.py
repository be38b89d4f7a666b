#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the dashboards beside it: mesh.json, service.json and node.json, to be imported into Grafana 9 or newer. They
ask for what ../prometheus/rules.yaml records.

usage: make.py            (after a change here)
"""

import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
SERVICE = 'destination_service="$service"'
ENDPOINTS = SERVICE + ', destination_endpoint!="other"'  # which leaps when an endpoint leaves
NODE = 'instance=~"$node"'


def rate(metric, labels=""):
    return f"rate({metric}{{{labels}}}[$__rate_interval])"


def total(by, expression):
    return f"sum by ({by}) ({expression})" if by else f"sum({expression})"


def quantile(share, what, by="", labels=""):
    return f"histogram_quantile({share}, {total('le' + (', ' + by if by else ''), rate(f'weir:service_{what}_bucket:sum', labels))})"


def success(by="", labels="", of="service"):
    failed = total(by, rate(f"weir:{of}_failed:sum", labels))
    return f"1 - {failed} / ({total(by, rate(f'weir:{of}_opened:sum', labels))} > 0)"


class Board:
    def __init__(self, uid, title, description):
        self.panels, self.variables, self.row = [], [datasource()], 0
        self.document = {"uid": uid, "title": title, "description": description, "tags": ["weir"], "timezone": "browser",
                         "schemaVersion": 37, "refresh": "10s", "time": {"from": "now-30m", "to": "now"}, "editable": True}

    def variable(self, name, query, every=False):
        self.variables.append({"name": name, "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"},
                               "query": query, "refresh": 2, "sort": 1, "includeAll": every, "multi": every,
                               "current": {"text": "All", "value": "$__all"} if every else {}})

    def line(self, *panels):
        """Panels beside one another."""
        width = 24 // len(panels)
        for place, panel in enumerate(panels):
            panel["gridPos"] = {"x": place * width, "y": self.row, "w": width, "h": 8}
            panel["id"] = len(self.panels) + 1
            self.panels.append(panel)
        self.row += 8

    def text(self):
        document = {**self.document, "panels": self.panels, "templating": {"list": self.variables}}
        return json.dumps(document, indent=1) + "\n"


def datasource():
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def panel(title, unit, *queries, kind="timeseries", description=""):
    """Each query is (expression, legend)."""
    targets = [{"refId": chr(ord("A") + i), "expr": expression, "legendFormat": legend, "datasource": {"type": "prometheus", "uid": "${datasource}"},
                **({"instant": True, "format": "table"} if kind == "table" else {})} for i, (expression, legend) in enumerate(queries)]
    return {"title": title, "type": kind, "description": description, "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []}, "targets": targets}


def mesh():
    board = Board("weir-mesh", "weir: mesh", "All services, as their callers see them.")
    by, legend = "destination_service, destination_port", "{{destination_service}}:{{destination_port}}"
    board.line(panel("Connects", "cps", (total(by, rate("weir:service_opened:sum")), legend)),
               panel("Success", "percentunit", (success(by), legend)))
    board.line(panel("Time to the first byte, p50", "s", (quantile(0.5, "first_byte", by), legend)),
               panel("Time to the first byte, p99", "s", (quantile(0.99, "first_byte", by), legend)))
    board.line(panel("Failures by reason", "cps", (total("reason", rate("weir:service_failures:sum")) + " > 0", "{{reason}}")),
               panel("Open connections", "short", (total(by, "weir_tcp_connections_active"), legend)))
    board.line(panel("Bytes answered", "Bps", (total("destination_service", rate("weir:service_answered_bytes:sum")), "{{destination_service}}")),
               panel("Bytes asked", "Bps", (total("destination_service", rate("weir:service_asked_bytes:sum")), "{{destination_service}}")))
    board.line(panel("UDP flows", "cps", (total("destination_service", rate("weir:service_flows:sum")), "{{destination_service}}")),
               panel("Datagrams", "pps", (total("destination_service, by", rate("weir:service_datagrams:sum")), "{{destination_service}} by {{by}}"),
                     description="Of services with observe: {datagrams: true}."))
    board.line(panel("Who calls whom", "cps", (total("source_workload, source_workload_namespace, destination_service",
                                                    rate("weir:call_opened:sum")) + " > 0", ""), kind="table"))
    return board


def service():
    board = Board("weir-service", "weir: service", "One service: its golden signals, its endpoints, and whether the network or the application is slow.")
    board.variable("service", "label_values(istio_tcp_connections_opened_total, destination_service)")
    board.line(panel("Connects by caller", "cps", (total("source_workload", rate("weir:call_opened:sum", SERVICE)), "{{source_workload}}")),
               panel("Success by caller", "percentunit", (success("source_workload", SERVICE, "call"), "{{source_workload}}")),
               panel("Failures by reason", "cps", (total("reason", rate("weir:service_failures:sum", SERVICE)), "{{reason}}")))
    board.line(panel("Network or application?", "s",
                     (quantile(0.5, "first_byte", labels=SERVICE), "first byte p50"),
                     (quantile(0.99, "first_byte", labels=SERVICE), "first byte p99"),
                     (quantile(0.5, "rtt", labels=SERVICE), "round trip p50"),
                     (quantile(0.99, "rtt", labels=SERVICE), "round trip p99"),
                     description="Both rise together: the network (or delayed acknowledgements). Only the first byte: the application."),
               panel("Connect time", "s", (quantile(0.5, "connect", labels=SERVICE), "p50"),
                     (quantile(0.99, "connect", labels=SERVICE), "p99"),
                     description="A handshake is answered by the endpoint's kernel alone: it is the network, and a full backlog."))
    by_endpoint = "{{destination_endpoint}}"
    board.line(panel("Connects by endpoint", "cps", (total("destination_endpoint", rate("istio_tcp_connections_opened_total", ENDPOINTS)), by_endpoint)),
               panel("Failures by endpoint", "cps", (total("destination_endpoint", rate("istio_tcp_connections_failed_total", ENDPOINTS)), by_endpoint)),
               panel("Open connections by endpoint", "short", (total("destination_endpoint", f"weir_tcp_connections_active{{{SERVICE}}}"), by_endpoint)))
    board.line(panel("Retransmitted segments by endpoint", "cps", (total("destination_endpoint", rate("weir_tcp_retransmits_total", ENDPOINTS)), by_endpoint)),
               panel("Connections cut off", "cps", (total("by", rate("weir:service_resets:sum", SERVICE)), "by {{by}}")),
               panel("Bytes", "Bps", (total("", rate("weir:service_answered_bytes:sum", SERVICE)), "answered"),
                     (total("", rate("weir:service_asked_bytes:sum", SERVICE)), "asked")))
    return board


def node():
    board = Board("weir-node", "weir: node", "The agent and its tables on each node.")
    board.variable("node", "label_values(weir_build_info, instance)", every=True)
    each = "{{instance}}"
    board.line(panel("Agents", "short", (f"count by (version) (weir_build_info{{{NODE}}})", "{{version}}"), kind="stat"),
               panel("Mesh generation", "short", (f"weir_mesh_generation{{{NODE}}}", each)),
               panel("Heartbeat age", "s", (f"weir_agent_heartbeat_age_seconds{{{NODE}}}", each)))
    board.line(panel("Hooks attached", "short", (f"sum by (instance) (weir_hook_attached{{{NODE}}})", each), kind="stat"),
               panel("Mesh in force (1: what the directory says)", "short", (f"weir_mesh_last_read_successful{{{NODE}}}", each)),
               panel("Refused for want of room", "short", (f"weir_mesh_refused{{{NODE}}}", each)))
    board.line(panel("Tables", "percentunit", (f"weir_table_entries{{{NODE}}} / weir_table_capacity{{{NODE}}}", each + " {{table}}")),
               panel("What the kernel could not do", "cps", (f"sum by (reason) ({rate('weir_kernel_events_total', NODE)})", "{{reason}}"),
                     description="docs/metrics.md says what each reason means and what to do."))
    board.line(panel("Events", "cps", (total("instance", rate("weir_events_produced_total", NODE)), each + " produced"),
                     (total("instance", rate("weir_events_lost_total", NODE)), each + " lost")),
               panel("Series", "short", (f"weir_metrics_series{{{NODE}}}", each), (f"weir_metrics_series_limit{{{NODE}}}", each + " limit")),
               panel("Connects without series of their own", "percentunit", (f"weir_metrics_other_ratio{{{NODE}}}", each)))
    board.line(panel("Repaired", "cps", (total("instance", rate("weir_rows_repaired_total", NODE)), each + " rows"),
                     (total("instance", rate("weir_hooks_reattached_total", NODE)), each + " hooks"),
                     (total("instance, task", rate("weir_upkeep_failures_total", NODE)), each + " failed: {{task}}")),
               panel("Log lines dropped", "cps", (total("instance", rate("weir_log_lines_dropped_total", NODE)), each)),
               panel("Services and endpoints", "short", (f"weir_mesh_services{{{NODE}}}", each + " services"),
                     (f"weir_mesh_endpoints{{{NODE}}}", each + " endpoints")))
    return board


BOARDS = {"mesh.json": mesh, "service.json": service, "node.json": node}


def main():
    for name, make in BOARDS.items():
        with open(f"{HERE}/{name}", "w") as file:
            file.write(make().text())


if __name__ == "__main__":
    main()
