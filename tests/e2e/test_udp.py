# SPDX-License-Identifier: Apache-2.0
"""UDP as applications use it: connected and not, one socket and many services, both families, endpoints that
come and go. Who answers, from which address, and what is counted."""

import json
import os
import unittest

from case import ROOT, VIP, VIP6, LabCase, service_yaml, wait_for

UDP = ROOT + "/tests/tools/udp.py"
MANY = [f"10.96.1.{n}" for n in range(1, 9)]


class UdpCase(LabCase):
    ALGORITHM = "round-robin"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name in cls.SERVERS:
            cls.answer(getattr(cls, name))

    @classmethod
    def answer(cls, pod, port=5353):
        process = pod.start("python3", UDP, "serve", pod.name, "::", port)
        process.first_line("ready")

    @classmethod
    def dns(cls, endpoints, name="dns.shop", addresses=(VIP, VIP6)):
        return service_yaml(name, addresses, endpoints, 53, 5353, cls.ALGORITHM, "UDP")

    @classmethod
    def mesh_of(cls, endpoints, extra=""):
        return ("services:\n" + cls.dns(endpoints) + extra
                + f"workloads:\n  client.shop: {{cgroup: {cls.lab.pattern('client')}}}\n")

    def talk(self, *steps, pod=None):
        return json.loads((pod or self.client).run("python3", UDP, "talk", json.dumps(steps)).splitlines()[-1])

    def start_talk(self, *steps):
        return self.client.start("python3", UDP, "talk", json.dumps(steps), stdin=-1)

    def counted(self, steps, **expected):
        """Carries steps out and holds what was counted meanwhile against what is expected."""
        before = self.settled("dns.shop")
        results = self.talk(*steps)
        after = self.settled("dns.shop")
        self.assertEqual({k: after[k] - before[k] for k in expected}, expected, results)
        self.assertEqual(after["opened"], sum(after[k] for k in ("closed", "failed", "untracked")))
        return results


class Datagrams(UdpCase):
    def setUp(self):
        self.lab.apply(self.mesh_of([self.a.ip, self.b.ip]))

    def test_an_unconnected_socket_keeps_its_endpoint(self):
        steps = [["socket", "s"], ["ask_many", "s", VIP, 53, 200], ["close", "s"]] * 4
        results = self.counted(steps, opened=4, closed=4, failed=0, untracked=0)
        tallies = results[1::3]
        self.assertEqual(sorted(json.dumps(t, sort_keys=True) for t in tallies), sorted(
            json.dumps({"wrong": 0, "lost": 0, name: 200}, sort_keys=True) for name in "aabb"))

    def test_a_connected_socket(self):
        results = self.counted([["socket", "s"], ["connect", "s", VIP, 53], ["peer", "s"], ["send", "s", "x"],
                                ["recvfrom", "s"], ["send", "s", "x"], ["recv", "s"]], opened=1, closed=1)
        self.assertEqual(results[2], [VIP, 53])
        self.assertEqual(results[4][2], [VIP, 53])
        self.assertEqual(results[6][0], results[4][0])

    def test_a_socket_for_each_question(self):
        for connected in (0, 1):
            [tally] = self.counted([["fresh", VIP, 53, 1000, connected]], opened=1000, closed=1000)
            self.assertEqual(tally, {"wrong": 0, "errors": {}, "a": 500, "b": 500})

    def test_a_connected_socket_moves_on(self):
        # To the service again; to nobody by AF_UNSPEC, which no program sees; to a stranger.
        results = self.counted([["socket", "s"], ["connect", "s", VIP, 53], ["connect", "s", VIP, 53],
                                ["disconnect", "s"], ["peer", "s"], ["ask", "s", VIP, 53],
                                ["connect", "s", VIP, 53], ["connect", "s", self.a.ip, 5353], ["peer", "s"],
                                ["send", "s"], ["recvfrom", "s"]], opened=4, closed=4)
        self.assertEqual(results[4], {"errno": "ENOTCONN"})
        self.assertEqual(results[5][1], [VIP, 53])
        self.assertEqual(results[8], [self.a.ip, 5353])
        self.assertEqual(results[10][2], [self.a.ip, 5353])

    def test_a_connected_socket_sends_elsewhere(self):
        results = self.counted([["socket", "s"], ["connect", "s", self.a.ip, 5353], ["sendto", "s", VIP, 53]],
                               opened=1, closed=1)
        self.assertIsNone(results[2])

    def test_threads_of_one_socket(self):
        results = self.counted([["socket", "s"], ["threads", "s", VIP, 53, 500, 4], ["drain", "s"], ["close", "s"]])
        self.assertEqual(results[1:3], [[], [[VIP, 53]]])

    def test_the_dead_agent_changes_nothing(self):
        self.lab.kill_agent()
        try:
            [tally] = self.talk(["fresh", VIP, 53, 100])
            self.assertEqual(tally, {"wrong": 0, "errors": {}, "a": 50, "b": 50})
        finally:
            self.lab.start_agent()

    def test_no_endpoint_refuses(self):
        self.lab.apply(self.mesh_of([]))
        results = self.counted([["socket", "s"], ["sendto", "s", VIP, 53], ["connect", "s", VIP, 53],
                                ["socket", "t", 6], ["sendto", "t", VIP6, 53]], opened=3, failed=3, closed=0)
        refused = {"errno": "ECONNREFUSED"}
        self.assertEqual([results[1], results[2], results[4]], [refused] * 3)

    def test_refused_storage_is_steered_all_the_same(self):
        if "optmem_max" not in self.client.run("ls", "/proc/sys/net/core"):
            self.skipTest("net.core.optmem_max per network namespace (kernel 6.7)")
        self.client.sysctl("net.core.optmem_max", "64")
        try:
            [_, tally, _, fresh] = self.counted(
                [["socket", "s"], ["ask_many", "s", VIP, 53, 100], ["close", "s"], ["fresh", VIP, 53, 20]],
                opened=21, untracked=21, closed=0)
        finally:
            self.client.sysctl("net.core.optmem_max", "131072")
        self.assertEqual((tally["wrong"], tally["lost"], max(tally.values())), (0, 0, 100))
        self.assertEqual(fresh, {"wrong": 0, "errors": {}, "a": 10, "b": 10})
        self.assertRegex(self.lab.weir("status").stdout, r"\d+ UDP flows without room in their socket")


