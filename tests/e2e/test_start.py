# SPDX-License-Identifier: Apache-2.0
"""What keeps weir from starting: each is one sentence that names the thing, the cause and the remedy, and
has an exit code of its own (docs/cli.md)."""

import os
import re
import signal
import socket
import stat
import subprocess
import unittest

from case import BIN, Lab, LabCase, run, wait_for


class Start(LabCase):
    def agent(self, *flags, prefix=()):
        listen = () if "--listen" in flags else ("--listen", "")
        done = subprocess.run([*prefix, BIN + "/weir-agent", *listen, *flags], text=True, capture_output=True, timeout=60)
        return done.returncode, done.stderr

    def assert_refused(self, result, code, *patterns):
        status, said = result
        self.assertEqual(status, code, said)
        self.assertEqual(len(said.strip().splitlines()), 1, said)
        for pattern in patterns:
            self.assertRegex(said, pattern)

    def assert_nothing_made(self, flags):
        """A start that was refused leaves no pin and no socket."""
        bpffs, socket = flags[flags.index("--bpffs") + 1], flags[flags.index("--socket") + 1]
        self.assertEqual([name for name in os.listdir(bpffs) if name == "weir" and os.listdir(f"{bpffs}/weir")], [])
        self.assertFalse(os.path.exists(socket))

    def fresh_flags(self):
        """A bpffs and cgroup beside the lab's own agent's."""
        base = f"{self.lab.directory}/fresh"
        if not os.path.ismount(base):
            os.makedirs(base, exist_ok=True)
            run("mount", "-t", "bpf", "bpf", base)
            self.addCleanup(lambda: subprocess.run(["umount", base]))
        path = f"{self.lab.cgroup}/fresh"
        if not os.path.exists(path):
            self.lab.make_cgroup("fresh")
        return ["--bpffs", base, "--cgroup", path, "--state", base + "-state", "--socket", base + ".sock", "--mesh", self.lab.mesh]

    def test_not_root(self):
        result = self.agent(*self.fresh_flags(), prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
        self.assert_refused(result, 10, "needs root or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON", "sudo")

    def test_a_missing_capability(self):
        for name in ("CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"):
            word = name[4:].lower()
            drop = ("setpriv", f"--bounding-set=-{word}", f"--inh-caps=-{word}")
            self.assert_refused(self.agent(*self.fresh_flags(), prefix=drop), 15, name + " is missing", "AmbientCapabilities")

    def test_no_btf(self):
        hide = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh")
        self.assert_refused(self.agent(*self.fresh_flags(), prefix=hide), 11, "no BTF", "CONFIG_DEBUG_INFO_BTF=y")

    def test_no_cgroup2(self):
        flags = self.fresh_flags()
        flags[flags.index("--cgroup") + 1] = self.lab.directory
        self.assert_refused(self.agent(*flags), 12, "is not a cgroup2 directory", "--cgroup")
        flags[flags.index("--cgroup") + 1] = ""
        hide = ("unshare", "-m", "sh", "-c", f'umount -l {self.lab.mount} && exec "$@"', "sh")
        self.assert_refused(self.agent(*flags, prefix=hide), 12, "no cgroup2 file system is mounted", "mount -t cgroup2")

    def test_a_false_root(self):
        flags = self.fresh_flags()
        flags[flags.index("--cgroup") + 1] = ""
        # As in a container: a cgroup namespace of its own, and cgroup2 mounted there anew.
        inside = ("sh", "-c", f'echo $$ > {self.lab.cgroup}/fresh/cgroup.procs && exec unshare -m -C sh -c \''
                  f'umount -l {self.lab.mount}; mount -t cgroup2 none {self.lab.mount} && exec "$@"\' sh "$@"', "sh")
        self.assert_refused(self.agent(*flags, prefix=inside), 13, r"inode \d+, not 1", "hostPath")

    def test_no_bpffs(self):
        flags = self.fresh_flags()
        flags[flags.index("--bpffs") + 1] = self.lab.directory
        self.assert_refused(self.agent(*flags), 14, "no bpf file system is mounted at", "mount -t bpf bpf")

    def test_a_second_agent(self):
        self.assert_refused(self.agent(*self.lab.flags()), 16, "a weir-agent is running and holds", "stop it first")
        flags = self.fresh_flags()
        same_pins = ["--bpffs", self.lab.bpffs, *flags[2:]]
        self.assert_refused(self.agent(*same_pins), 16, "a weir-agent is running and holds", "stop it first")
        self.assertFalse(os.path.exists(flags[flags.index("--socket") + 1]), "a refused start leaves a socket behind")
        flags[flags.index("--cgroup") + 1] = self.lab.cgroup
        self.assert_refused(self.agent(*flags), 16, r"another weir steers .* \(program \d+, weir_", "another --cgroup")
        self.assert_nothing_made(flags)

    def test_a_living_agents_socket_is_not_taken(self):
        flags = self.fresh_flags()
        flags[flags.index("--socket") + 1] = self.lab.socket
        self.assert_refused(self.agent(*flags), 16, r"a weir-agent is running and listens at .*agent\.sock", "--socket")
        self.assertNotIn("weir", os.listdir(flags[1]), "something was attached")
        self.assertTrue(self.lab.weir("status", "-o", "json", parse=True)["agentRunning"])

    def test_a_stopped_agent_keeps_its_socket(self):
        flags = self.fresh_flags()
        flags[flags.index("--socket") + 1] = self.lab.socket
        self.lab.agent.send_signal(signal.SIGSTOP)
        waiting = []
        try:
            for _ in range(70):  # more than its backlog
                waiting.append(socket.socket(socket.AF_UNIX))
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(self.lab.socket)
            self.assert_refused(self.agent(*flags), 16, "a weir-agent is running and listens at")
        finally:
            self.lab.agent.send_signal(signal.SIGCONT)
            for one in waiting:
                one.close()
        wait_for(lambda: self.lab.weir("status", "-o", "json", parse=True, need_agent=True), "the agent to answer again")

    def test_a_file_is_not_taken_for_a_socket(self):
        flags = self.fresh_flags()
        path = self.lab.directory + "/precious.txt"
        flags[flags.index("--socket") + 1] = path
        with open(path, "w") as file:
            file.write("mine")
        self.assert_refused(self.agent(*flags), 1, "precious.txt is there and no socket", "choose another")
        subprocess.run([BIN + "/weir", "uninstall", *flags[:8]], capture_output=True)
        self.assertTrue(os.path.exists(path))

    def test_the_three_capabilities_are_enough(self):
        flags = self.fresh_flags()
        state = flags[flags.index("--state") + 1]
        os.makedirs(state, exist_ok=True)
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", state]))
        only = "+bpf,+net_admin,+perfmon"
        agent = subprocess.Popen(["setpriv", f"--bounding-set=-all,{only}", f"--inh-caps=-all,{only}", BIN + "/weir-agent",
                                  "--listen", "", *flags], stderr=subprocess.PIPE, text=True)
        try:
            ask = [BIN + "/weir", "check", *flags[:8], "--mesh", self.lab.mesh]
            wait_for(lambda: agent.poll() is not None or "√ the agent answers" in subprocess.run(ask, text=True, capture_output=True).stdout,
                     "the agent with three capabilities", 10)
            with open(f"/proc/{agent.pid}/status") as status:
                self.assertRegex(status.read(), r"CapEff:\t000000c000001000")
            out = subprocess.run(ask, text=True, capture_output=True).stdout
            self.assertNotIn("×", out)
            self.assertIn("√ weir_mkdir is attached", out)
        finally:
            agent.terminate()
            said = agent.communicate(timeout=10)[1]
        self.assertEqual(agent.returncode, 0, said)
        subprocess.run([BIN + "/weir", "uninstall", *flags[:8]], capture_output=True)

    def test_a_foreign_program_that_forbids_others(self):
        flags = self.fresh_flags()
        path = flags[flags.index("--cgroup") + 1]
        program = f"{self.lab.directory}/fresh/foreign"
        run("bpftool", "prog", "load", BIN + "/../tests/e2e/foreign.bpf.o", program)
        self.addCleanup(lambda: os.unlink(program))
        run("bpftool", "cgroup", "attach", path, "connect4", "pinned", program)
        self.addCleanup(lambda: run("bpftool", "cgroup", "detach", path, "connect4", "pinned", program))
        self.assert_refused(self.agent(*flags), 17, r"program \d+ \(foreign\) is attached at .* without BPF_F_ALLOW_MULTI",
                            "bpftool cgroup detach")
        self.assert_nothing_made(flags)
        self.assertEqual(re.findall(r"weir_\w+", run("bpftool", "cgroup", "show", path)), [])

    def test_wrong_usage(self):
        self.assertEqual(self.agent("--no-such-flag")[0], 2)
        for flag in ("--max-edges", "--max-endpoints", "--max-service-ports"):
            for value in ("0", "4294967295", "x"):
                status, said = self.agent(flag, value)
                self.assertEqual(status, 2)
                self.assertIn(flag, said)
        self.assertEqual(subprocess.run([BIN + "/weir", "apply", "--timeout", "0", "x.yaml"], capture_output=True).returncode, 2)
        for words in (["nonsense"], ["status", "--no-such-flag"], [], ["status", "-o", "xml"], ["apply"]):
            done = subprocess.run([BIN + "/weir", *words], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, words)
        done = subprocess.run([BIN + "/weir", "sevices"], capture_output=True, text=True)
        self.assertEqual(done.stderr, 'weir: there is no command "sevices": did you mean "services"?\n')

    def test_a_bad_listen_address(self):
        for wrong in ("nowhere", "127.0.0.1:99999", "127.0.0.1:", "127.0.0.1", ":80"):
            status, said = self.agent(*self.fresh_flags(), "--listen", wrong)
            self.assertEqual(status, 1)
            self.assertIn(f"--listen {wrong} is no ADDRESS:PORT", said)
        status, said = self.agent(*self.fresh_flags(), "--listen", f"127.0.0.1:{self.lab.metrics_port}")
        self.assertEqual(status, 1)
        self.assertIn("cannot listen on 127.0.0.1:", said)
        self.assert_nothing_made(self.fresh_flags())


class ControlSocket(LabCase):
    def test_mode_and_peers(self):
        mode = os.stat(self.lab.socket)
        self.assertEqual(stat.S_IMODE(mode.st_mode), 0o660)
        os.chmod(self.lab.socket, 0o666)  # as if a descriptor had been passed on: the peer is checked too
        os.chmod(self.lab.directory, 0o755)
        ask = [BIN + "/weir", "status", "-o", "json", *self.lab.flags()]
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *ask], text=True, capture_output=True)
        self.assertNotIn('"agentRunning": true', done.stdout)
        self.assertIn("only root and the group weir", done.stderr)
        self.assertRegex(self.metrics_with("weir_http_connections_refused_total"), r"total [1-9]")

    def metrics_with(self, name):
        return wait_for(lambda: next((line for line in self.lab.metrics().splitlines()
                                      if line.startswith(name) and not line.endswith(" 0")), None), name, 4)

    def test_members_of_the_group_may_ask(self):
        if subprocess.run(["getent", "group", "weir"], capture_output=True).returncode:
            run("groupadd", "weir")
            self.addCleanup(lambda: run("groupdel", "weir"))
        gid = re.search(r":(\d+):", run("getent", "group", "weir"))[1]
        self.lab.kill_agent(signal.SIGTERM)
        self.lab.start_agent()
        self.assertEqual(os.stat(self.lab.socket).st_gid, int(gid))
        os.chmod(self.lab.directory, 0o755)
        ask = [BIN + "/weir", "status", "-o", "json", *self.lab.flags()]
        for groups in ((f"--regid={gid}", "--clear-groups"), ("--regid=65534", f"--groups={gid}")):
            done = subprocess.run(["setpriv", "--reuid=65534", *groups, *ask], text=True, capture_output=True)
            self.assertIn('"agentRunning": true', done.stdout, done.stderr)

    def test_metrics_pass_promtool(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=self.lab.metrics(), text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_metrics_are_on_loopback_only(self):
        listening = run("ss", "-Hltn", f"sport = :{self.lab.metrics_port}")
        self.assertIn(f"127.0.0.1:{self.lab.metrics_port}", listening)
        self.assertEqual(len(listening.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
