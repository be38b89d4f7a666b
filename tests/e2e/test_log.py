# SPDX-License-Identifier: Apache-2.0
"""The agent's log: lines of connections that are bad, slow or sampled; every line is what the schema says, and what
was too much is counted."""

import json
import re
import sys
import unittest

from case import ROOT, VIP, wait_for
from test_flows import NOBODY, TALK, TALKER, FlowsCase


class Logged(FlowsCase):
    AGENT_FLAGS = ("--first-byte", "1", "--slow", "50ms")

    def lines(self, action=""):
        lines = [json.loads(line) for line in self.lab.agent_log().splitlines()]
        return [line for line in lines if line["event.action"].startswith(action)]

    def test_bad_and_slow_ones_have_a_line(self):
        before = len(self.lines("connection-"))
        self.client.connects(VIP, 80, count=30)
        self.client.connects(NOBODY, 80, count=2)
        self.client.connects("10.96.0.15", 80, count=1)
        self.client.run(sys.executable, TALK, "ask", TALKER, 80, "--ask", "5 10", "--ask", "70 1000")
        self.settled_events()
        wait_for(lambda: len(self.lines("connection-")) - before >= 4, "the lines")
        lines = self.lines("connection-")[before:]
        self.assertEqual([(x["event.action"], x["weir.service"], x.get("event.reason")) for x in lines],
                         [("connection-failed", "nobody.shop", "no_endpoint")] * 2
                         + [("connection-failed", "closed.shop", "refused"), ("connection-closed", "talk.shop", None)])
        slow = lines[-1]
        self.assertGreaterEqual(slow["weir.first_byte_ns"], 50_000_000)
        self.assertEqual(slow["destination.bytes"], 1010)
        self.assertEqual((slow["weir.workload"], slow["weir.endpoint"]), ("client.shop", self.talker.ip + ":8080"))

    def test_what_is_too_much_is_counted(self):
        dropped = lambda: int(re.search(r"weir_log_lines_dropped_total (\d+)", self.lab.metrics())[1])  # noqa: E731
        before, lines = dropped(), len(self.lines("connection-"))
        self.client.connects(NOBODY, 80, count=800)
        self.settled_events()
        wait_for(lambda: dropped() - before + len(self.lines("connection-")) - lines >= 800, "lines and drops", 5)
        self.assertEqual(dropped() - before + len(self.lines("connection-")) - lines, 800)
        self.assertLess(len(self.lines("connection-")) - lines, 400)

    def tearDown(self):
        import jsonschema

        with open(ROOT + "/deploy/log.schema.json") as file:
            schema = jsonschema.Draft7Validator(json.load(file))
        lines = self.lines()
        self.assertTrue(lines)
        self.assertEqual([e.message for line in lines for e in schema.iter_errors(line)], [])


class SampledLines(FlowsCase):
    def test_a_share_of_the_others(self):
        self.lab.kill_agent()
        self.lab.write_config("observe: {logSample: 1/10}\n")
        self.lab.start_agent()
        self.client.connects(VIP, 80, count=100)
        self.settled_events()
        lines = [json.loads(line) for line in self.lab.agent_log().splitlines()]
        closed = [line for line in lines if line["event.action"] == "connection-closed"]
        self.assertEqual(len(closed), 10)
        self.assertEqual({(line["event.outcome"], line["weir.service"]) for line in closed}, {("success", "orders.shop")})


if __name__ == "__main__":
    unittest.main()