class FullSpillTable(UdpCase):
    """More flows than sockets and `udp_spill` have room for."""
    ROWS, SOCKETS = 1024, 300
    AGENT_FLAGS = ("--max-udp-spill", str(ROWS))

    @classmethod
    def mesh(cls):
        ends = [cls.a.ip, cls.b.ip]
        return cls.mesh_of(ends, "".join(cls.dns(ends, f"many{n}.shop", [a]) for n, a in enumerate(MANY)))

    def untracked(self):
        counts = [self.totals(f"many{n}.shop") for n in range(len(MANY))]
        return sum(one["untracked"] for one in counts), sum(one["opened"] for one in counts)

    def test_the_longest_unused_flows_begin_anew_and_are_counted(self):
        ask = [[["ask", f"s{n}", address, 53] for address in MANY] for n in range(self.SOCKETS)]
        first = [step for one in ask[:50] for step in one]
        steps = [["socket", f"s{n}"] for n in range(self.SOCKETS)] + [step for one in ask for step in one]
        process = self.start_talk(*steps, ["print", "", "asked"], ["wait", ""], *ask[-1], ["print", "", "kept"],
                                  ["wait", ""], *first, ["print", "", "anew"], ["wait", ""])

        spilled = self.SOCKETS * 4
        for word in ("asked", "kept", "anew"):
            process.first_line(word)
            untracked, opened = self.untracked()
            if word != "anew":  # and which of the oldest the kernel has forgotten is its own affair
                self.assertEqual((untracked, opened), (spilled, spilled * 2), word)
            process.stdin.write("\n")
            process.stdin.flush()
        asked = [one for one in json.loads(process.communicate()[0]) if one]
        self.assertGreater(untracked, spilled)
        self.assertEqual(opened, untracked + spilled)
        self.assertEqual(len(asked), 8 * (self.SOCKETS + 51))
        wrong = [source for number, (_, source) in enumerate(asked) if source != [MANY[number % 8], 53]]
        self.assertEqual(len(wrong), 0, wrong[:8])
        self.assertRegex(self.lab.weir("status").stdout, rf"{untracked} UDP flows without room in their socket")


