# SPDX-License-Identifier: Apache-2.0
"""Tables at 100 %: nothing is lost, nothing is silent. What finds no room in the edge table is counted on
`other`, what finds none in a table of the mesh is refused by name, shown, and tried again."""

import os
import subprocess
import sys
import time
import unittest

from case import BIN, VIP, VIP6, Background, LabCase, service_yaml, wait_for, wait_until_equal


class FullEdgeTable(LabCase):
    AGENT_FLAGS = ("--max-edges", "1")

    def test_sums_stay_exact_and_active_is_right(self):
        held = [self.client.start(BIN + "/weir-peer", "hold", VIP, 80, "--interval", "20") for _ in range(4)]
        for process in held:
            process.first_line("holding")
        self.assertEqual(self.totals()["active"], 4)
        tally = self.client.connects(VIP, 80, count=500, threads=2)
        self.assert_clean(tally)
        for process in held:
            self.assertIn('"errors": 0', process.stop())
        after = self.settled()
        self.assertEqual((after["opened"], after["closed"], after["failed"]), (504, 504, 0))
        # One edge had room; everything else is on "other", and said to be.
        counts = {e: row["counts"] for e, row in self.lab.endpoints("orders.shop").items()}
        self.assertGreater(counts["other"]["opened"], 200)
        self.assertEqual(sum(one["opened"] for one in counts.values()), 504)
        self.assertTrue(all(one["active"] == 0 for one in counts.values()), counts)
        self.assertRegex(self.lab.weir("status").stdout, r'\d+ connects counted on "other"')


# Listens on a port, and takes what its one client sends when it is told to.
TAKE_LATE = """
import socket, sys
listener = socket.create_server(("", int(sys.argv[1])))
print("listening", flush=True)
client = listener.accept()[0]
sys.stdin.readline()
print(sum(iter(lambda: len(client.recv(1 << 20)), 0)), flush=True)
"""

# Sends as much as there is room for, and goes away.
SEND_AND_GO = """
import socket, sys
client = socket.create_connection((sys.argv[1], int(sys.argv[2])))
client.settimeout(0.5)
sent = 0
try:
    while True:
        sent += client.send(bytes(1 << 16))
except TimeoutError:
    print(sent)
"""


class ReplacedEndpoints(LabCase):
    def left_of(self, service):
        return self.lab.endpoints(service).get("departed", {"counts": {"closed": 0, "bytesSent": 0}})["counts"]

    def test_bytes_that_are_sent_after_their_endpoint_left_are_counted(self):
        for service, address, caller_leaves in (("late.shop", "10.96.0.40", False), ("gone.shop", "10.96.0.41", True)):
            with self.subTest(caller_leaves=caller_leaves):
                server = self.b.start(sys.executable, "-c", TAKE_LATE, 8090, stdin=subprocess.PIPE)
                server.first_line("listening")
                self.lab.apply(self.mesh_of([self.a.ip], extra=service_yaml(service, [address], [self.b.ip], target=8090)))
                sent = int(self.client.run(sys.executable, "-c", SEND_AND_GO, address, 80))  # closed: not active any more
                mesh = self.mesh_of([self.a.ip], extra=service_yaml(service, [address], [self.a.ip]))
                self.lab.apply(mesh.split("workloads:")[0] if caller_leaves else mesh)
                wait_for(lambda: self.left_of(service)["closed"] == 1, "the row to be freed")
                if caller_leaves:
                    self.lab.kill_agent()
                    self.lab.start_agent()  # looks for callers that left
                self.assertLess(self.left_of(service)["bytesSent"], sent)
                self.assertEqual(int(server.communicate("\n")[0].split()[-1]), sent)
                wait_until_equal(lambda: self.left_of(service)["bytesSent"], sent, "the last bytes to be counted")
        self.lab.apply(self.mesh())

    def test_sums_stay_when_endpoints_are_replaced_under_load(self):
        before = self.settled()
        with Background(self.client) as load:
            for endpoints in ([self.a.ip], [self.b.ip], [self.a.ip, self.b.ip], [self.a.ip6], [self.b.ip]) * 4:
                self.lab.apply(self.mesh_of(endpoints + ([self.b.ip] if self.b.ip not in endpoints else [])))
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        self.settled()
        left = {self.b.ip + ":8080", "departed"}
        wait_until_equal(lambda: set(self.lab.endpoints("orders.shop")), left, "the rows of the others to be freed")
        after = self.settled()
        self.assertEqual(after["opened"] - before["opened"], load.total)
        self.assertEqual(after["closed"] - before["closed"], load.total)
        self.assertIn('destination_endpoint="other"', self.lab.metrics())


