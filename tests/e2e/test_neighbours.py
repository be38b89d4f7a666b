# SPDX-License-Identifier: Apache-2.0
"""Others at work on the same connections are named by `weir check`: programs on the same hooks and their order, rules
and balancers that translate addresses."""

import os
import re

from case import BIN, VIP, LabCase, run


class Neighbours(LabCase):
    def check(self):
        """In the node's network namespace, which is the lab's own."""
        words = ["nsenter", f"--net=/run/netns/{self.lab.node}", BIN + "/weir", "check", *self.lab.flags()[:12]]
        return run(*words, check=False)

    def nft(self, rules):
        path = self.lab.directory + "/rules.nft"
        with open(path, "w") as file:
            file.write(rules)
        run("ip", "netns", "exec", self.lab.node, "nft", "-f", path)
        self.addCleanup(run, "ip", "netns", "exec", self.lab.node, "nft", "flush", "ruleset")

    def test_alone(self):
        said = self.check()
        self.assertIn("√ no other programs are on weir's hooks", said)
        self.assertIn("√ nobody else translates addresses", said)

    def test_programs_on_the_same_hook_in_their_order(self):
        program = f"{self.lab.bpffs}/foreign"
        run("bpftool", "prog", "load", BIN + "/../tests/e2e/foreign.bpf.o", program)
        self.addCleanup(os.unlink, program)
        run("bpftool", "cgroup", "attach", self.lab.cgroup, "connect4", "pinned", program, "multi")
        self.addCleanup(run, "bpftool", "cgroup", "detach", self.lab.cgroup, "connect4", "pinned", program)
        self.assertRegex(self.check(), r"‼ no other programs.*\n +on the hook of weir_connect4 the kernel runs "
                                       r"weir_connect4 \(\d+\), then foreign \(\d+\)")
        self.assert_clean(self.client.connects(VIP, 80, count=20))

    def test_a_service_that_is_translated_twice(self):
        self.nft(f"""table ip mine {{ chain output {{ type nat hook output priority -100;
            ip daddr {VIP} tcp dport 80 dnat to 10.1.1.1:80
            ip daddr 10.96.0.1 tcp dport 80 dnat to 10.1.1.1:80
            }}
            }}""")
        said = self.check()
        self.assertIn(f"orders.shop ({VIP}) is translated by NAT rules or IPVS too", said)
        self.assertEqual(len(re.findall("translated by NAT", said)), 1)

    def test_kube_proxy(self):
        self.nft("table ip nat {\n chain KUBE-SERVICES {\n }\n}\n")
        self.assertIn("rules of kube-proxy (chain KUBE-SERVICES)", self.check())
