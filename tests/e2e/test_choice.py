# SPDX-License-Identifier: Apache-2.0
"""Which endpoint a client is given: least connections, consistent hashing by client, affinity. Who greets is
the truth; the clients are pods, processes of the node, and sockets bound to an address."""

import json
import re
import time
import unittest

from case import BIN, SLOW, VIP, LabCase, free_port, service_yaml, wait_for


class LeastConnections(LabCase):
    SERVERS = ("a", "b", "c")

    def setUp(self):
        self.lab.apply(self.mesh_of([self.a.ip, self.b.ip, self.c.ip], "least-connections"))
        self.held = []
        self.addCleanup(lambda: [process.stop() for process in self.held])
        self.settled()

    def hold(self, count):
        """Connections that stay open; who serves each."""
        started = []
        for _ in range(count):
            process = self.client.start(BIN + "/weir-peer", "hold", VIP, 80, "--interval", "1000")
            self.held.append(process)
            started.append(process.first_line("holding").split()[1])
        return started

    def active(self):
        return {e: row["counts"]["active"] for e, row in self.lab.endpoints("orders.shop").items()}

    def test_the_least_loaded_is_taken(self):
        names = self.hold(9)
        for turn in range(0, 9, 3):
            self.assertEqual(sorted(names[turn:turn + 3]), ["a", "b", "c"])
        self.assertEqual([self.active()[p.ip + ":8080"] for p in (self.a, self.b, self.c)], [3, 3, 3])
        # Those of one end: the next ones are its.
        for process, name in zip(list(self.held), names):
            if name == "b":
                process.stop()
        wait_for(lambda: self.active()[self.b.ip + ":8080"] == 0, "b to be idle")
        self.assertEqual(self.hold(3), ["b", "b", "b"])

    def test_weights_count(self):
        self.lab.apply(self.mesh_of([(self.a.ip, 1), (self.b.ip, 3), (self.c.ip, 0)], "least-connections"))
        names = self.hold(8)
        self.assertEqual((names.count("a"), names.count("b")), (2, 6))

    def test_idle_endpoints_are_drawn_by_weight(self):
        self.lab.apply(self.mesh_of([(self.a.ip, 1), (self.b.ip, 3)], "least-connections"))
        tally = self.client.connects(VIP, 80, count=2000)
        self.assert_clean(tally)
        # Closing is seen a moment after the client's close(): the shares are near the weights, not on them.
        self.assertGreater(tally["greeted"]["b"], tally["greeted"]["a"])
        self.assertGreater(tally["greeted"]["a"], 200)

    def test_more_endpoints_than_are_looked_at(self):
        many = [self.a.ip] + [f"10.99.{n // 200}.{n % 200 + 1}" for n in range(39)]
        self.lab.apply(self.mesh_of([(many[0], 1)] + [(address, 0) for address in many[1:]], "least-connections"))
        self.assertEqual(self.hold(2), ["a", "a"])


class ClientCase(LabCase):
    """Many clients: each pod is one, and so is each address that a socket is bound to."""

    SERVERS = ("a", "b", "c", "d")
    CLIENTS = 12

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clients = [cls.lab.pod(f"client{n}") for n in range(cls.CLIENTS)]
        for number in range(200):  # the client's further addresses, to bind to
            cls.client.run("ip", "addr", "add", f"10.78.0.{number + 1}/32", "dev", "lo")
        for pod in (cls.a, cls.b, cls.c, cls.d):
            pod.run("ip", "route", "add", "10.78.0.0/16", "via", "169.254.1.1", "dev", "eth0", check=False)
        cls.lab.in_netns(cls.lab.node, lambda: cls.lab.node_route("10.78.0.0/16", cls.client))

    def whose(self, pod, **options):
        seen = pod.probe(VIP, 80, **options)
        self.assertEqual(seen["errno"], "", seen)
        return seen["greeting"]