class Refused(LabCase):
    AGENT_FLAGS = ("--max-addresses", "3")  # a service of two families takes two

    def status(self):
        return self.lab.weir("status", "-o", "json", parse=True)

    def test_what_has_no_room_is_refused_said_and_tried_again(self):
        more = service_yaml("more.shop", ["10.96.0.30", "10.96.0.31"], [self.a.ip])
        self.lab.write_mesh(self.mesh_of([self.a.ip], extra=more))
        refused = wait_for(lambda: self.status()["agent"]["refused"], "the refusal", 3)
        self.assertEqual(refused, ["more.shop:80/TCP: table weir_vip is full"])
        wait_for(lambda: "more.shop:80/TCP: table weir_vip is full" in self.lab.agent_log(), "the line in the log")
        self.assertRegex(self.lab.weir("status").stdout, "more.shop:80/TCP: table weir_vip is full")
        check = self.lab.weir("check", check=False)
        self.assertEqual(check.returncode, 1)
        self.assertIn("× the mesh directory is in force", check.stdout)
        self.assertRegex(self.lab.metrics(), r"weir_mesh_refused 1\b")
        self.assert_clean(self.client.connects(VIP, 80, count=20))  # the others are served
        self.lab.write_mesh("services:\n" + more.replace("10.96.0.31", VIP))  # room, and the whole of it
        wait_for(lambda: not self.status()["agent"]["refused"], "the refusal to be over", 4)
        self.assert_clean(self.client.connects("10.96.0.30", 80, count=20))
        self.lab.write_mesh(self.mesh())
        wait_for(lambda: self.lab.service("orders.shop"), "the old mesh", 3)



class FullTables(LabCase):
    """Each table of the mesh at 100 %: what is in it stays as it was, what has no room is named."""
    AGENT_FLAGS = ("--max-service-ports", "8", "--max-slots", "64", "--max-cgroup-patterns", "3")

    def refused(self):
        return self.lab.weir("status", "-o", "json", parse=True)["agent"]["refused"]

    def settle_on(self, text, refusals):
        self.lab.write_mesh(text)
        wait_for(lambda: self.refused() == refusals, f"{refusals} to be refused, not {self.refused()}", 4)

    def fill(self, table):
        [row] = [t for t in self.lab.weir("status", "-o", "json", parse=True)["tables"] if t["table"] == table]
        return row["used"], row["capacity"]

    def tearDown(self):
        self.settle_on(self.mesh(), [])
        self.assert_clean(self.client.connects(VIP, 80, count=20))

    def many(self, count):
        return "".join(service_yaml(f"s{n:02}", [f"10.96.1.{n + 1}"], [self.a.ip]) for n in range(count))

    def test_service_ports(self):
        before = self.settled()
        with Background(self.client) as load:
            self.settle_on(self.mesh_of([self.a.ip, self.b.ip], extra=self.many(12)),
                           [f"s{n:02}:80/TCP: table weir_svc_port is full" for n in range(7, 12)])
            self.assertEqual(self.fill("weir_svc_port"), (8, 8))
            for n in range(7):
                self.assertEqual(self.client.connects(f"10.96.1.{n + 1}", 80, count=5)["greeted"], {"a": 5}, n)
            # One goes, one of those that waited comes.
            left = self.many(12).replace(service_yaml("s00", ["10.96.1.1"], [self.a.ip]), "")
            self.settle_on(self.mesh_of([self.a.ip, self.b.ip], extra=left),
                           [f"s{n:02}:80/TCP: table weir_svc_port is full" for n in range(8, 12)])
            self.assert_clean(self.client.connects("10.96.1.8", 80, count=5))
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        self.assertEqual(self.settled()["opened"] - before["opened"], load.total)

    def test_slots(self):
        uneven = [(self.a.ip, 997), (self.b.ip, 3)]  # as a schedule, more words than there are
        self.settle_on(self.mesh_of(uneven), ["orders.shop:80/TCP: table weir_slot is full"])
        tally = self.client.connects(VIP, 80, count=20)
        self.assertEqual(tally["greeted"], {"a": 10, "b": 10})  # as it was
        self.assertRegex(self.lab.weir("status").stdout, "orders.shop:80/TCP: table weir_slot is full")

    def test_patterns(self):
        workloads = "".join(f"  w{n}: {{cgroup: {self.lab.pattern(f'w{n}')}}}\n" for n in range(4))
        self.settle_on(self.mesh() + workloads, ["workload w2: table weir_cg_prefix is full",
                                                 "workload w3: table weir_cg_prefix is full"])
        self.client.connects(VIP, 80, count=5)
        self.assertIn('source_workload="client"', self.lab.metrics())


