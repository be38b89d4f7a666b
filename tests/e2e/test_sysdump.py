# SPDX-License-Identifier: Apache-2.0
"""weir sysdump: everything is in it, with the agent and without, and no secret."""

import json
import os
import tarfile
import unittest

from case import VIP, LabCase, service_yaml


class Sysdump(LabCase):
    @classmethod
    def mesh(cls):
        return ("services:\n" + service_yaml("orders.shop", [VIP], [cls.a.ip])
                + "# api_token: hunter2\n")

    def dump(self):
        archive = f"{self.lab.directory}/dump.tar.gz"
        if os.path.exists(archive):
            os.unlink(archive)
        self.assertIn(archive, self.lab.weir("sysdump", archive).stdout)
        self.assertEqual(os.stat(archive).st_mode & 0o777, 0o600)
        with tarfile.open(archive) as tar:
            return {m.name.split("/", 1)[1]: tar.extractfile(m).read().decode() for m in tar if m.isfile()}

    def test_with_the_agent_and_without(self):
        self.client.connects(VIP, 80, count=5)
        self.settled()
        for kind in ("alive", "dead"):
            files = self.dump()
            for name, wanted in (("status", "Status"), ("services", "ServiceList"), ("endpoints", "EndpointList"), ("edges", "EdgeList"),
                                 ("connections", "ConnectionList"), ("flows", "FlowList"), ("config", "NodeConfig")):
                text = files[f"{name}.json"]
                self.assertEqual(json.JSONDecoder().raw_decode(text)[0]["kind"], wanted)
            self.assertIn('"opened": 5', files["services.json"])
            self.assertIn(" Linux" if not files["kernel.txt"].startswith("Linux") else "Linux", files["kernel.txt"])
            self.assertIn("orders.shop", files["mesh/mesh.yaml"])
            self.assertNotIn("hunter2", "".join(files.values()))
            self.assertIn("redacted", files["mesh/mesh.yaml"])
            self.assertIn("weir", files["version.txt"])
            if kind == "alive":
                self.lab.kill_agent()
        self.lab.start_agent()

    def test_links_and_files_that_are_there(self):
        outside = self.lab.directory + "/outside.yaml"
        with open(outside, "w") as file:
            file.write("# elsewhere\n")
        os.symlink(outside, self.lab.mesh + "/link.yaml")
        self.addCleanup(os.unlink, self.lab.mesh + "/link.yaml")
        files = self.dump()
        self.assertEqual(files["mesh/link.yaml"], "# elsewhere\n")
        with open(outside) as file:
            self.assertEqual(file.read(), "# elsewhere\n")
        done = self.lab.weir("sysdump", f"{self.lab.directory}/dump.tar.gz", check=False)
        self.assertIn("File exists", done.stderr)

    def test_an_archive_that_cannot_be_written(self):
        done = self.lab.weir("sysdump", "/no/such/place.tar.gz", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot write /no/such/place.tar.gz", done.stderr)


if __name__ == "__main__":
    unittest.main()