class ConsistentHash(ClientCase):
    def mesh_with(self, pods, weights=None):
        rows = [(p.ip, (weights or {}).get(p.name, 1)) for p in pods]
        return self.mesh_of(rows, "consistent-hash")

    def test_a_pod_keeps_its_endpoint(self):
        self.lab.apply(self.mesh_with([self.a, self.b, self.c, self.d]))
        for pod in self.clients:
            tally = pod.connects(VIP, 80, count=50)
            self.assertEqual(len(tally["greeted"]), 1, pod.name)
        self.assertGreater(len({self.whose(pod) for pod in self.clients}), 1)

    def test_an_endpoint_that_goes_moves_its_own_clients_only(self):
        self.lab.apply(self.mesh_with([self.a, self.b, self.c, self.d]))
        clients = [(pod, {}) for pod in self.clients] + [
            (self.client, {"bind": f"10.78.0.{n + 1}"}) for n in range(100)]
        before = [self.whose(pod, **options) for pod, options in clients]
        self.assertEqual({name for name in before}, {"a", "b", "c", "d"})
        self.lab.apply(self.mesh_with([self.a, self.b, self.d]))
        after = [self.whose(pod, **options) for pod, options in clients]
        for old, new in zip(before, after):
            self.assertEqual(new == old, old != "c")
        self.lab.apply(self.mesh_with([self.d, self.c, self.b, self.a]))
        self.assertEqual([self.whose(pod, **options) for pod, options in clients], before)

    def test_weights_are_shares_of_the_clients(self):
        self.lab.apply(self.mesh_with([self.a, self.b], weights={"a": 3}))
        names = [self.whose(self.client, bind=f"10.78.0.{n + 1}") for n in range(200)]
        self.assertAlmostEqual(names.count("a"), 150, delta=4 * 6.2)  # sigma of 200 draws at 3/4

    def test_processes_of_the_node_are_told_apart_by_cgroup(self):
        loopback = [f"127.77.0.{n}" for n in range(1, 5)]
        port = free_port()
        servers = self.lab.make_cgroup("host-servers")
        for address in loopback:
            self.lab.start_on_host(servers, BIN + "/weir-peer", "serve", address, port, address).first_line("ready")
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], loopback, target=port,
                                                    algorithm="consistent-hash"))
        owners = set()
        for number in range(8):
            cgroup = self.lab.make_cgroup(f"host{number}")
            probes = [self.lab.start_on_host(cgroup, BIN + "/weir-peer", "probe", VIP, 80) for _ in range(3)]
            names = {json.loads(p.communicate(timeout=10)[0])["greeting"] for p in probes}
            self.assertEqual(len(names), 1)
            owners |= names
        self.assertGreater(len(owners), 1)

    def test_a_new_endpoint_gets_its_clients_one_by_one(self):
        """Those that it has it keeps while its share grows; with and without a table."""
        bound = [f"10.78.0.{n + 1}" for n in range(60)]
        for idle in ([], [(f"10.99.0.{n + 1}", 1) for n in range(32)]):
            with self.subTest(len(idle)):
                mesh = lambda pods: self.mesh_of([(p.ip, 1_000_000) for p in pods] + idle, f"consistent-hash, slowStart: {10 * SLOW:.0f}s")  # noqa: E731
                self.lab.apply(self.mesh_of([]))
                time.sleep(2.5 * SLOW)
                self.lab.apply(mesh([self.a]))
                self.whose(self.client)
                time.sleep(10 * SLOW)
                self.lab.apply(mesh([self.a, self.b]))
                its = lambda: {one for one in bound if self.whose(self.client, bind=one) == "b"}  # noqa: E731
                self.whose(self.client)
                early, later = its(), its()
                time.sleep(10 * SLOW)
                last = its()
                self.assertLessEqual(early, later)
                self.assertLessEqual(later, last)
                self.assertLess(len(early), 20)
                self.assertAlmostEqual(len(last), 30, delta=4 * 3.9)  # sigma of 60 draws at a half

    def test_many_endpoints(self):
        # More than are compared at each connect: a table, with the same owners for the same clients.
        far = [f"10.99.0.{n + 1}" for n in range(32)]
        four = [self.a, self.b, self.c, self.d]
        self.lab.apply(self.mesh_with(four))
        few = [self.whose(pod) for pod in self.clients]
        self.lab.apply(self.mesh_of([p.ip for p in four] + [(address, 0) for address in far], "consistent-hash"))
        self.assertEqual([self.whose(pod) for pod in self.clients], few)
        near = [(p.ip, 1_000_000) for p in four] + [(address, 1) for address in far]
        self.lab.apply(self.mesh_of(near, "consistent-hash"))
        self.assertEqual([self.whose(pod) for pod in self.clients], few)


