# SPDX-License-Identifier: Apache-2.0
"""Workloads by cgroup: new cgroups have theirs in the kernel before they can connect, with no agent there."""

import os
import re
import subprocess
import unittest

from case import BIN, VIP, LabCase, wait_for


class Identity(LabCase):
    SERVERS = ("a",)

    @classmethod
    def mesh(cls):
        return cls.mesh_of([cls.a.ip]) + (f"  batch.jobs: {{cgroup: '{cls.lab.pattern('batch-*')}'}}\n"
                                          f"  exact.jobs: {{cgroup: '{cls.lab.pattern('exact')}'}}\n")

    def counts(self):
        """Connects opened by workload, from the metrics."""
        found = {}
        for line in self.lab.metrics().splitlines():
            if line.startswith("istio_tcp_connections_opened_total{"):
                labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
                name = ".".join(filter(None, (labels["source_workload"], labels["source_workload_namespace"])))
                found[name] = found.get(name, 0) + int(float(line.rsplit(" ", 1)[1]))
        return found

    def connect_from(self, *paths):
        """Makes cgroups and connects from each as its first act; one process, so that it is quick."""
        script = "".join(f"mkdir -p {self.lab.cgroup}/{p} && echo $$ > {self.lab.cgroup}/{p}/cgroup.procs && "
                         f"{BIN}/weir-peer connects {VIP} 80 > /dev/null\n" for p in paths)
        script += f"echo $$ > {self.client.cgroup}/cgroup.procs\n"
        self.lab.cgroups += [f"{self.lab.cgroup}/{p}" for p in paths]
        self.client.run("sh", "-ec", script)

    def scraped(self, wanted):
        return wait_for(lambda: all(self.counts().get(n, 0) >= c for n, c in wanted.items()) and self.counts(), f"{wanted}", 4)

    def test_first_act_of_new_cgroups(self):
        before = self.counts()
        self.lab.kill_agent()
        self.connect_from(*[f"batch-{i}" for i in range(100)], *[f"batch-{i}/inner" for i in range(50)],
                          "exact", "exact/inner", "exactly", "stranger", "client/nested")
        self.lab.start_agent()
        after = self.scraped({"batch.jobs": before.get("batch.jobs", 0) + 150})
        gained = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
        self.assertEqual(gained, {"batch.jobs": 150, "exact.jobs": 2, "unknown": 2, "client.shop": 1})

    def test_patterns_that_come_later_reach_cgroups_that_are_there(self):
        self.connect_from("later")
        self.lab.apply(f"workloads:\n  later.jobs: {{cgroup: '{self.lab.pattern('later')}'}}\n", "later.yaml")
        before = self.counts()
        self.connect_from("later")
        after = self.scraped({"later.jobs": 1})
        self.assertEqual(after["later.jobs"] - before.get("later.jobs", 0), 1)
        os.unlink(self.lab.mesh + "/later.yaml")
        wait_for(lambda: self.lab.weir("status", "-o", "json", parse=True)["workloads"] == 3, "the workload to go")
        self.connect_from("later")
        wait_for(lambda: self.counts().get("unknown", 0) > before.get("unknown", 0), "unknown again", 4)

    def test_an_old_cgroup_is_known_at_start(self):
        before = self.counts()
        self.client.connects(VIP, 80, count=7)
        after = self.scraped({"client.shop": before.get("client.shop", 0) + 7})
        self.assertEqual(after["client.shop"] - before.get("client.shop", 0), 7)


if __name__ == "__main__":
    unittest.main()
