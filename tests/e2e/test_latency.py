# SPDX-License-Identifier: Apache-2.0
"""What weir measures of connections, against the clients' own clocks and tallies: times to the first byte, connect
and round trip times, bytes, retransmissions, resets."""

import json
import os
import sys
import time

from case import VIP, LabCase, service_yaml, wait_for
from pinned import pins_of

TALK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "talk.py")
GREETER = "10.96.0.31"


class Measured(LabCase):
    SERVERS = ()
    AGENT_FLAGS = ("--first-byte", "1")

    @classmethod
    def mesh(cls):
        pods = cls.lab.pod("talker"), cls.lab.pod("greeter")
        cls.talker = pods[0]
        pods[0].start(sys.executable, TALK, "serve", 8080)
        pods[1].start(sys.executable, TALK, "serve", 8080, "--greet")
        return ("services:\n" + service_yaml("talk.shop", [VIP], [pods[0].ip])
                + service_yaml("greet.shop", [GREETER], [pods[1].ip])
                + f"workloads:\n  client.shop: {{cgroup: {cls.lab.pattern('client')}}}\n")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for address in (VIP, GREETER):
            wait_for(lambda a=address: cls.client.run(sys.executable, TALK, "ask", a, 80, check=False), f"{address} to answer")

    def ask(self, *words, address=VIP):
        return json.loads(self.client.run(sys.executable, TALK, "ask", address, 80, *words))

    def edge(self, service="talk.shop"):
        """The edges of client.shop to the service as one: its counts and its times."""
        edges = [e for e in self.lab.weir("edges", service, "-o", "json", parse=True)["items"] if e["workload"] == "client.shop"]
        self.assertEqual(len(edges), 1)
        return edges[0]

    def settled_edge(self, service="talk.shop"):
        """Once all is closed, on both sides: then the last bytes are counted."""
        wait_for(lambda: self.edge(service)["counts"]["active"] == 0, "active to become 0")
        last = None
        while (now := self.edge(service)) != last:
            last = now
            time.sleep(0.2)
        return now

    def count(self, edge, kind):
        return edge["latencies"].get(kind, {"count": 0})["count"]

    def scraped(self, metric, service="talk.shop"):
        """The samples of a metric for client.shop's calls of the service."""
        lines = [line for line in self.lab.metrics().splitlines() if line.startswith(metric + "{")
                 and f'destination_service="{service}"' in line and 'source_workload="client"' in line]
        return [float(line.rsplit(" ", 1)[1]) for line in lines]

    def grown(self, before, after):
        return {name: after["counts"][name] - before["counts"][name] for name in
                ("bytesSent", "bytesReceived", "retransmits", "resetsSent", "resetsReceived", "opened", "closed", "failed")}