class Services(UdpCase):
    """One socket talks to several services."""

    @classmethod
    def mesh(cls):
        for pod in (cls.a, cls.b):
            cls.answer(pod, 5454)
        ends = [cls.a.ip, cls.b.ip]
        many = "".join(cls.dns(ends, f"many{n}.shop", [address]) for n, address in enumerate(MANY))
        other = service_yaml("other.shop", ["10.96.2.1"], ends, 53, 5454, cls.ALGORITHM, "UDP")
        both = service_yaml("same.shop", [VIP], ends, port=53, target=8080, algorithm=cls.ALGORITHM)
        return cls.mesh_of(ends, many + other + both)

    def test_each_answer_shows_its_service(self):
        steps = [["socket", "s"]]
        for _ in range(50):
            steps += [["ask", "s", VIP, 53], ["ask", "s", "10.96.2.1", 53]]
        asked = self.counted(steps, opened=1, closed=1)[1:]
        self.assertEqual({source[0] for _, source in asked[0::2]}, {VIP})
        self.assertEqual({source[0] for _, source in asked[1::2]}, {"10.96.2.1"})
        self.assertEqual(len({who for who, _ in asked[0::2]}), 1)

    def test_more_services_than_a_socket_has_room_for(self):
        steps = [["socket", "s"]]
        for _ in range(20):
            steps += [["ask", "s", address, 53] for address in MANY]
        asked = self.talk(*steps)[1:]
        for number, address in enumerate(MANY):
            mine = asked[number::len(MANY)]
            self.assertEqual({source[0] for _, source in mine}, {address})
            self.assertEqual(len({who for who, _ in mine}), 1, "it keeps its endpoint")
        counts = [self.totals(f"many{n}.shop") for n in range(len(MANY))]
        wait_for(lambda: not any(self.totals(f"many{n}.shop")["active"] for n in range(len(MANY))), "closes")
        self.assertEqual([c["opened"] for c in counts], [1] * 8)
        self.assertEqual(sum(c["untracked"] for c in counts), 4)

    def test_tcp_and_udp_on_one_number(self):
        [tally] = self.talk(["fresh", VIP, 53, 10])
        self.assertEqual(tally, {"wrong": 0, "errors": {}, "a": 5, "b": 5})
        tcp = self.client.connects(VIP, 53, count=10)
        self.assertEqual(tcp["greeted"], {"a": 5, "b": 5})
        rows = [line.split()[:2] for line in self.lab.weir("services").stdout.splitlines()]
        self.assertIn(["dns.shop", "53/UDP"], rows)
        self.assertIn(["same.shop", "53/TCP"], rows)


class Families(UdpCase):
    """What an AF_INET, AF_INET6 and V6ONLY socket sees of services and endpoints of both families."""

    @classmethod
    def mesh(cls):
        return cls.mesh_of([cls.a.ip, cls.b.ip6])

    def setUp(self):
        self.lab.apply(self.mesh())

    MAPPED = "::ffff:" + VIP

    def test_sendto_reaches_only_its_own_family(self):
        steps = []
        for family, address in ((4, VIP), (6, VIP6), (6, self.MAPPED)):
            steps += [["socket", "s", family], ["ask", "s", address, 53]] * 2
        asked = self.counted(steps, opened=6, closed=6)[1::2]
        self.assertEqual(asked, [["a", [VIP, 53]]] * 2 + [["b", [VIP6, 53]]] * 2 + [["a", [self.MAPPED, 53]]] * 2)

    def test_sendto_ipv6_with_ipv4_endpoints_only_refuses(self):
        self.lab.apply(self.mesh_of([self.a.ip]))
        results = self.counted([["socket", "s", 6], ["sendto", "s", VIP6, 53]], opened=1, failed=1)
        self.assertEqual(results[1], {"errno": "ECONNREFUSED"})
        self.assertRegex(self.lab.weir("status").stdout, "no endpoint of a family")

    def test_sendto_ipv4_with_ipv6_endpoints_only_refuses(self):
        self.lab.apply(self.mesh_of([self.b.ip6]))
        results = self.counted([["socket", "s"], ["sendto", "s", VIP, 53]], opened=1, failed=1)
        self.assertEqual(results[1], {"errno": "ECONNREFUSED"})

    def test_connected_ipv6_reaches_both(self):
        for address in (VIP6, self.MAPPED):
            steps = [["socket", "s", 6], ["connect", "s", address, 53], ["peer", "s"], ["send", "s", "x"],
                     ["send", "s", "y"], ["recvfrom", "s"], ["recvfrom", "s"]]
            results = self.counted(steps * 2, opened=2, closed=2)
            for one in (results[:7], results[7:]):
                self.assertEqual([one[2], one[5][2], one[6][2]], [[address, 53]] * 3)
            self.assertEqual({results[5][0], results[12][0]}, {"a", "b"})

    def test_connected_v6only_and_bound_reach_their_own(self):
        for wish in ([["socket", "s", 6, 1]], [["socket", "s", 6], ["bind", "s", self.client.ip6]]):
            for _ in range(3):
                results = self.talk(*wish, ["connect", "s", VIP6, 53], ["send", "s"], ["recvfrom", "s"])
                self.assertEqual(results[-1], ["b", "x", [VIP6, 53]])

    def test_an_ipv6_socket_with_an_ipv4_sockaddr(self):
        results = self.counted([["socket", "s", 6], ["connect_v4", "s", VIP, 53], ["peer", "s"], ["send", "s"],
                                ["recvfrom", "s"], ["socket", "t", 6], ["sendto_v4", "t", VIP, 53],
                                ["recvfrom", "t"]], opened=2, closed=2)
        self.assertEqual(results[2], [self.MAPPED, 53])
        self.assertEqual(results[4], ["a", "x", [self.MAPPED, 53]])
        self.assertEqual(results[7], ["a", "x", [self.MAPPED, 53]])


