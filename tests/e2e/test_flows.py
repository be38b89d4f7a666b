# SPDX-License-Identifier: Apache-2.0
"""Events of single connections: what `weir flows` shows, and that what was produced is what was delivered and what
was lost, exactly, whatever the load and whatever becomes of the agent."""

import datetime
import json
import os
import re
import signal
import sys
import time
import unittest

from case import BIN, ROOT, SLOW, VIP, Background, LabCase, service_yaml, wait_for

TALK = ROOT + "/tests/tools/talk.py"
TALKER, NOBODY, DNS, DNS2 = "10.96.0.13", "10.96.0.14", "10.96.0.53", "10.96.0.54"


def now():
    """As flows say it."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FlowsCase(LabCase):
    SERVERS = ("a", "b")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.talker = cls.lab.pod("talker")
        cls.talker.start(sys.executable, TALK, "serve", 8080)
        cls.lab.apply(cls.mesh())
        wait_for(lambda: cls.client.run(sys.executable, TALK, "ask", TALKER, 80, check=False), "an answer")

    @classmethod
    def mesh(cls, extra=""):
        text = "services:\n" + service_yaml("orders.shop", [VIP], [cls.a.ip, cls.b.ip]) + service_yaml("nobody.shop", [NOBODY], [])
        if hasattr(cls, "talker"):
            text += service_yaml("talk.shop", [TALKER], [cls.talker.ip])
            text += service_yaml("closed.shop", ["10.96.0.15"], [cls.talker.ip], target=9)
        return text + extra + "workloads:\n  client.shop: {cgroup: " + cls.lab.pattern("client") + "}\n"

    def flows(self, *filters, gaps=False):
        out = self.lab.weir("flows", "-o", "json", "--last", "100000", *filters, parse=True)
        self.assertEqual(out["kind"], "FlowList")
        return [f for f in out["items"] if gaps or f["verdict"] != "lost"]

    def events(self):
        return self.lab.weir("status", "-o", "json", parse=True)["events"]

    def settled_events(self):
        """Once the ring is empty."""
        def balanced():
            now = self.events()
            return now if now["produced"] == now["delivered"] + now["lost"] else None
        return wait_for(balanced, "all events to be taken")

    def left_out(self):
        reasons = self.lab.weir("status", "-o", "json", parse=True)["reasons"]
        return next(r["count"] for r in reasons if r["name"] == "event_limited")

    def since(self, do):
        """The flows that came while `do` ran."""
        self.settled_events()
        time.sleep(0.002)
        started = now()
        result = do()
        self.settled_events()
        return result, [f for f in self.flows() if f["time"] > started]


class Flows(FlowsCase):
    AGENT_FLAGS = ("--first-byte", "1", "--events-per-second", "1000000")

    def test_a_connection_is_told_of_with_its_own_figures(self):
        tally, flows = self.since(lambda: json.loads(self.client.run(
            sys.executable, TALK, "ask", TALKER, 80, "--ask", "30 5000", "--times", "2")))
        opened, closed = flows
        self.assertEqual([f["verdict"] for f in flows], ["opened", "closed"])
        for flow in flows:
            self.assertEqual((flow["workload"], flow["service"], flow["port"], flow["protocol"], flow["address"], flow["endpoint"]),
                             ("client.shop", "talk.shop", 80, "TCP", TALKER + ":80", self.talker.ip + ":8080"))
        self.assertEqual((closed["bytesSent"], closed["bytesReceived"]), (tally["sent"], tally["received"]))
        self.assertTrue(0.03 <= closed["firstByteSeconds"] < 0.03 + 0.02 * SLOW, closed)
        self.assertTrue(0.06 <= closed["durationSeconds"] < 1 * SLOW, closed)
        self.assertTrue(0 < closed["connectSeconds"] < 0.03 * SLOW and 0 < closed["rttSeconds"], closed)
        self.assertEqual(closed["cutOffBy"], "")

    def test_failures_have_their_reason(self):
        def fail():
            self.client.connects(NOBODY, 80, count=3)
            self.client.connects("10.96.0.15", 80, count=2)
        _, flows = self.since(fail)
        failed = [(f["service"], f["endpoint"], f["reason"]) for f in flows if f["verdict"] == "failed"]
        self.assertEqual(failed, [("nobody.shop", "none", "no_endpoint")] * 3
                         + [("closed.shop", self.talker.ip + ":9", "refused")] * 2)
        self.assertEqual({f["reason"] for f in self.flows("--reason", "refused")}, {"refused"})
        self.assertEqual({f["verdict"] for f in self.flows("--verdict", "failed")}, {"failed"})

    def test_filters(self):
        self.client.run(sys.executable, TALK, "ask", TALKER, 80, "--ask", "60 10")
        self.client.connects(VIP, 80, count=4)
        self.settled_events()
        self.assertEqual({f["service"] for f in self.flows("--service", "orders.shop")}, {"orders.shop"})
        self.assertEqual({f["endpoint"] for f in self.flows("--endpoint", self.a.ip + ":8080")}, {self.a.ip + ":8080"})
        self.assertEqual({f["workload"] for f in self.flows("--workload", "client.shop")}, {"client.shop"})
        self.assertEqual(self.flows("--workload", "nobody.shop"), [])
        slow = self.flows("--slower-than", "50ms")
        self.assertTrue(slow and all(f["firstByteSeconds"] >= 0.05 for f in slow), slow)
        self.assertEqual(len(self.lab.weir("flows", "-o", "json", "--last", "3", parse=True)["items"]), 3)
        time.sleep(2)
        self.assertEqual(self.flows("--since", "1s"), [])

    def test_follow(self):
        following = self.lab.weir_start("flows", "-f", "--last", "0", "--verdict", "closed", "--service", "orders.shop")
        self.addCleanup(following.stop)
        following.first_line("TIME")
        self.client.connects(VIP, 80, count=5)
        lines = [wait_for(following.stdout.readline, "a line") for _ in range(5)]
        for line in lines:
            self.assertRegex(line, rf"^\d\d:\d\d:\d\d\.\d{{3}} closed +client\.shop     orders\.shop:80     10\.77\.\d+\.\d+:8080 +after ")
        os.kill(following.pid, signal.SIGINT)
        self.assertEqual(following.wait(5 * SLOW), 0)

    def connections(self, *words):
        return self.lab.weir("connections", "-o", "json", *words, parse=True)["items"]

    def test_open_connections(self):
        held = self.client.start(sys.executable, TALK, "hold", TALKER, 80, "--ask", "20 3000", stdin=-1)
        self.addCleanup(held.stop)
        held.first_line("holding")
        self.lab.apply(self.mesh(service_yaml("dns.shop", [DNS], [self.a.ip], 53, 53, protocol="UDP")
                                 + service_yaml("more.shop", [DNS2], [self.b.ip], 53, 53, protocol="UDP")))
        self.addCleanup(self.lab.apply, self.mesh())
        udp = self.client.start(sys.executable, "-c", f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("{DNS}", 53))
free = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for address in ("{DNS}", "{DNS2}"):
    free.sendto(b"x", (address, 53))
print("open", flush=True)
input()
""", stdin=-1)
        self.addCleanup(udp.stop)
        udp.first_line("open")
        for _ in range(2):  # the second time without an agent
            [one] = self.connections("--service", "talk.shop")
            self.assertEqual((one["workload"], one["endpoint"], one["verdict"], one["bytesReceived"]),
                             ("client.shop", self.talker.ip + ":8080", "established", 3000))
            self.assertTrue(0.02 <= one["durationSeconds"] < 10 * SLOW and one["rttSeconds"] > 0 and one["firstByteSeconds"] >= 0.02, one)
            self.assertIn("talk.shop:80", self.lab.weir("connections").stdout)
            for service, rows in (("dns.shop", 2), ("more.shop", 1)):  # an unconnected socket has two of them
                self.assertEqual([(f["verdict"], f["protocol"]) for f in self.connections("--service", service)],
                                 [("established", "UDP")] * rows)
            self.assertEqual(self.connections("--service", "orders.shop"), [])
            self.lab.kill_agent()
        self.lab.start_agent()
        held.communicate("\n", timeout=10 * SLOW)
        self.settled("talk.shop")
        self.assertEqual(self.connections("--service", "talk.shop"), [])

    def test_hundreds_of_connections(self):
        hold = self.client.start(BIN + "/weir-peer", "hold", VIP, 80, "--interval", "100", "--count", "700")
        self.addCleanup(hold.stop)
        hold.first_line("holding")
        rows = self.connections("--service", "orders.shop")
        self.assertEqual(len(rows), 700)
        self.assertEqual(sorted(rows, key=lambda r: -r["durationSeconds"]), rows)

    def test_udp_flows(self):
        def ask():
            return self.client.run(sys.executable, "-c", f"""
import socket
for connected in (0, 1):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if connected:
        s.connect(("{DNS}", 53)); s.send(b"x")
    else:
        s.sendto(b"x", ("{DNS}", 53))
    s.close()
""")
        dns = service_yaml("dns.shop", [DNS], [self.a.ip], 53, 53, protocol="UDP")
        self.lab.apply(self.mesh(dns))
        self.addCleanup(self.lab.apply, self.mesh())
        _, flows = self.since(ask)
        self.assertEqual([(f["verdict"], f["protocol"], f["service"], f["endpoint"]) for f in flows],
                         [(v, "UDP", "dns.shop", self.a.ip + ":53") for v in ("opened", "closed")] * 2)

    def test_a_reader_that_stalls_costs_connects_nothing(self):
        """More events than the ring holds: each is delivered or counted as lost, and the gap is shown."""
        before, most = self.settled_events(), (1 << 18) // 120
        self.lab.agent.send_signal(signal.SIGSTOP)
        try:
            with Background(self.client) as load:
                time.sleep(10)
                wait_for(lambda: load.total > 10 * most, "ten times more connects than events fit", 60)
        finally:
            self.lab.agent.send_signal(signal.SIGCONT)
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        self.settled("orders.shop")
        after = self.settled_events()
        produced, delivered, lost = (after[k] - before[k] for k in ("produced", "delivered", "lost"))
        self.assertEqual(produced, 2 * load.total)
        self.assertEqual(produced, delivered + lost)
        self.assertTrue(lost > 0 and delivered > 500, after)
        gaps = [f for f in self.flows(gaps=True) if f["verdict"] == "lost"]
        self.assertIn(lost, [g["lost"] for g in gaps])
        self.assertRegex(self.lab.weir("flows", "--last", "5000").stdout, rf"-- {lost} events lost: nobody read them in time\n")
        metrics = self.lab.metrics()
        self.assertIn(f"weir_events_lost_total {after['lost']}", metrics)

    def test_with_the_agent_dead(self):
        self.settled_events()
        self.lab.kill_agent()
        self.client.connects(VIP, 80, count=7)
        shown = self.lab.weir("flows", "--last", "100")
        self.assertIn("no agent answers", shown.stderr)
        self.assertEqual(len(re.findall(r" closed +client\.shop +orders\.shop:80 ", shown.stdout)), 7)
        self.assertEqual(shown.stdout, self.lab.weir("flows", "--last", "100").stdout)  # they stay
        self.lab.start_agent()
        self.settled_events()
        self.assertEqual(len(self.flows("--verdict", "closed")), 7)


