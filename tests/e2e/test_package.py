# SPDX-License-Identifier: Apache-2.0
"""What is installed: the Debian package, the systemd unit and what it allows, READY and the watchdog."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from case import BIN, ROOT, SLOW, VIP, LabCase, run, wait_for

FILES = """
/etc/weir/agent.yaml /usr/bin/weir /usr/bin/weir-agent /usr/lib/systemd/system/weir-agent.service
/usr/share/bash-completion/completions/weir /usr/share/zsh/vendor-completions/_weir
/usr/share/fish/vendor_completions.d/weir.fish /usr/share/man/man1/weir.1.gz /usr/share/man/man8/weir-agent.8.gz
/usr/share/man/man5/weir-mesh.5.gz /usr/share/weir/log.schema.json
/usr/share/weir/prometheus/rules.yaml /usr/share/weir/prometheus/alerts.yaml /usr/share/weir/prometheus/alerts_test.yaml
/usr/share/weir/grafana/mesh.json /usr/share/weir/grafana/service.json /usr/share/weir/grafana/node.json /usr/share/doc/weir/changelog.gz /usr/share/doc/weir/copyright
""".split()


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="weir-package-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        run("cpack", "-G", "DEB", "-B", cls.directory, cwd=ROOT + "/build/release")
        [cls.deb] = [f"{cls.directory}/{n}" for n in os.listdir(cls.directory) if n.endswith(".deb")]
        cls.root = cls.directory + "/root"
        run("dpkg-deb", "-R", cls.deb, cls.root)

    def test_lintian_has_nothing_to_say(self):
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", self.deb], text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_everything_is_in_its_usual_place(self):
        found = [os.path.join(path, name)[len(self.root):] for path, _, names in os.walk(self.root) for name in names]
        self.assertEqual(sorted(f for f in found if not f.startswith("/DEBIAN")), sorted(FILES))
        self.assertTrue(os.path.isdir(self.root + "/etc/weir/mesh.d"))
        version = run(self.root + "/usr/bin/weir", "--version").strip()
        self.assertIn(f"Version: {version}\n", run("dpkg-deb", "-f", self.deb) + "\n")

    def test_the_unit_is_understood_and_keeps_weir_small(self):
        unit = self.root + "/usr/lib/systemd/system/weir-agent.service"
        with open(unit) as file:
            text = file.read()
        self.assertIn("ExecStart=/usr/bin/weir-agent\n", text)
        path = self.directory + "/weir-agent.service"  # as verify wants it: with programs that are there
        with open(path, "w") as file:
            file.write(re.sub(r"ExecStart=.*", f"ExecStart={self.root}/usr/bin/weir-agent", re.sub("Documentation=.*\n", "", text)))
        done = subprocess.run(["systemd-analyze", "verify", path], text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        exposure = run("systemd-analyze", "security", "--offline=true", path).splitlines()[-1]
        self.assertLess(float(re.search(r": ([0-9.]+)", exposure)[1]), 5.0, exposure)

    def test_the_settings_file_is_read(self):
        done = run(BIN + "/weir", "config", "--config", self.root + "/etc/weir/agent.yaml")
        self.assertIn("default", done)
        with open(self.root + "/etc/weir/agent.yaml") as file:  # every line of it, uncommented
            lines = [line[2:] for line in file if re.match(r"# \w+:", line)]
        with open(self.directory + "/agent.yaml", "w") as file:
            file.writelines(line.split("  #")[0].rstrip() + "\n" for line in lines)
        run(BIN + "/weir", "config", "--config", self.directory + "/agent.yaml")


class Service(LabCase):
    """The agent as the unit runs it: three capabilities, no new privileges, and a service manager that listens."""

    CAPABILITIES = "+bpf,+net_admin,+perfmon"

    def restart(self, **environment):
        self.lab.kill_agent(signal.SIGTERM)
        self.lab.start_agent(prefix=["setpriv", "--bounding-set", "-all," + self.CAPABILITIES, "--inh-caps", "-all",
                                     "--no-new-privs"], environment=environment)

    def test_three_capabilities_are_enough(self):
        self.restart()
        with open(f"/proc/{self.lab.agent.pid}/status") as file:
            effective = int(re.search(r"CapEff:\s+(\w+)", file.read())[1], 16)
        self.assertEqual(effective, 1 << 12 | 1 << 38 | 1 << 39)
        self.assert_clean(self.client.connects(VIP, 80, count=50))
        self.lab.apply(self.mesh_of([self.b.ip]))
        self.assertEqual(self.client.connects(VIP, 80, count=5)["greeted"], {"b": 5})
        self.assertIn("weir_build_info", self.lab.metrics())
        # A kernel that refuses iterators over socket storage wants more for them: that is said then, and nothing else is lost.
        lost = [line for line in self.lab.weir("status").stdout.splitlines() if line.startswith("LOST")]
        self.assertLessEqual(len(lost), 1, lost)
        self.assertTrue(all("open connections are not listed" in line for line in lost), lost)
        self.lab.weir("connections")
        time.sleep(3.5)  # more than one sweep
        self.assertNotIn("sweep-failed", self.lab.agent_log())

    def test_it_is_ready_when_the_mesh_is_in_the_kernel_and_shows_that_it_lives(self):
        path = self.lab.directory + "/notify"
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(path)
        manager.settimeout(10 * SLOW)
        self.lab.kill_agent(signal.SIGTERM)
        self.lab.start_agent(environment={"NOTIFY_SOCKET": path}, wait=False)
        self.assertRegex(manager.recv(4096).decode(), r"^READY=1\nSTATUS=generation \d+ in force$")
        self.assert_clean(self.client.connects(VIP, 80, count=5))
        for _ in range(3):
            self.assertTrue(manager.recv(4096).startswith(b"WATCHDOG=1\n"))
        self.lab.write_mesh("services: [")
        wait_for(lambda: b"the mesh directory has errors" in manager.recv(4096), "the status to say so")
        self.lab.agent.send_signal(signal.SIGTERM)
        wait_for(lambda: manager.recv(4096) == b"STOPPING=1\nSTATUS=the data plane stays at work", "the end")
        self.lab.agent.wait(10 * SLOW)
        self.assert_clean(self.client.connects(VIP, 80, count=5))


if __name__ == "__main__":
    unittest.main()
