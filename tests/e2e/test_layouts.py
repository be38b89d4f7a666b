#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An upgrade to a build whose tables have other layouts, and back: rows, sockets and counts move, traffic does not notice."""

import json
import os
import random
import signal
import sys
import time
import unittest

from case import BIN, ROOT, SLOW, VIP, Background, run, wait_for
from pinned import ABI, pins_of
from test_life import kernel_objects
from test_udp import MANY, UdpCase
from lab import service_yaml

OURS, NEXT = f"v{ABI}", f"v{ABI + 1}"
TALK, DATAGRAMS = ROOT + "/tests/tools/talk.py", ROOT + "/tests/tools/datagrams.py"
CHANGED = ROOT + "/build/changed/bin/weir-agent"
DNS = "10.96.0.53"
# Answers a line with what getpeername says of a TCP and of an MPTCP socket.
PEERS = f"""
import socket, sys
open_ = []
for protocol in (0, 262):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    s.connect(("{VIP}", 80))
    open_.append(s)
print("open", flush=True)
for line in sys.stdin:
    print([s.getpeername() for s in open_], flush=True)
"""
# Opens sockets that each talk to a service; at the first line of input, closes one after the other.
CLOSING = f"""
import socket, sys
opened = []
for _ in range(150):
    connected, free = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "12")
    connected.connect(("{DNS}", 53))
    free.sendto(b"x", ("{DNS}", 53))
    opened += [connected, free, socket.create_connection(("{VIP}", 80))]
print("open", flush=True)
sys.stdin.readline()
for s in opened: s.close()
"""


class UdpLoad(Background):
    """One socket after the other, each with many questions: every one must keep its endpoint."""

    def __init__(self, case):
        super().__init__(case.client)
        self.case, self.sockets, self.bad = case, 0, []

    def _run(self):
        try:
            while not self.stopped.is_set():
                tally = self.case.talk(["socket", "s"], ["ask_many", "s", DNS, 53, 400])[1]
                self.sockets += 1
                if sorted(tally.values()) != [0, 0, 400]:
                    self.bad.append(tally)
        except Exception as failure:  # raised where the load ends
            self.failure = failure