class Changes(UdpCase):
    """Flows while endpoints come and go; flows idle after a second here."""

    AGENT_FLAGS = ("--udp-idle", "1s")

    def setUp(self):
        self.lab.apply(self.mesh_of([self.a.ip, self.b.ip]))

    def across(self, text, *first, then=(("ask", "s", VIP, 53),)):
        """Steps before and after a change of the mesh, on one socket."""
        process = self.start_talk(*first, ["print", "", "change"], ["wait", ""], *then)
        process.first_line("change")
        self.lab.apply(text)
        out, _ = process.communicate("\n", timeout=20)
        return json.loads(out.splitlines()[-1])

    def test_a_removed_endpoint_is_left_at_the_next_datagram(self):
        process = self.start_talk(["socket", "s"], ["ask", "s", VIP, 53], ["print", "", "asked"], ["wait", ""],
                                  ["ask", "s", VIP, 53], ["ask", "s", VIP, 53])
        process.first_line("asked")
        active = {e: row["counts"]["active"] for e, row in self.lab.endpoints("dns.shop").items()}
        [used] = [e for e, count in active.items() if count]
        old, new = (("a", "b") if used.startswith(self.a.ip) else ("b", "a"))
        self.lab.apply(self.mesh_of([getattr(self, new).ip]))
        out, _ = process.communicate("\n", timeout=20)
        results = json.loads(out.splitlines()[-1])
        self.assertEqual([results[1][0], results[4], results[5]], [old, [new, [VIP, 53]], [new, [VIP, 53]]])
        self.settled("dns.shop")

    def test_a_flow_stays_when_others_change(self):
        weights = self.mesh_of([(self.a.ip, 3), (self.b.ip, 7)])
        grown = self.mesh_of([self.a.ip, self.b.ip] + [f"10.99.0.{n}" for n in range(1, 20)])
        for text in (weights, grown):
            results = self.across(text, ["socket", "s"], ["ask", "s", VIP, 53],
                                  then=[["ask", "s", VIP, 53]] * 3)
            self.assertEqual([r[0] for r in results[4:]], [results[1][0]] * 3)

    def test_a_service_that_goes_is_left_alone(self):
        results = self.across("services: {}\n", ["socket", "s"], ["ask", "s", VIP, 53],
                              then=[["sendto", "s", self.a.ip, 5353], ["recvfrom", "s"]])
        self.assertEqual(results[-1], ["a", "x", [self.a.ip, 5353]])

    def test_an_idle_flow_looks_again(self):
        results = self.counted([["socket", "s"], ["ask", "s", VIP, 53], ["sleep", "", 0.5], ["ask", "s", VIP, 53],
                                ["sleep", "", 0.7], ["ask", "s", VIP, 53], ["sleep", "", 1.2],
                                ["ask", "s", VIP, 53]], opened=2, closed=2)
        self.assertEqual(results[1], results[3])
        self.assertEqual(results[1], results[5])
        self.assertNotEqual(results[1], results[7])


if __name__ == "__main__":
    unittest.main()