class FirstByte(Measured):
    def test_agrees_with_the_client(self):
        before = self.settled_edge()
        tally = self.ask("--ask", "2 100", "--ask", "5 100000", "--ask", "1 10", "--ask", "1 1", "--ask", "30 5000", "--times", "60")
        after = self.settled_edge()
        self.assertEqual(self.count(after, "firstByte") - self.count(before, "firstByte"), tally["questions"])
        times = after["latencies"]["firstByte"]
        self.assertAlmostEqual(times["p50Seconds"], tally["p50"], delta=0.15 * tally["p50"])
        self.assertAlmostEqual(times["p99Seconds"], tally["p99"], delta=0.3 * tally["p99"])  # of few, and a bucket is 19 % wide

    def test_server_that_speaks_first_is_not_measured(self):
        before = self.settled_edge("greet.shop")
        tally = self.ask("--greeted", "--ask", "1 10", "--connections", "20", address=GREETER)
        after = self.settled_edge("greet.shop")
        self.assertEqual(self.count(after, "firstByte") - self.count(before, "firstByte"), tally["questions"])

    def left_out_by(self, *words, address=VIP, service="talk.shop"):
        """How many connections the program's run left out, and how many first bytes it gave."""
        before = self.settled_edge(service)
        self.client.run(sys.executable, TALK, words[0], address, 80, *words[1:])
        after = self.settled_edge(service)
        left_out = [e["latencies"].get("connectionsLeftOut", 0) for e in (before, after)]
        return left_out[1] - left_out[0], self.count(after, "firstByte") - self.count(before, "firstByte")

    def test_questions_written_at_once_are_one(self):
        self.assertEqual(self.left_out_by("ask", "--ask", "0 10", "--ask", "0 10", "--burst", "2", "--times", "50"), (0, 50))

    def test_pipelining_and_streams_leave_their_connection_out(self):
        left_out, answers = self.left_out_by("overlap", "--ask", "5 2000", "--times", "100")
        self.assertEqual(left_out, 1)
        self.assertLess(answers, 100)
        left_out, answers = self.left_out_by("ask", "--ask", "5 10", *["--ask", "5 10"] * 99, "--burst", "100")
        self.assertEqual((left_out, answers), (1, 1))

    def test_histograms_are_scraped(self):
        self.ask("--ask", "3 10", "--times", "20")
        self.settled_edge()
        time.sleep(1.1)  # a scrape is shared for a second
        edge = self.edge()
        for metric, kind in (("weir_tcp_first_byte_seconds", "firstByte"), ("weir_tcp_connect_seconds", "connect"),
                             ("weir_tcp_rtt_seconds", "rtt")):
            times = edge["latencies"][kind]
            self.assertEqual(self.scraped(metric + "_count"), [times["count"]])
            self.assertAlmostEqual(self.scraped(metric + "_sum")[0], times["sumSeconds"], places=6)
            buckets = self.scraped(metric + "_bucket")
            self.assertEqual((len(buckets), buckets[-1]), (16, times["count"]))
            self.assertEqual(buckets, sorted(buckets))


