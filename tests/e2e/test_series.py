# SPDX-License-Identifier: Apache-2.0
"""The budget of series: /metrics never has more than `metrics.maxSeries`, its sums are the clients' own tally, and no
counter falls, whatever leaves the mesh under load."""

import re
import threading
import time
import unittest

from case import Background, LabCase, service_yaml, wait_for

LIMIT, SERVICES = 500, 60
SERIES = re.compile(r'^([a-z_]+)(\{.*\})? ([0-9.e+-]+)$', re.M)


def series_of(text):
    return {name + labels: float(value) for name, labels, value in SERIES.findall(text)}


def with_sums(series):
    """And what each caller has with each service, over all endpoints."""
    sums = {}
    for key, value in series.items():
        summed = re.sub(r'destination_endpoint="[^"]*"', 'destination_endpoint="sum"', key)
        if summed != key:
            sums[summed] = sums.get(summed, 0) + value
    return series | sums


def total(series, name):
    return sum(value for key, value in series.items() if key.startswith(name + "{"))


class Series(LabCase):
    maxDiff = None

    AGENT_FLAGS = ("--max-series", str(LIMIT))
    SERVERS = ("a", "b")

    @classmethod
    def address(cls, number):
        return f"10.96.2.{number + 1}"

    @classmethod
    def mesh_of(cls, endpoints, services=SERVICES):
        return ("services:\n" + "".join(service_yaml(f"s{i:02}.shop", [cls.address(i)], endpoints) for i in range(services))
                + f"workloads:\n  client.shop: {{cgroup: {cls.lab.pattern('client')}}}\n")

    @classmethod
    def mesh(cls):
        return cls.mesh_of([cls.a.ip, cls.b.ip])

    def scrape(self):
        time.sleep(1.1)  # an answer is shared for a second
        text = self.lab.metrics()
        series = series_of(text)
        self.assertEqual(len(series), len([line for line in text.splitlines() if line and line[0] != "#"]))
        self.assertLessEqual(len(series), LIMIT)
        self.assertEqual((series["weir_metrics_series"], series["weir_metrics_series_limit"]), (len(series), LIMIT))
        return series

    def settled_all(self):
        wait_for(lambda: all(i["counts"]["active"] == 0 for i in self.lab.weir("services", "-o", "json", parse=True)["items"]),
                 "active to become 0")

    def test_more_edges_than_there_is_room_for(self):
        for i in range(SERVICES):
            self.assert_clean(self.client.connects(self.address(i), 80, count=i + 1))
        self.settled_all()
        series = self.scrape()
        connects = SERVICES * (SERVICES + 1) // 2
        for name in ("opened", "closed"):
            self.assertEqual(total(series, f"istio_tcp_connections_{name}_total"), connects)
        self.assertEqual(total(series, "weir_tcp_connect_seconds_count"), connects)
        ratio = series["weir_metrics_other_ratio"]
        own = sum(v for k, v in series.items() if k.startswith("istio_tcp_connections_opened_total")
                  and 'destination_endpoint="other"' not in k)
        self.assertAlmostEqual(ratio, 1 - own / connects, places=6)
        self.assertGreater(ratio, 0.3)

    def test_no_counter_falls_when_endpoints_and_services_leave(self):
        seen, fallen, stopped = {}, [], threading.Event()

        def watch():
            sums = {}
            while not stopped.wait(0.3):
                series = series_of(self.lab.metrics())
                for key, value in with_sums(series).items():
                    # That of an endpoint that left, and came back since the last look, begins again.
                    if key.split("{")[0].endswith(("_total", "_count", "_sum", "_bucket")) and 'endpoint="10.' not in key:
                        if value < seen.get(key, 0):
                            fallen.append((key, seen[key], value))
                        seen[key] = value
                now = total(series, "istio_tcp_connections_opened_total")
                if now < sums.get("opened", 0):
                    fallen.append(("sum", sums["opened"], now))
                sums["opened"] = now

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            with Background(self.client, self.address(0)) as load:
                for endpoints in ([self.a.ip], [self.b.ip], [self.a.ip, self.b.ip]) * 4:
                    self.lab.apply(self.mesh_of(endpoints))
                    time.sleep(0.7)
        finally:
            stopped.set()
            watcher.join()
        self.assertEqual((load.errors, fallen), ({}, []))
        self.assertIn("departed", {e["endpoint"] for e in self.lab.weir("edges", "s00.shop", "-o", "json", parse=True)["items"]})
        # What is removed while it is in "other" goes on being counted there.
        before = self.scrape()
        self.lab.apply(self.mesh_of([self.a.ip, self.b.ip], SERVICES // 2))
        self.addCleanup(self.lab.apply, self.mesh())
        self.scrape()
        after = self.scrape()
        other = [k for k in before if 'destination_service="other"' in k and k.startswith("istio_tcp_connections_opened")]
        self.assertEqual([k for k in other if after[k] < before[k]], [])


if __name__ == "__main__":
    unittest.main()
