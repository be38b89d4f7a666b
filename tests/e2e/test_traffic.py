# SPDX-License-Identifier: Apache-2.0
"""Steering as an application sees it: who is chosen, what getpeername says, what refuses, what is counted."""

import math
import unittest

from case import VIP, VIP6, LabCase, service_yaml, wait_for


class Choice(LabCase):
    SERVERS = ("a", "b", "c")

    def test_round_robin_is_exact(self):
        self.lab.apply(self.mesh_of([(self.a.ip, 5), (self.b.ip, 3), (self.c.ip, 2)]))
        tally = self.client.connects(VIP, 80, count=10000, threads=4)
        self.assert_clean(tally)
        for name, share in (("a", 0.5), ("b", 0.3), ("c", 0.2)):
            self.assertAlmostEqual(tally["greeted"][name], 10000 * share, delta=100, msg=name)

    def test_random_is_within_four_sigma(self):
        self.lab.apply(self.mesh_of([(self.a.ip, 5), (self.b.ip, 3), (self.c.ip, 2)], "random"))
        tally = self.client.connects(VIP, 80, count=10000, threads=4)
        self.assert_clean(tally)
        for name, share in (("a", 0.5), ("b", 0.3), ("c", 0.2)):
            sigma = math.sqrt(10000 * share * (1 - share))
            self.assertAlmostEqual(tally["greeted"][name], 10000 * share, delta=4 * sigma, msg=name)

    def test_weight_zero_gets_nothing(self):
        self.lab.apply(self.mesh_of([self.a.ip, (self.b.ip, 0), self.c.ip]))
        tally = self.client.connects(VIP, 80, count=1000)
        self.assertEqual(tally["greeted"], {"a": 500, "c": 500})
        self.assertEqual(self.lab.endpoints("orders.shop")[self.b.ip + ":8080"]["state"], "drained")

    def test_counts_are_the_clients_own(self):
        self.lab.apply(self.mesh_of([self.a.ip, self.b.ip]))
        before = {e: row["counts"] for e, row in self.lab.endpoints("orders.shop").items()}
        tally = self.client.connects(VIP, 80, count=3000, threads=3)
        self.settled()
        after = self.lab.endpoints("orders.shop")
        for name, pod in (("a", self.a), ("b", self.b)):
            old, new = before.get(pod.ip + ":8080", {}), after[pod.ip + ":8080"]["counts"]
            self.assertEqual(new["opened"] - old.get("opened", 0), tally["greeted"][name])
            self.assertEqual(new["closed"] - old.get("closed", 0), tally["greeted"][name])
            self.assertEqual(new["failed"] - old.get("failed", 0), 0)
            self.assertEqual(new["active"], 0)


