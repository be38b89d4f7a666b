# SPDX-License-Identifier: Apache-2.0
"""Real UDP: dnsmasq asked by dig and dnsperf, iperf3 -u, and a client that is like QUIC. What weir counts is
held against the servers' own logs and the clients' own tallies."""

import json
import re
import unittest

from case import ROOT, SLOW, VIP, VIP6, LabCase, service_yaml, wait_for

QUIC = ROOT + "/tests/tools/quic.py"
QUIC_VIP, QUIC_VIP6, IPERF = "10.96.0.30", "fd00:96::30", "10.96.0.31"


class UdpPrograms(LabCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.resolv = cls.lab.directory + "/resolv.conf"
        for pod in (cls.a, cls.b):
            cls.dnsmasq(pod)
            pod.start("python3", QUIC, "serve", pod.name, "::", 4433).first_line("ready")
        cls.a.start("iperf3", "-s", "-p", "5201", stdout=-3, stderr=-3)
        wait_for(lambda: "5201" in cls.a.run("ss", "-Hltn"), "iperf3")

    @classmethod
    def dnsmasq(cls, pod):
        log = f"{cls.lab.directory}/dns-{pod.name}.log"
        pod.start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--port=53", "--user=root",
                  f"--host-record=who.shop,{pod.ip},{pod.ip6}", "--address=/other.shop/192.0.2.1", "--log-queries",
                  "--pid-file", f"--log-facility={log}", stdout=-3, stderr=-3)
        wait_for(lambda: ":53 " in pod.run("ss", "-Hlun"), "dnsmasq")

    @classmethod
    def mesh(cls):
        both = [cls.a.ip, cls.b.ip]
        ports = "[{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]"
        dns = service_yaml("dns.shop", [VIP, VIP6], both + [cls.a.ip6, cls.b.ip6], algorithm="round-robin")
        dns = re.sub(r"ports: \[.*\]", "ports: " + ports, dns)
        iperf = service_yaml("iperf.shop", [IPERF], [cls.a.ip])
        iperf = re.sub(r"ports: \[.*\]", "ports: [{port: 5201, protocol: TCP}, {port: 5201, protocol: UDP}]", iperf)
        quic = service_yaml("quic.shop", [QUIC_VIP, QUIC_VIP6], both + [cls.a.ip6, cls.b.ip6], 443, 4433,
                            "round-robin", "UDP")
        return "services:\n" + dns + iperf + quic

    def udp(self, service):
        [row] = [i for i in self.lab.weir("services", "-o", "json", parse=True)["items"]
                 if i["name"] == service and i["protocol"] == "UDP"]
        return row["counts"]

    def opened_by_endpoint(self):
        items = {i["endpoint"]: i["counts"]["opened"] for i in self.lab.weir("endpoints", "dns.shop", "-o", "json", parse=True)["items"]
                 if i["protocol"] == "UDP"}
        return [items[f"{pod.ip}:53"] + items[f"[{pod.ip6}]:53"] for pod in (self.a, self.b)]

    def queries(self, name):
        with open(f"{self.lab.directory}/dns-{name}.log") as log:
            return len(re.findall(r" query\[", log.read()))

    def test_dig(self):
        before = self.udp("dns.shop")
        for server, kind, addresses in ((VIP, "A", {self.a.ip, self.b.ip}), (VIP6, "AAAA", {self.a.ip6, self.b.ip6})):
            seen = [self.client.run("dig", "+short", "+tries=1", "@" + server, "who.shop", kind).strip() for _ in range(4)]
            self.assertEqual(set(seen), addresses)
        # dig complains of an answer from another address than the one it asked.
        shown = self.client.run("dig", "+tries=1", "@" + VIP, "who.shop", "A")
        self.assertIn(f"SERVER: {VIP}#53({VIP})", shown)
        self.assertNotIn("unexpected source", shown)
        self.assertRegex(self.client.run("dig", "+tcp", "+short", "@" + VIP, "who.shop"), r"10\.77")
        wait_for(lambda: self.udp("dns.shop")["active"] == 0, "flows to end")
        after = self.udp("dns.shop")
        self.assertEqual((after["opened"] - before["opened"], after["failed"]), (9, 0))

    def test_dnsperf(self):
        with open(self.lab.directory + "/queries", "w") as file:
            file.write("who.shop A\nother.shop A\n")
        old, before, sockets = [self.queries("a"), self.queries("b")], self.udp("dns.shop"), self.opened_by_endpoint()
        out = self.client.run("dnsperf", "-s", VIP, "-d", self.lab.directory + "/queries", "-n", "5000", "-c", "10",
                              "-T", "2", "-W", "-q", "20", "-t", f"{5 * SLOW:.0f}")
        sent, done = (int(re.search(rf"Queries {word}:\s+(\d+)", out)[1]) for word in ("sent", "completed"))
        self.assertEqual((sent, done), (10000, 10000), out)
        self.assertNotIn("unexpected", out)
        wait_for(lambda: self.udp("dns.shop")["active"] == 0, "flows to end")
        after = self.udp("dns.shop")
        self.assertEqual((after["opened"] - before["opened"], after["closed"] - before["closed"]), (10, 10))
        wait_for(lambda: sum((self.queries("a"), self.queries("b"))) - sum(old) == sent, "dnsmasq's log")
        # Sockets are what is shared out; which of them dnsperf asks with how often is its own affair.
        shares = [now - then for now, then in zip(self.opened_by_endpoint(), sockets)]
        self.assertEqual(shares, [5, 5])
        self.assertTrue(all(self.queries(name) > start for name, start in zip("ab", old)))

    def test_iperf3(self):
        before = self.udp("iperf.shop")
        out = json.loads(self.client.run("iperf3", "-u", "-c", IPERF, "-b", "20M", "-t", "1", "-J", "-P", "2"))
        self.assertNotIn("error", out)
        self.assertGreater(out["end"]["sum"]["packets"], 1000)
        wait_for(lambda: self.udp("iperf.shop")["active"] == 0, "flows to end")
        after = self.udp("iperf.shop")
        self.assertEqual((after["opened"] - before["opened"], after["failed"] - before["failed"]), (2, 0))

    def test_like_quic(self):
        for address in (QUIC_VIP, QUIC_VIP6):
            for mode in ("connected", "unconnected"):
                before = self.udp("quic.shop")
                tally = json.loads(self.client.run("python3", QUIC, "run", address, 443, 20, 30, mode))
                self.assertEqual(tally, {"wrong": 0, "lost": 0, "resets": 0, "split": 0,
                                         "servers": {"a": 10, "b": 10}})
                wait_for(lambda: self.udp("quic.shop")["active"] == 0, "flows to end")
                after = self.udp("quic.shop")
                self.assertEqual((after["opened"] - before["opened"], after["closed"] - before["closed"]), (20, 20))


if __name__ == "__main__":
    unittest.main()