class Traffic(Measured):
    def test_bytes_are_the_programs_own(self):
        before = self.settled_edge()
        tally = self.ask("--ask", "0 1", "--ask", "0 70000", "--ask", "0 1000000", "--times", "5", "--connections", "20")
        grown = self.grown(before, self.settled_edge())
        self.assertEqual((grown["bytesSent"], grown["bytesReceived"]), (tally["sent"], tally["received"]))
        self.assertEqual((grown["opened"], grown["closed"], grown["failed"]), (20, 20, 0))
        self.assertEqual((grown["resetsSent"], grown["resetsReceived"]), (0, 0))

    def test_istio_sent_is_what_the_endpoint_sent(self):
        """Istio's direction is the endpoint's: its "sent" is what the caller received."""
        self.ask("--ask", "0 5000", "--times", "3")
        edge = self.settled_edge()
        time.sleep(1.1)
        self.assertEqual(self.scraped("istio_tcp_sent_bytes_total"), [edge["counts"]["bytesReceived"]])
        self.assertEqual(self.scraped("istio_tcp_received_bytes_total"), [edge["counts"]["bytesSent"]])
        self.assertGreater(edge["counts"]["bytesReceived"], edge["counts"]["bytesSent"])

    def test_resets_by_side(self):
        before = self.settled_edge()
        tally = self.ask("--ask", "0 100", "--reset", "--connections", "7")
        by_caller = self.settled_edge()
        grown = self.grown(before, by_caller)
        self.assertEqual((grown["resetsSent"], grown["resetsReceived"], grown["closed"]), (7, 0, 7))
        self.assertEqual((grown["bytesSent"], grown["bytesReceived"]), (tally["sent"], tally["received"]))
        self.ask("--ask", "0 100", "--ask", "0 -1", "--connections", "5")
        grown = self.grown(by_caller, self.settled_edge())
        self.assertEqual((grown["resetsSent"], grown["resetsReceived"], grown["closed"]), (0, 5, 5))

    def test_long_connections_are_seen_while_they_live(self):
        before = self.settled_edge()
        held = self.client.start(sys.executable, TALK, "hold", VIP, 80, "--ask", "0 123456", stdin=-1)
        held.first_line("holding")
        since = time.monotonic()
        wait_for(lambda: self.grown(before, self.edge())["bytesReceived"] == 123456, "the bytes to be seen", 5)
        self.assertEqual(self.grown(before, self.edge())["bytesSent"], len("0 123456\n"))
        self.assertLess(time.monotonic() - since, 5)
        held.stdin.close()
        held.wait()
        after = self.settled_edge()
        self.assertEqual(self.grown(before, after)["bytesReceived"], 123456, "counted once")
        self.assertGreaterEqual(self.count(after, "rtt") - self.count(before, "rtt"), 2)

    def test_with_the_agent_dead_all_is_counted_at_the_end(self):
        before = self.settled_edge()
        self.lab.kill_agent()
        self.addCleanup(self.lab.start_agent, *self.AGENT_FLAGS)
        tally = self.ask("--ask", "1 5000", "--times", "10", "--connections", "3")
        after = self.settled_edge()
        grown = self.grown(before, after)
        self.assertEqual((grown["bytesSent"], grown["bytesReceived"]), (tally["sent"], tally["received"]))
        self.assertEqual(self.count(after, "firstByte") - self.count(before, "firstByte"), 30)
        self.assertEqual(self.count(after, "connect") - self.count(before, "connect"), 3)

    def test_lost_segments_are_retransmissions_and_no_bytes(self):
        before = self.settled_edge()
        self.talker.run("nft", "add table inet lossy; add chain inet lossy in { type filter hook input priority 0; }; "
                        "add rule inet lossy in tcp dport 8080 numgen inc mod 5 == 4 drop")
        self.addCleanup(self.talker.run, "nft", "delete table inet lossy")
        tally = self.ask("--ask", "0 50", "--times", "40")
        grown = self.grown(before, self.settled_edge())
        self.assertGreater(grown["retransmits"], 3)
        self.assertEqual((grown["bytesSent"], grown["bytesReceived"]), (tally["sent"], tally["received"]))

    def test_a_socket_used_again_for_elsewhere_is_not_counted(self):
        """connect(AF_UNSPEC) ends the steered connection; what the socket does then is not the service's."""
        before = self.settled_edge()
        self.client.run(sys.executable, TALK, "again", VIP, 80, "--elsewhere", self.talker.ip, "--ask", "0 300")
        grown = self.grown(before, self.settled_edge())
        self.assertEqual((grown["opened"], grown["closed"], grown["bytesReceived"]), (1, 1, 300))
        self.assertEqual(self.count(self.edge(), "connect") - self.count(before, "connect"), 1)


class Shares(Measured):
    AGENT_FLAGS = ()

    def first_bytes_of(self, connections):
        before = self.settled_edge()
        self.ask("--ask", "0 10", "--connections", str(connections))
        return self.count(self.settled_edge(), "firstByte") - self.count(before, "firstByte")

    def hooks(self):
        return [h["name"] for h in self.lab.weir("status", "-o", "json", parse=True)["hooks"]]

    def test_one_of_eight_none_and_all(self):
        self.assertAlmostEqual(self.first_bytes_of(1200), 150, delta=46)  # 4 sigma
        self.assertIn("weir_first_byte", self.hooks())
        self.lab.kill_agent()
        self.lab.start_agent("--first-byte", "0")
        self.assertNotIn("weir_first_byte", self.hooks())
        self.assertFalse(os.path.exists(f"{pins_of(self.lab)}/links/weir_first_byte"))
        self.assertEqual(self.first_bytes_of(100), 0)
        self.lab.kill_agent()
        self.lab.start_agent("--first-byte", "1")
        self.assertEqual(self.first_bytes_of(100), 100)