class Refusals(LabCase):
    @classmethod
    def mesh(cls):
        return cls.mesh_of([cls.a.ip], extra=service_yaml("empty.shop", ["10.96.0.11"], [])
                           + service_yaml("down.shop", ["10.96.0.12"], [cls.a.ip], target=9)
                           + service_yaml("lost.shop", ["10.96.0.13"], ["10.99.0.1"]))

    def test_no_endpoints_refuse_at_once(self):
        before = self.totals("empty.shop")
        seen = self.client.probe("10.96.0.11", 80)
        self.assertEqual(seen["errno"], "ECONNREFUSED")
        self.assertLess(seen["connect_us"], 100_000)
        after = self.totals("empty.shop")
        self.assertEqual(after["opened"] - before["opened"], 1)
        self.assertEqual(after["failed"] - before["failed"], 1)
        self.assertRegex(self.lab.weir("status").stdout, r"the service has no endpoint")

    def test_a_closed_port_is_failed(self):
        before = self.totals("down.shop")
        tally = self.client.connects("10.96.0.12", 80, count=50, threads=2)
        self.assertEqual(tally["errors"], {"ECONNREFUSED": 50})
        after = self.settled("down.shop")
        self.assertEqual(after["opened"] - before["opened"], 50)
        self.assertEqual(after["failed"] - before["failed"], 50)
        self.assertEqual(after["closed"], before["closed"])

    def test_repeated_connects_on_one_socket(self):
        before = self.totals("down.shop")
        self.client.probe("10.96.0.12", 80, again=4)
        after = self.settled("down.shop")
        self.assertEqual(after["opened"] - before["opened"], 5)
        self.assertEqual(after["failed"] - before["failed"], 5)

    def test_a_connect_that_its_caller_abandons(self):
        # Nobody answers for this address: the node has no route and its error is muted.
        self.client.run("ip", "route", "add", "10.99.0.0/16", "via", "169.254.1.1", "dev", "eth0")
        self.client.run("ip", "route", "add", "blackhole", "10.99.0.2")
        self.lab.in_netns(self.lab.node, lambda: None)
        before = self.totals("lost.shop")
        seen = self.client.probe("10.96.0.13", 80, abandon=50)
        self.assertIn(seen["errno"], ("EINPROGRESS", "EHOSTUNREACH", "ENETUNREACH"))
        after = self.settled("lost.shop")
        self.assertEqual(after["opened"] - before["opened"], 1)
        self.assertEqual(after["failed"] - before["failed"], 1)

    def test_a_connect_without_a_route_is_failed_at_close(self):
        self.client.run("ip", "route", "add", "unreachable", "10.98.0.1")
        self.lab.apply("services:\n" + service_yaml("unroutable.shop", ["10.96.0.14"], ["10.98.0.1"]), "unroutable.yaml")
        seen = self.client.probe("10.96.0.14", 80)
        self.assertEqual(seen["errno"], "EHOSTUNREACH")
        after = self.settled("unroutable.shop")
        self.assertEqual((after["opened"], after["failed"], after["closed"]), (1, 1, 0))

    def test_a_socket_that_goes_elsewhere_tells_the_truth(self):
        seen = self.client.probe(VIP, 80, then=self.b.ip, then_port=8080)
        self.assertEqual(seen["greeting"], "b")
        self.assertEqual(seen["peer"], self.b.ip + ":8080")
        seen = self.client.probe("10.96.0.12", 80, then=self.b.ip, then_port=8080)  # after a refused one
        self.assertEqual(seen["peer"], self.b.ip + ":8080")
        self.assertEqual(self.settled("down.shop")["active"], 0)

    def test_a_socket_that_had_no_route_goes_elsewhere(self):
        self.client.run("ip", "route", "add", "unreachable", "10.98.0.2")
        self.lab.apply("services:\n" + service_yaml("nowhere.shop", ["10.96.0.15"], ["10.98.0.2"]), "nowhere.yaml")
        seen = self.client.probe("10.96.0.15", 80, then=self.b.ip, then_port=8080)
        self.assertEqual((seen["greeting"], seen["peer"]), ("b", self.b.ip + ":8080"))
        after = self.settled("nowhere.shop")
        self.assertEqual((after["opened"], after["failed"], after["closed"]), (1, 1, 0))