class PerService(FlowsCase):
    """Each service may have a share of its own; failures are told of in any case."""

    def test_shares(self):
        service = lambda name, last, share: (  # noqa: E731
            service_yaml(name, [f"10.96.0.{last}"], [self.a.ip], 80, 8080) + f"    observe: {{events: {share}}}\n")
        self.lab.apply(self.mesh(service("none.shop", 60, 0) + service("some.shop", 61, "1/4") + service("all.shop", 62, 1)))
        self.addCleanup(self.lab.apply, self.mesh())

        def connect():
            for last, count in ((60, 100), (61, 400), (62, 100)):
                self.client.connects(f"10.96.0.{last}", 80, count=count)
        _, flows = self.since(connect)
        told = {name: [sum(f["service"] == name and f["verdict"] == verdict for f in flows) for verdict in ("opened", "closed")]
                for name in ("none.shop", "some.shop", "all.shop")}
        self.assertEqual((told["none.shop"], told["all.shop"]), ([0, 0], [100, 100]))
        self.assertEqual(told["some.shop"][0], told["some.shop"][1])
        self.assertTrue(60 <= told["some.shop"][0] <= 140, told)  # 100 and more than four standard deviations

    def test_failures_are_told_of_in_any_case(self):
        self.lab.apply(self.mesh(service_yaml("none.shop", ["10.96.0.60"], [self.a.ip], 80, 81) + "    observe: {events: 0}\n"))
        self.addCleanup(self.lab.apply, self.mesh())
        _, flows = self.since(lambda: self.client.connects("10.96.0.60", 80, count=10))
        self.assertEqual([(f["verdict"], f["reason"]) for f in flows if f["service"] == "none.shop"], [("failed", "refused")] * 10)


