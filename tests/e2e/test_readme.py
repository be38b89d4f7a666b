# SPDX-License-Identifier: Apache-2.0
"""The README's own mesh file and weir commands, run as they stand there."""

import os
import re
import subprocess
import unittest

from case import BIN, ROOT, SLOW, LabCase


class Readme(LabCase):
    SERVERS = ("a",)

    def blocks(self):
        """The indented blocks, each as lines."""
        with open(ROOT + "/README.md") as file:
            text = file.read()
        return [re.sub(r"^    ", "", block, flags=re.M).strip("\n").split("\n")
                for block in re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.M)]

    def environment(self):
        names = {"--mesh": "WEIR_MESH", "--state": "WEIR_STATE", "--bpffs": "WEIR_BPFFS", "--socket": "WEIR_SOCKET",
                 "--cgroup": "WEIR_CGROUP", "--config": "WEIR_CONFIG"}
        flags = self.lab.flags()
        return {**os.environ, "PATH": BIN + ":" + os.environ["PATH"], **{names[f]: v for f, v in zip(flags[::2], flags[1::2])}}

    def test_the_mesh_file_and_the_commands(self):
        os.unlink(self.lab.mesh + "/mesh.yaml")
        mesh = next(b for b in self.blocks() if b[0] == "services:")
        with open(self.lab.directory + "/shop.yaml", "w") as file:
            file.write("\n".join(mesh) + "\n")
        commands = [line.split("#")[0].replace("sudo ", "").strip() for block in self.blocks() for line in block
                    if re.match(r"(sudo )?weir (?!uninstall)", line)]
        self.assertGreaterEqual(len(commands), 7)
        for command in commands:
            if command == "weir top" or " -f " in command:  # until ^C
                command = "timeout --preserve-status -s INT 5 " + command
            done = subprocess.run(command, shell=True, timeout=60 * SLOW, cwd=self.lab.directory, env=self.environment(), text=True, capture_output=True)
            self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
        self.assertEqual(len(self.lab.endpoints("orders.shop")), 2)

    def test_what_is_installed(self):
        self.assertIn("sudo cmake --install build/release ", "\n".join("\n".join(b) for b in self.blocks()))
        done = subprocess.run(["cmake", "--install", os.path.dirname(BIN), "--prefix", self.lab.directory + "/usr"],
                              text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(os.listdir(self.lab.directory + "/usr/bin")), ["weir", "weir-agent"])
        with open(self.lab.directory + "/usr/lib/systemd/system/weir-agent.service") as unit:
            self.assertIn(f"ExecStart={self.lab.directory}/usr/bin/weir-agent\n", unit.read())

    def test_files_and_scripts_are_there(self):
        words = {word for block in self.blocks() for line in block for word in line.split("#")[0].split()}
        for word in words:
            if word.startswith(("deploy/", "tests/")) and word.endswith((".sh", ".py")):
                self.assertTrue(os.access(f"{ROOT}/{word}", os.X_OK), word)


if __name__ == "__main__":
    unittest.main()