class Families(LabCase):
    """The TCP rows of the address matrix: which hook sees which call, and what can be reached."""

    SERVERS = ("a", "b", "c")

    def setUp(self):
        self.both = [self.a.ip, self.b.ip6]

    def test_v4_service(self):
        self.lab.apply(self.mesh_of([self.a.ip]))
        self.assertEqual(self.client.probe(VIP, 80)["peer"], VIP + ":80")

    def test_v6_service_to_v6_endpoint(self):
        self.lab.apply(self.mesh_of([self.b.ip6]))
        seen = self.client.probe(VIP6, 80)
        self.assertEqual((seen["greeting"], seen["peer"]), ("b", f"[{VIP6}]:80"))

    def test_v6_service_to_v4_endpoint(self):
        self.lab.apply(self.mesh_of([self.a.ip]))
        seen = self.client.probe(VIP6, 80)
        self.assertEqual((seen["greeting"], seen["peer"]), ("a", f"[{VIP6}]:80"))

    def test_mapped_v4_on_a_v6_socket(self):
        self.lab.apply(self.mesh_of(self.both))
        tally = self.client.connects("::ffff:" + VIP, 80, count=100)
        self.assert_clean(tally)
        self.assertEqual(tally["greeted"], {"a": 50, "b": 50})

    def test_a_v4_socket_gets_v4_endpoints_only(self):
        self.lab.apply(self.mesh_of(self.both))
        self.assertEqual(self.client.connects(VIP, 80, count=100)["greeted"], {"a": 100})

    def test_sockets_of_both_families_at_once_each_get_exact_turns(self):
        # A v4 socket can only reach a and c, a v6 one everybody: each walks a schedule of its own.
        self.lab.apply(self.mesh_of([(self.a.ip, 1), (self.c.ip, 1), (self.b.ip6, 2)]))
        v4, v6 = {}, {}
        for _ in range(40):  # in turns, the case that one cursor for both would get wrong
            for seen, address in ((v4, VIP), (v6, VIP6)):
                name = self.client.probe(address, 80)["greeting"]
                seen[name] = seen.get(name, 0) + 1
        self.assertEqual(v4, {"a": 20, "c": 20})
        self.assertEqual(v6, {"a": 10, "b": 20, "c": 10})

    def test_a_v6only_socket_gets_v6_endpoints_only(self):
        self.lab.apply(self.mesh_of(self.both))
        for _ in range(6):
            seen = self.client.probe(VIP6, 80, v6only=1)
            self.assertEqual((seen["errno"], seen["greeting"]), ("", "b"))

    def test_a_bound_socket_gets_its_own_family_only(self):
        self.lab.apply(self.mesh_of(self.both))
        for _ in range(6):
            self.assertEqual(self.client.probe(VIP6, 80, bind=self.client.ip6)["greeting"], "b")
            self.assertEqual(self.client.probe("::ffff:" + VIP, 80, bind="::ffff:" + self.client.ip)["greeting"], "a")

    def test_no_endpoint_of_the_family_refuses(self):
        self.lab.apply(self.mesh_of([self.b.ip6]))
        self.assertEqual(self.client.probe(VIP, 80)["errno"], "ECONNREFUSED")
        self.lab.apply(self.mesh_of([self.a.ip]))
        self.assertEqual(self.client.probe(VIP6, 80, v6only=1)["errno"], "ECONNREFUSED")
        self.assertRegex(self.lab.weir("status").stdout, "no endpoint of a family")

    def test_mptcp_sees_the_services_address(self):
        self.lab.apply(self.mesh_of(self.both))
        for address, shown in ((VIP, VIP + ":80"), (VIP6, f"[{VIP6}]:80")):
            before = self.settled()
            seen = self.client.probe(address, 80, mptcp=1)
            self.assertEqual((seen["errno"], seen["peer"]), ("", shown))
            after = self.settled()
            self.assertEqual(after["opened"] - before["opened"], 1)
            self.assertEqual(after["closed"] - before["closed"], 1)

    def test_no_service_is_left_alone(self):
        counts = lambda: [(i["endpoint"], i["counts"]) for i in  # noqa: E731
                          self.lab.weir("endpoints", "-o", "json", parse=True)["items"]]
        edges = lambda: [f["used"] for f in  # noqa: E731
                         self.lab.weir("status", "-o", "json", parse=True)["tables"] if f["table"] == "weir_edge"]
        self.lab.apply(self.mesh_of([self.a.ip]))
        self.settled()
        # The counts of a removed endpoint move to "departed" when its row is freed: not while this test counts.
        lasting = {self.a.ip + ":8080", "none", "departed"}
        wait_for(lambda: {e for e, _ in counts()} <= lasting, "rows of removed endpoints to be freed")
        before = counts(), edges()
        seen = self.client.probe(self.a.ip, 8080)
        self.assertEqual((seen["greeting"], seen["peer"]), ("a", self.a.ip + ":8080"))
        self.assertEqual((counts(), edges()), before)
        self.client.probe(VIP, 80)  # and one to a service is seen at once
        self.assertNotEqual(counts(), before[0])


if __name__ == "__main__":
    unittest.main()
