# SPDX-License-Identifier: Apache-2.0
"""Rows of weir's tables that somebody else has changed are found, written again and counted."""

import random
import struct
import time

from case import SLOW, VIP, LabCase, service_yaml, wait_for
from pinned import SETTINGS, Table

SERVICES, ENDPOINTS = 100, 10
ENDPOINT = 32  # bytes of a row


class ChangedRows(LabCase):
    @classmethod
    def mesh(cls):
        return cls.mesh_of([cls.a.ip, cls.b.ip], extra="".join(
            service_yaml(f"s{n}", [f"10.97.0.{n + 1}"], [f"10.98.{n}.{e + 1}" for e in range(ENDPOINTS)],
                         algorithm="round-robin") for n in range(SERVICES)))

    def setUp(self):
        names = ("weir_vip", "weir_vip_filter", "weir_svc_port", "weir_slot", "weir_endpoint", "weir_cg_prefix")
        self.table = {name: Table(self.lab, name) for name in names}
        self.array = {name: self.table[name].memory() for name in names if name not in ("weir_vip", "weir_cg_prefix")}
        self.random = random.Random(7)

    def tearDown(self):
        for memory in self.array.values():
            memory.close()
        for table in self.table.values():
            table.close()

    def state(self):
        return ({name: memory[:] for name, memory in self.array.items()},
                self.table["weir_vip"].items(), self.table["weir_cg_prefix"].items())

    def flip(self, name, offset):
        self.array[name][offset] ^= 1 << self.random.randrange(8)

    def change_arrays(self):
        """Returns how many rows."""
        ports, ranges, slots = self.array["weir_svc_port"], [], []
        row_bytes = self.table["weir_svc_port"].value_size
        settings_bytes = (row_bytes - SETTINGS) // 2
        rows = []
        for row in range(self.table["weir_svc_port"].rows):
            published, = struct.unpack_from("<Q", ports, row * row_bytes)
            if published == 0:
                continue
            offset, which = published & 0xffffffff, published >> 32 & 1
            settings = row * row_bytes + SETTINGS + which * settings_bytes
            base, _ = struct.unpack_from("<II", ports, settings)
            count, = struct.unpack_from("<I", ports, settings + 20)
            ranges.append((base, count))
            slots += [offset + word for word in range((count + 3) // 4)]
            rows.append((row * row_bytes, settings))
        for base, count in ranges:
            for row in range(base, base + min(count, ENDPOINTS)):
                self.flip("weir_endpoint", row * ENDPOINT + self.random.randrange(ENDPOINT))
        changed = sum(min(count, ENDPOINTS) for _, count in ranges)
        for word in self.random.sample(slots, 100):
            self.flip("weir_slot", word * 8 + self.random.randrange(8))
        for published, settings in rows[:20]:
            self.flip("weir_svc_port", settings + self.random.randrange(settings_bytes))
            self.flip("weir_svc_port", published + 4)
        for word in self.random.sample(range(self.table["weir_vip_filter"].rows), 30):
            self.flip("weir_vip_filter", word * 8 + self.random.randrange(8))
        return changed + 100 + 40 + 30

    def change_hashes(self):
        vip, patterns = self.table["weir_vip"], self.table["weir_cg_prefix"]
        keys = sorted(vip.items())
        for key in keys[:20]:
            vip.delete(key)
        for key in keys[20:40]:
            vip.put(key, struct.pack("<I", 9999)[:vip.value_size].ljust(vip.value_size, b"\0"))
        for number in range(20):
            vip.put(bytes(10) + b"\xff\xff" + bytes([10, 95, 0, number]) + keys[0][16:], vip.get(keys[50]))
        for key in patterns.items():
            patterns.delete(key)
        return 61

    def test_a_thousand_changed_rows_are_as_they_were_within_ten_seconds(self):
        before = self.state()
        changed = self.change_arrays()
        changed += self.change_hashes()
        self.assertGreater(changed, 1000)
        self.assertNotEqual(self.state(), before)
        started = time.monotonic()
        wait_for(lambda: self.state() == before, "all rows to be as they were", 10)
        self.assertLess(time.monotonic() - started, 10 * SLOW)
        # The count follows the rows.
        wait_for(lambda: f"weir_rows_repaired_total {changed}\n" in self.lab.metrics(), f"{changed} to be counted", 5)
        self.assertIn("rows-repaired", self.lab.agent_log())
        self.assertIn(f"{changed} rows written again", self.lab.weir("status").stdout)
        self.assert_clean(self.client.connects(VIP, 80, count=100))


class RightRows(LabCase):
    def test_nothing_is_counted_where_nobody_changed_anything(self):
        self.client.connects(VIP, 80, count=10)
        for number in range(3):
            self.lab.write_mesh("services:\n" + service_yaml("other", f"10.96.1.{number + 1}", ["10.98.0.1"]), "other.yaml")
            time.sleep(3)
        self.assertIn("weir_rows_repaired_total 0\n", self.lab.metrics())
