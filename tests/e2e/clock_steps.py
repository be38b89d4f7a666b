# SPDX-License-Identifier: Apache-2.0
"""The clock of the machine is set an hour forth and two hours back while traffic goes through weir. Sets the clock of the
machine it runs on: in_vm.py runs it."""

import json
import time

from case import BIN, VIP, Background, LabCase, service_yaml, wait_for

HOUR = 3600


def step(seconds):
    time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) + seconds)


class Clock(LabCase):
    @classmethod
    def mesh_of(cls, endpoints, extra=""):
        return super().mesh_of(endpoints, extra=service_yaml("sticky.shop", ["10.96.0.11"], endpoints, algorithm="random")
                               + "    affinity: {timeout: 30m}\n" + service_yaml("dark.shop", ["10.96.0.12"], endpoints) + extra)

    def test_an_hour_forth_and_two_back(self):
        before = self.settled()
        held = self.client.start(BIN + "/weir-peer", "hold", VIP, 80, "--interval", "100", "--count", "20")
        held.first_line("holding")
        whom = self.client.connects("10.96.0.11", 80, count=1)["greeted"]
        self.lab.weir("off", "dark.shop", "--for", "40m")
        with Background(self.client) as load:
            for number, seconds in enumerate((HOUR, -2 * HOUR, HOUR)):
                step(seconds)
                time.sleep(3)
                self.look(whom, f"file{number}.yaml", f"10.96.5.{number + 1}")
                self.lab.kill_agent()  # what it reads from its files and tables must not depend on the time either
                self.lab.start_agent()
                self.look(whom, f"more{number}.yaml", f"10.96.6.{number + 1}")
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        seen = json.loads(held.stop().splitlines()[-1])
        self.assertEqual(seen["errors"], 0)
        after = self.settled()
        self.assertEqual(after["opened"] - before["opened"], load.total + 20)
        self.assertEqual(after["closed"] - before["closed"], load.total + 20)

    def look(self, whom, name, address):
        status = self.lab.weir("status", "-o", "json", parse=True)
        wait_for(lambda: 0 <= self.lab.weir("status", "-o", "json", parse=True)["heartbeatAgeSeconds"] < 3, "the agent's next turn")
        self.assertLess(status["publishedAgoSeconds"], 600)
        self.assertIn("off", self.lab.weir("services").stdout, "switched off for 40 minutes of which none has passed")
        self.assertEqual(self.client.connects("10.96.0.11", 80, count=10)["greeted"], {next(iter(whom)): 10})
        # A change is followed, though the file's time may lie an hour away from what the agent saw.
        self.lab.write_mesh("services:\n" + service_yaml(f"s{name[:-5]}.shop", [address], [self.b.ip]), name)
        wait_for(lambda: self.lab.service(f"s{name[:-5]}.shop"), "the new service")
        self.assertEqual(self.client.connects(address, 80, count=5)["greeted"], {"b": 5})
