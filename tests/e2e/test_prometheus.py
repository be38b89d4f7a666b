# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the agent while the shop is at work: its sums are the servers' own, every panel of every
dashboard and every rule has data, and every alert has a case in which it fires."""

import collections
import json
import re
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from case import ROOT, SLOW, run, wait_for

sys.path[:0] = [ROOT + "/deploy/demo", ROOT + "/deploy/grafana"]
import make  # noqa: E402
from demo import Load  # noqa: E402
from lab import Lab, Process, free_port, service_yaml  # noqa: E402
from pods import ADDRESSES, INSTANCES, Shop  # noqa: E402

RULES = ROOT + "/deploy/prometheus"


class Prometheus:
    def __init__(self, lab, port):
        self.url = f"http://127.0.0.1:{port}"
        config = f"{lab.directory}/prometheus.yml"
        with open(config, "w") as file:
            file.write(f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{RULES}/rules.yaml, {RULES}/alerts.yaml]\n"
                       f"scrape_configs: [{{job_name: weir, static_configs: [{{targets: ['127.0.0.1:{lab.metrics_port}']}}]}}]\n")
        self.process = Process(["prometheus", "--config.file", config, "--storage.tsdb.path", f"{lab.directory}/tsdb",
                                f"--web.listen-address=127.0.0.1:{port}"], stdout=-3, stderr=-3)
        lab.processes.append(self.process)
        wait_for(self.is_ready, "Prometheus", 30)

    def is_ready(self):
        try:
            return urllib.request.urlopen(self.url + "/-/ready", timeout=2).status == 200
        except OSError:
            return False

    def get(self, path, **words):
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(words)}", timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{words}: {error.read().decode()}") from None

    def query(self, expression):
        return self.get("query", query=expression)["result"]

    def values(self, expression, *labels):
        return {tuple(r["metric"].get(x, "") for x in labels): float(r["value"][1]) for r in self.query(expression)}


class WithPrometheus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.close)
        cls.shop = Shop(cls.lab)
        cls.lab.pod("broken")
        mesh = cls.shop.mesh
        # Beside the shop: one without endpoints, one where nobody listens.
        cls.shop.mesh = lambda: mesh().replace("workloads:", service_yaml("nobody.shop", ["10.96.0.90"], [])
                                               + service_yaml("broken.shop", ["10.96.0.91"], [cls.lab.pods["broken"].ip]) + "workloads:")
        cls.shop.start()
        cls.prometheus = Prometheus(cls.lab, free_port())
        cls.before = cls.shop.served()
        with Load(cls.shop.client) as cls.load:
            for _ in range(12):
                for address in ("10.96.0.90", "10.96.0.91"):
                    cls.shop.client.connects(address, 80, count=5)
                time.sleep(1)
        cls.lab.weir("off", "nobody.shop", "--for", "10m")
        time.sleep(3 * SLOW)  # the last scrape has it all

    def test_its_sums_are_the_servers_own(self):
        served, sums = collections.Counter(), {}
        for name, count in self.shop.served().items():
            served[name.split("-")[0]] += count - self.before[name]
        served["redis"] -= 1  # redis-cli's own
        sums = self.prometheus.values("sum by (destination_service_name) (istio_tcp_connections_opened_total)", "destination_service_name")
        sums |= self.prometheus.values("sum by (destination_service_name) (weir_udp_flows_opened_total)", "destination_service_name")
        self.assertEqual({role: sums[role,] for role in ADDRESSES}, {role: served[role] for role in ADDRESSES})
        self.assertEqual((self.load.errors, sums["nobody",], sums["broken",]), (0, 60, 60))
        failures = self.prometheus.values("sum by (destination_service_name, reason) (weir_connection_failures_total) > 0",
                                          "destination_service_name", "reason")
        self.assertEqual(failures, {("nobody", "no_endpoint"): 60, ("broken", "refused"): 60})
        for metric in ("connect", "rtt", "first_byte"):
            name = f"weir_tcp_{metric}_seconds"
            counts = self.prometheus.values(f"sum by (destination_service) ({name}_count)", "destination_service")
            buckets = self.prometheus.values(f'sum by (destination_service) ({name}_bucket{{le="+Inf"}})', "destination_service")
            self.assertEqual(counts, buckets)
            self.assertIn(("orders.shop",), counts)
        connects = self.prometheus.values("sum by (destination_service_name) (weir_tcp_connect_seconds_count)", "destination_service_name")
        self.assertEqual({role: connects[role,] for role in INSTANCES}, {role: served[role] for role in INSTANCES})

    def test_every_panel_has_data(self):
        empty = []
        for name, board in make.BOARDS.items():
            document = json.loads(board().text())
            for panel in document["panels"]:
                for target in panel["targets"]:
                    expression = target["expr"].replace("$__rate_interval", f"{10 * SLOW:.0f}s").replace(
                        "$service", "orders.shop").replace("$node", ".*")
                    self.assertNotIn("$", expression)
                    # Of the service board: what only a service that fails has.
                    if not self.prometheus.query(expression) and not self.prometheus.query(expression.replace("orders.shop", "broken.shop")):
                        empty.append((name, panel["title"], expression))
        self.assertEqual(empty, [])

    def test_the_dashboards_are_those_that_are_written(self):
        for name, board in make.BOARDS.items():
            with open(f"{ROOT}/deploy/grafana/{name}") as file:
                self.assertEqual(file.read(), board().text(), "run deploy/grafana/make.py")

    def test_every_rule_is_evaluated(self):
        groups = self.prometheus.get("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertGreater(len(rules), 20)
        self.assertEqual([(r["name"], r.get("lastError")) for r in rules if r["health"] != "ok"], [])
        for rule in rules:
            if rule["type"] == "recording":
                self.assertTrue(self.prometheus.query(rule["name"]), rule["name"])
        waiting = {a["labels"]["alertname"] for a in self.prometheus.get("alerts")["alerts"]}
        self.assertIn("WeirServiceWithoutEndpoints", waiting)
        self.assertIn("WeirSwitchedOff", waiting)


class Alerts(unittest.TestCase):
    def test_every_alert_fires_in_its_case(self):
        done = subprocess.run(["promtool", "test", "rules", "alerts_test.yaml"], cwd=RULES, text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        run("promtool", "check", "rules", RULES + "/rules.yaml", RULES + "/alerts.yaml")
        with open(RULES + "/alerts.yaml") as file:
            alerts = file.read()
        with open(RULES + "/alerts_test.yaml") as file:
            fire = set(re.findall(r'alertname="(\w+)".*value: 1', file.read()))
        names = re.findall(r"- alert: (\w+)", alerts)
        self.assertEqual(set(names), fire)
        for wanted in ("summary:", "description:", "runbook:"):
            self.assertEqual(alerts.count(wanted), len(names), wanted)


if __name__ == "__main__":
    unittest.main()