class Layouts(UdpCase):
    @classmethod
    def mesh_of(cls, endpoints, extra=""):
        return ("services:\n" + service_yaml("orders.shop", [VIP], endpoints, algorithm="round-robin")
                + service_yaml("sticky.shop", ["10.96.0.11"], endpoints, algorithm="random") + "    affinity: {timeout: 1h}\n"
                + cls.dns(endpoints, addresses=(DNS,)) + cls.dns(endpoints, "many.shop", MANY[:6]) + extra
                + f"workloads:\n  client.shop: {{cgroup: {cls.lab.pattern('client')}}}\n")

    def setUp(self):
        if self.versions() != [OURS] or self.lab.agent.poll() is not None:
            self.start(changed=False)

    def start(self, changed, number=signal.SIGKILL):
        self.lab.kill_agent(number)
        self.lab.start_agent(binary=CHANGED if changed else None)

    def versions(self):
        return sorted(os.listdir(self.lab.bpffs + "/weir"))

    def counts(self):
        """Of all services, and the node's reasons."""
        services = {s["name"]: s["counts"] for s in self.lab.weir("services", "-o", "json", parse=True)["items"]}
        reasons = sorted(line for line in self.lab.metrics().splitlines() if line.startswith("weir_kernel_events_total"))
        return services, reasons

    def objects(self):
        pins = [sorted(os.listdir(f"{pins_of(self.lab)}/{kind}")) for kind in ("maps", "links")]
        return pins, len(kernel_objects(self.lab))

    def held_sockets(self, turns):
        """Sockets of all kinds that stay open, and do something at each turn."""
        steps = [["socket", "s"], ["ask", "s", DNS, 53], ["socket", "c"], ["connect", "c", DNS, 53], ["send", "c"],
                 ["recvfrom", "c"], ["print", "", "open"]]
        for _ in range(turns):
            steps += [["wait", ""], ["ask_many", "s", DNS, 53, 5], ["send", "c"], ["recvfrom", "c"], ["peer", "c"],
                      ["print", "", "turn"]]
        udp = self.start_talk(*steps, ["wait", ""])
        peers = self.client.start("python3", "-c", PEERS, stdin=-1)
        hold = self.client.start(BIN + "/weir-peer", "hold", VIP, 80, "--interval", "100", "--count", "50")
        for process, line in ((udp, "open"), (peers, "open"), (hold, "holding")):
            self.addCleanup(process.stop)
            process.first_line(line)
        return udp, peers, hold

    def test_twenty_times_under_load(self):
        turns = 20 if SLOW == 1 else 2  # each takes minutes where the kernel is emulated
        before = {name: self.settled(name) for name in ("orders.shop", "dns.shop")}
        objects, already = self.objects(), self.lab.agent_log().count('"taken-over"')
        udp, peers, hold = self.held_sockets(turns)
        with Background(self.client) as load, UdpLoad(self) as datagrams:
            for turn in range(turns):
                self.start(changed=turn % 2 == 0, number=random.choice((signal.SIGKILL, signal.SIGTERM)))
                self.assertEqual(self.versions(), [NEXT if turn % 2 == 0 else OURS])
                wait_for(lambda: self.lab.agent_log().count('"taken-over"') == turn + 1 + already, "it to be told of")
                for process in (udp, peers):
                    process.stdin.write("\n")
                    process.stdin.flush()
                    wait_for(process.stdout.readline, "an answer")
        self.assertEqual((load.errors, load.wrong_peer, datagrams.bad), ({}, 0, []))
        wait_for(lambda: self.totals()["active"] == 52, "50 held, two more, and nothing else, to be active")
        self.assertEqual(self.totals("dns.shop")["active"], 2)
        self.assertEqual(json.loads(hold.stop().splitlines()[-1])["errors"], 0)
        peers.stop()
        self.check_datagrams(json.loads(udp.communicate("\n", timeout=10 * SLOW)[0].splitlines()[-1]), turns)
        after = {name: self.settled(name) for name in before}
        changed = {name: {k: after[name][k] - before[name][k] for k in after[name]} for name in before}
        for name, total in (("orders.shop", load.total + 52), ("dns.shop", datagrams.sockets + 2)):
            self.assertEqual((changed[name]["opened"], changed[name]["closed"]), (total, total), changed)
            self.assertEqual((changed[name]["failed"], changed[name]["untracked"]), (0, 0), changed)
        self.assertEqual(self.objects(), objects)

    def check_datagrams(self, results, turns):
        first, connected = results[1][0], results[5]
        for turn in range(turns):
            _, tally, _, answer, peer, _ = results[7 + 6 * turn:13 + 6 * turn]
            self.assertEqual(tally, {"wrong": 0, "lost": 0, first: 5})
            self.assertEqual((answer[0], answer[2], peer), (connected[0], [DNS, 53], [DNS, 53]))

    def half_way(self):
        """The next build's programs are on all hooks, its agent is dead, and nothing has moved yet."""
        links, old = f"{self.lab.bpffs}/weir/{NEXT}/links", pins_of(self.lab)
        for _ in range(20):
            self.lab.kill_agent()
            self.lab.start_agent(binary=CHANGED, wait=False)
            wait_for(lambda: (os.path.isdir(links) and len(os.listdir(links)) == 13)
                     or self.lab.agent.poll() is not None, "the links to move")
            self.assertIsNone(self.lab.agent.poll(), self.lab.agent_log())
            self.lab.kill_agent()
            if os.path.isdir(old):
                return
            self.start(changed=False)
        self.fail("the agent was never caught in the middle")

    def test_who_is_out_by_hand_stays_out(self):
        before = self.totals()
        self.lab.weir("eject", "orders.shop", self.b.ip, "--for", "10m")
        for changed in (True, False):
            self.start(changed)
            shown = self.lab.endpoints("orders.shop")[self.b.ip + ":8080"] if not changed else None
            self.assertEqual(self.client.connects(VIP, 80, count=40)["greeted"], {"a": 40})
        self.assertEqual((shown["state"], shown["reason"]), ("ejected", "by hand"))
        self.assertAlmostEqual(shown["untilSeconds"], 600, delta=60 * SLOW)
        self.lab.weir("restore", "orders.shop")
        self.assertEqual(self.client.connects(VIP, 80, count=40)["greeted"], {"a": 20, "b": 20})
        self.assertEqual(self.settled()["opened"] - before["opened"], 120)

    def test_sockets_live_and_end_half_way(self):
        before = {name: self.settled(name) for name in ("orders.shop", "dns.shop")}
        udp, peers, hold = self.held_sockets(2)
        ending = [self.start_talk(["socket", "c"], ["connect", "c", DNS, 53], ["socket", "s"], ["ask", "s", DNS, 53],
                                  ["print", "", "open"], ["wait", ""]) for _ in range(5)]
        for process in ending:
            process.first_line("open")
        self.half_way()
        for process in (udp, peers):
            process.stdin.write("\n")
            process.stdin.flush()
        self.assertEqual(wait_for(peers.stdout.readline, "an answer"), f"{[(VIP, 80)] * 2}\n")
        self.assertEqual(json.loads(hold.stop().splitlines()[-1])["errors"], 0)
        for process in ending:
            process.communicate("\n", timeout=10 * SLOW)
        tally = self.client.connects(VIP, 80, count=100)
        self.assert_clean(tally)
        datagrams = self.talk(["fresh", DNS, 53, 100, 0], ["fresh", DNS, 53, 100, 1])
        self.assertEqual([(t["wrong"], t["errors"]) for t in datagrams], [(0, {})] * 2)
        self.start(changed=True)
        self.assertEqual((self.totals()["active"], self.totals("dns.shop")["active"]), (2, 2))
        self.check_datagrams(json.loads(udp.communicate("\n\n", timeout=10 * SLOW)[0].splitlines()[-1]), 2)
        peers.stop()
        for name, total in (("orders.shop", 152), ("dns.shop", 212)):
            after = self.settled(name)
            self.assertEqual({k: after[k] - before[name][k] for k in ("opened", "closed", "failed", "untracked")},
                             {"opened": total, "closed": total, "failed": 0, "untracked": 0}, name)

    def test_sockets_that_close_while_they_move(self):
        """Each round, some close at the very moment at which they are taken over."""
        before = self.settled(), self.settled("dns.shop")
        rounds = 6
        for _ in range(rounds):
            closing = self.client.start("python3", "-c", CLOSING, stdin=-1)
            closing.first_line("open")
            self.half_way()
            self.lab.start_agent(binary=CHANGED, wait=False)
            time.sleep(0.1 * SLOW)  # it is about to take them over
            closing.communicate("\n", timeout=60 * SLOW)
            self.start(changed=True)
            self.start(changed=False)
        for service, kinds, was in (("orders.shop", 1, before[0]), ("dns.shop", 2, before[1])):
            after, total = self.settled(service), rounds * kinds * 150
            self.assertEqual({k: after[k] - was[k] for k in ("opened", "closed", "failed", "untracked")},
                             {"opened": total, "closed": total, "failed": 0, "untracked": 0}, service)

    def test_a_socket_with_more_services_than_it_has_room_for(self):
        ask = [["ask", "s", address, 53] for address in MANY[:6]]
        steps = [["socket", "s"], *ask, ["print", "", "open"]]
        for _ in range(4):
            steps += [["wait", ""], *ask, ["print", "", "turn"]]
        udp = self.start_talk(*steps, ["wait", ""])
        self.addCleanup(udp.stop)
        udp.first_line("open")
        for changed in (True, False) * 2:
            self.start(changed)
            udp.stdin.write("\n")
            udp.stdin.flush()
            udp.first_line("turn")
        results = json.loads(udp.communicate("\n", timeout=10 * SLOW)[0].splitlines()[-1])
        turns = [results[i:i + 6] for i in range(1, len(results) - 1, 8)]
        self.assertEqual(turns, [turns[0]] * 5)
        self.assertEqual([source for _, source in turns[0]], [[address, 53] for address in MANY[:6]])

    def test_what_was_counted_and_noted_stays(self):
        self.client.connects(VIP, 80, count=7)
        whom = self.client.connects("10.96.0.11", 80, count=1)["greeted"]
        self.lab.apply(self.mesh_of([self.a.ip, self.b.ip], service_yaml("empty.shop", ["10.96.0.12"], [])))
        self.client.connects("10.96.0.12", 80, count=3)  # refused, with a reason
        self.settled()
        self.lab.weir("off", "dns.shop", "--for", "1h")
        counts = self.counts()
        self.assertTrue(any(line.endswith(" 3") for line in counts[1]), counts[1])
        for changed in (True, False):
            self.start(changed)
            self.assertEqual(self.counts(), counts)
            self.assertIn("off", self.lab.weir("services", "-o", "wide").stdout)
        self.assertEqual(self.client.connects("10.96.0.11", 80, count=20)["greeted"], {next(iter(whom)): 20})
        self.lab.weir("on", "dns.shop")
        self.lab.apply(self.mesh())

    def test_bytes_and_times_go_on(self):
        talker = self.lab.pod("talker")
        talker.start(sys.executable, TALK, "serve", 8080)
        self.lab.apply(self.mesh_of([self.a.ip, self.b.ip], service_yaml("talk.shop", ["10.96.0.13"], [talker.ip])))
        self.addCleanup(self.lab.apply, self.mesh())
        wait_for(lambda: self.client.run(sys.executable, TALK, "ask", "10.96.0.13", 80, check=False), "an answer")
        edge = lambda: self.lab.weir("edges", "talk.shop", "-o", "json", parse=True)["items"][0]  # noqa: E731
        ended = lambda: edge()["counts"]["active"] == 0  # noqa: E731
        wait_for(ended, "active to become 0")
        before = edge()
        held = self.client.start(sys.executable, TALK, "hold", "10.96.0.13", 80, "--ask", "0 4000", stdin=-1)
        held.first_line("holding")
        time.sleep(4)  # its bytes are on the edge already
        tallies = []
        for changed in (True, False) * 4:
            asking = self.client.start(sys.executable, TALK, "ask", "10.96.0.13", 80, "--ask", "0 500", "--ask", "0 20",
                                       "--connections", 300)
            self.start(changed)
            tallies.append(json.loads(asking.communicate(timeout=60 * SLOW)[0]))
        tallies.append(json.loads(held.communicate(timeout=10)[0].splitlines()[-1]))
        wait_for(ended, "active to become 0")
        after, counts = edge(), before["counts"]
        moved = {name: after["counts"][name] - counts[name] for name in ("opened", "closed", "bytesSent", "bytesReceived")}
        self.assertEqual(moved, {"opened": 2401, "closed": 2401, "bytesSent": sum(t["sent"] for t in tallies),
                                 "bytesReceived": sum(t["received"] for t in tallies)})
        connects = [e["latencies"]["connect"]["count"] for e in (before, after)]
        self.assertAlmostEqual(connects[1] - connects[0], 2401, delta=3)  # a handshake may end between two rows

    def test_datagrams_go_on(self):
        """Of services that ask; also while the hooks are not all of one build."""
        self.a.start("python3", DATAGRAMS, "serve", 5355).first_line("ready")
        counts = lambda: self.lab.weir("edges", "sized.shop", "-o", "json", parse=True)["items"][0]["counts"]  # noqa: E731
        sized = service_yaml("sized.shop", ["10.96.0.14"], [self.a.ip], 53, 5355, "random", "UDP")
        self.lab.apply(self.mesh_of([self.a.ip, self.b.ip], sized + "    observe: {datagrams: true}\n"))
        self.addCleanup(self.lab.apply, self.mesh())
        wait_for(lambda: os.path.exists(pins_of(self.lab) + "/links/weir_ingress"), "the hooks")
        asking = [self.client.start("python3", DATAGRAMS, "ask", "10.96.0.14", 53, "--seconds", 4 * SLOW, *how)
                  for how in ([], ["--connected"])]
        for changed in (True, False) * 3:
            self.start(changed)
        tallies = [json.loads(process.communicate(timeout=60 * SLOW)[0].splitlines()[-1]) for process in asking]
        expected = {f"{what}{side.capitalize()}": sum(tally[side][at] for tally in tallies)
                    for side in ("sent", "received") for at, what in enumerate(("datagrams", "bytes"))}
        self.assertEqual({name: counts()[name] for name in expected}, expected)

    def test_killed_at_any_point_of_it(self):
        before = self.settled()
        udp, peers, hold = self.held_sockets(0)
        with Background(self.client) as load:
            changed = False
            for turn in range(40):
                self.lab.kill_agent()
                changed = random.random() < 0.8 if not changed else random.random() < 0.2
                self.lab.start_agent(binary=CHANGED if changed else None, wait=False)
                time.sleep(random.uniform(0.02, 0.45))
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        self.start(changed=False)
        self.assertEqual(self.versions(), [OURS])
        try:
            wait_for(lambda: self.totals()["active"] == 52, "the held ones, and nothing else, to be active")
        except TimeoutError as error:
            self.fail(f"{error}\n{before}, {load.total} more, now {self.counts()}\n{self.lab.agent_log()[-20000:]}")
        self.assertEqual(self.totals("dns.shop")["active"], 2)
        for process in (udp, peers, hold):
            process.stop()
        after = self.settled()
        self.assertEqual(after["opened"] - before["opened"], load.total + 52)
        self.assertEqual(after["closed"] - before["closed"], load.total + 52)

    def test_another_cgroup_is_refused_before_anything_moves(self):
        elsewhere = self.lab.make_cgroup("elsewhere")
        self.lab.kill_agent()
        self.lab.cgroup, ours = elsewhere, self.lab.cgroup
        try:
            self.lab.start_agent(binary=CHANGED, wait=False)
            self.assertEqual(self.lab.agent.wait(20 * SLOW), 18)
        finally:
            self.lab.cgroup = ours
        self.assertIn("is attached at another cgroup than " + elsewhere, self.lab.agent_log())
        self.assertEqual(self.versions(), [OURS])
        self.assert_clean(self.client.connects(VIP, 80, count=10))
        self.start(changed=False)

    def test_the_others_agent_is_running(self):
        second = self.lab.start_agent.__func__
        running = self.lab.agent
        try:
            second(self.lab, binary=CHANGED, wait=False)
            self.assertEqual(self.lab.agent.wait(20 * SLOW), 16)
            self.assertIn("a weir-agent is running and holds", self.lab.agent_log())
        finally:
            self.lab.agent = running
        self.assertEqual(self.versions(), [OURS])
        self.assert_clean(self.client.connects(VIP, 80, count=10))

    def test_pins_without_a_description_are_refused(self):
        self.lab.kill_agent()
        os.unlink(f"{pins_of(self.lab)}/maps/weir_layout")
        self.lab.start_agent(binary=CHANGED, wait=False)
        self.assertEqual(self.lab.agent.wait(20 * SLOW), 18)
        self.assertRegex(self.lab.agent_log(), rf"cannot take over from the build that made .*/{OURS}: .*weir uninstall")
        self.assertEqual(self.versions(), [OURS])
        self.assert_clean(self.client.connects(VIP, 80, count=10))
        self.start(changed=False)

    def test_a_command_of_another_build(self):
        self.start(changed=True)
        self.lab.kill_agent()
        status = self.lab.weir("status", check=False)
        self.assertIn(NEXT, status.stdout + status.stderr)
        self.assertEqual(self.lab.weir("uninstall", "--verify", check=False).returncode, 0)
        self.assertFalse(os.path.exists(self.lab.bpffs + "/weir"))
        self.lab.start_agent()


if __name__ == "__main__":
    unittest.main()