class FullCgroupTable(LabCase):
    ROWS = 2048
    AGENT_FLAGS = ("--max-cgroups", str(ROWS))

    @classmethod
    def mesh(cls):
        return super().mesh() + f"  batch.jobs: {{cgroup: '{cls.lab.pattern('batch*')}'}}\n"

    def rows(self):
        [row] = [t for t in self.lab.weir("status", "-o", "json", parse=True)["tables"] if t["table"] == "weir_cgroup"]
        return row["used"]

    def opened(self, workload):
        return sum(int(float(line.rsplit(" ", 1)[1])) for line in self.lab.metrics().splitlines()
                   if line.startswith("istio_tcp_connections_opened_total{") and f'source_workload="{workload}"' in line)

    def connect_from(self, path):
        self.client.run(BIN + "/weir-peer", "connects", VIP, 80, "--count", "10", cgroup=path)

    def gained(self, before):
        return {name: self.opened(name) - count for name, count in before.items()}

    def connect_beside_full_rows(self, fill, batch):
        """The cgroup, and what each workload gained by ten connects of the client, of a cgroup in it, and of that cgroup."""
        while self.rows() < self.ROWS:
            fill.append(self.lab.make_cgroup(f"fill{len(fill)}"))
        nested, path = self.lab.make_cgroup("client/" + batch), self.lab.make_cgroup(batch)
        before = {name: self.opened(name) for name in ("client", "batch", "unknown")}
        self.client.connects(VIP, 80, count=10)  # has its row from before
        self.connect_from(nested)
        self.connect_from(path)  # its pattern has no row to be in
        wait_for(lambda: sum(self.gained(before).values()) == 30, "the counts to grow", 4)
        return path, self.gained(before)

    def test_nearest_known_ancestor_answers_until_there_is_room(self):
        fill = [self.lab.make_cgroup(f"fill{n}") for n in range(self.ROWS)]
        self.assertRegex(self.lab.weir("status").stdout, r"\d+ cgroups without a row: the cgroup table is full")
        for n in range(5):
            batch, gained = self.connect_beside_full_rows(fill, f"batch{n}")
            if not gained["batch"]:  # else there was room: cgroups of another test had gone
                break
        self.assertEqual(gained, {"client": 20, "batch": 0, "unknown": 10})
        before = {"batch": self.opened("batch")}
        for path in fill:
            os.rmdir(path)
            self.lab.cgroups.remove(path)
        self.assertLess(self.rows(), self.ROWS)
        wait_for(lambda: self.connect_from(batch) or self.opened("batch") > before["batch"], "batch to have its row", 6)


class ForgetfulAffinity(LabCase):
    AGENT_FLAGS = ("--max-affinities", "8")

    def test_more_clients_than_rows(self):
        """The oldest are forgotten; nobody is refused."""
        self.lab.apply(self.mesh_of([self.a.ip, self.b.ip], algorithm="random").replace("    balance:", "    affinity: {timeout: 1h}\n    balance:"))
        before = self.settled()
        pods = [self.lab.pod(f"c{n}") for n in range(20)]
        for pod in pods * 2:
            tally = pod.connects(VIP, 80, count=5)
            self.assert_clean(tally)
        self.assertEqual(self.settled()["opened"] - before["opened"], 200)


class RowsThatAreHeld(LabCase):
    AGENT_FLAGS = ("--max-endpoints", "4")  # the rows of one service

    def test_what_was_refused_is_served_once_rows_are_free(self):
        held = self.client.start(BIN + "/weir-peer", "hold", VIP, 80, "--interval", "20")
        held.first_line("holding")
        refused = lambda: self.lab.weir("status", "-o", "json", parse=True)["agent"]["refused"]  # noqa: E731
        self.lab.write_mesh("services:\n" + service_yaml("next.shop", ["10.96.0.40"], [self.b.ip]))
        self.assertEqual(wait_for(refused, "the refusal", 3), ["next.shop:80/TCP: table weir_endpoint is full"])
        time.sleep(2.5)  # the old service's row is still held by the connection
        self.assertTrue(refused())
        self.assertIn('"errors": 0', held.stop())
        wait_for(lambda: not refused(), "the row to be free", 4)
        self.assertEqual(self.client.connects("10.96.0.40", 80, count=10)["greeted"], {"b": 10})


if __name__ == "__main__":
    unittest.main()