class Bounded(FlowsCase):
    AGENT_FLAGS = ("--events-per-second", "20")

    def test_the_bound_of_a_service(self):
        self.settled_events()
        time.sleep(1.2)
        before, left_out = self.events(), self.left_out()
        started = time.monotonic()
        tally = self.client.connects(VIP, 80, count=3000)
        self.assert_clean(tally)
        seconds = time.monotonic() - started
        self.settled("orders.shop")
        after = self.settled_events()
        produced, left_out = after["produced"] - before["produced"], self.left_out() - left_out
        self.assertEqual(produced + left_out, 2 * 3000)
        self.assertLessEqual(produced, 20 * (seconds / 1.07 + 2))
        self.assertIn("left out: more than the bound of their service", self.lab.weir("flows", "--last", "5000").stdout)


class Sampled(FlowsCase):
    AGENT_FLAGS = ("--events", "1/1000000", "--first-byte", "1", "--slow", "50ms")

    def test_what_is_bad_or_slow_is_always_told_of(self):
        self.settled_events()
        before = len(self.flows())
        self.client.connects(VIP, 80, count=50)
        self.client.connects(NOBODY, 80, count=2)
        self.client.run(sys.executable, TALK, "ask", TALKER, 80, "--ask", "5 10", "--ask", "70 10")
        self.settled_events()
        flows = [(f["verdict"], f["service"]) for f in self.flows()[before:]]
        self.assertEqual(flows, [("failed", "nobody.shop")] * 2 + [("closed", "talk.shop")])


class Off(FlowsCase):
    AGENT_FLAGS = ("--events", "0")

    def test_none(self):
        self.client.connects(VIP, 80, count=50)
        self.client.connects(NOBODY, 80, count=2)
        self.settled("orders.shop")
        self.assertEqual(self.events()["produced"], 0)


if __name__ == "__main__":
    unittest.main()