class Affinity(ClientCase):
    CLIENTS = 3

    def mesh_with(self, endpoints, timeout):
        text = self.mesh_of(endpoints)
        return re.sub(r"( +)balance:", rf"\1affinity: {{timeout: {timeout}}}\n\1balance:", text, count=1)

    def test_a_client_keeps_its_endpoint_until_the_timeout(self):
        self.lab.apply(self.mesh_with([self.a.ip, self.b.ip], "2s"))
        for pod in self.clients:
            names = {self.whose(pod) for _ in range(10)}
            self.assertEqual(len(names), 1)
        first = self.whose(self.clients[0])
        time.sleep(1.2)
        self.assertEqual(self.whose(self.clients[0]), first)  # it goes on from each connect
        time.sleep(1.2)
        self.assertEqual(self.whose(self.clients[0]), first)
        time.sleep(2.3)
        later = [self.whose(self.clients[0])]
        time.sleep(2.3)
        later.append(self.whose(self.clients[0]))
        self.assertEqual(sorted(later), ["a", "b"])  # round-robin goes on

    def test_added_endpoints_move_nobody_and_removed_ones_their_own(self):
        self.lab.apply(self.mesh_with([self.a.ip, self.b.ip], "1h"))
        before = [self.whose(pod) for pod in self.clients]
        self.assertEqual(set(before), {"a", "b"})
        self.lab.apply(self.mesh_with([self.a.ip, self.b.ip, self.c.ip, self.d.ip], "1h"))
        self.assertEqual([self.whose(pod) for pod in self.clients], before)
        self.lab.apply(self.mesh_with([(self.a.ip, 0), self.b.ip], "1h"))  # drained: nobody new, old clients leave too
        self.assertEqual([self.whose(pod) for pod in self.clients], ["b"] * 3)
        self.lab.apply(self.mesh_with([self.a.ip], "1h"))
        self.assertEqual([self.whose(pod) for pod in self.clients], ["a"] * 3)

    def test_a_service_that_outgrows_its_rows_moves_nobody_and_an_endpoint_that_leaves_its_own(self):
        """The row that a client had is free by then, and another one is its endpoint's."""
        far = [(f"10.99.0.{n}", 0) for n in range(2, 60)]
        self.lab.apply(self.mesh_with([self.a.ip], "1h"))
        self.assertEqual([self.whose(pod) for pod in self.clients], ["a"] * 3)
        self.lab.apply(self.mesh_with([self.a.ip, self.b.ip] + far[:10], "1h"))
        self.assertEqual([self.whose(pod) for pod in self.clients[:2]], ["a"] * 2)
        time.sleep(3)
        self.assertEqual(self.whose(self.clients[0]), "a")
        self.lab.apply(self.mesh_with([self.a.ip, self.b.ip] + far, "1h"))
        time.sleep(3)
        self.assertEqual([self.whose(pod) for pod in self.clients], ["a"] * 3)  # the last one: two rows on
        self.lab.weir("eject", "orders.shop", self.a.ip)
        self.assertEqual(self.whose(self.clients[0]), "b")
        self.lab.weir("restore", "orders.shop", self.a.ip)
        self.lab.apply(self.mesh_with([self.b.ip] + far, "1h"))
        self.assertEqual([self.whose(pod) for pod in self.clients], ["b"] * 3)
        self.lab.apply("services: {}\n")

    def test_it_is_shown(self):
        self.lab.apply(self.mesh_with([self.a.ip], "3h"))
        self.assertRegex(self.lab.weir("services", "-o", "wide").stdout, r"round-robin +3h +steer")


if __name__ == "__main__":
    unittest.main()
