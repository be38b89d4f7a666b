# SPDX-License-Identifier: Apache-2.0
"""The shop's pods and its mesh: four web services of two or three instances each, Redis, PostgreSQL and a DNS server,
each in a network namespace and cgroup of its own; and what their own logs say, to compare weir's counts with."""

import glob
import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../lab")
from lab import service_yaml, wait_for  # noqa: E402

ADDRESSES = {"frontend": "10.96.0.10", "catalog": "10.96.0.20", "orders": "10.96.0.30", "payments": "10.96.0.40",
             "redis": "10.96.0.60", "postgres": "10.96.0.70", "dns": "10.96.0.53"}
INSTANCES = {"frontend": 2, "catalog": 2, "orders": 3, "payments": 2}
ALGORITHMS = {"orders": "least-connections", "payments": "random"}
PORTS = {"redis": 6379, "postgres": 5432, "dns": 53}


class Shop:
    def __init__(self, lab):
        self.lab = lab
        self.client = lab.pod("client")
        self.weights = {role: {f"{role}-{n + 1}": 1 for n in range(count)} for role, count in INSTANCES.items()}
        self.weights.update({role: {role: 1} for role in PORTS})
        self.algorithms, self.extra, self.instances = dict(ALGORITHMS), {}, {}
        for names in self.weights.values():
            for name in names:
                lab.pod(name)

    def start_agent(self):
        """Each connection is timed: on a slow machine one of eight would be too few for a look at some seconds."""
        self.lab.start_agent("--first-byte", "1")

    def start(self):
        """The mesh, then the agent, then those who need it."""
        self.lab.write_mesh(self.mesh())
        self.start_dns()
        self.start_agent()
        self.start_redis()
        self.start_postgres()
        for role in INSTANCES:
            for name in self.weights[role]:
                self.start_instance(name)

    def mesh(self):
        text = "services:\n"
        for role, address in ADDRESSES.items():
            ends = [(self.lab.pods[name].ip, weight) for name, weight in self.weights[role].items()]
            text += service_yaml(f"{role}.shop", [address], ends, port=PORTS.get(role, 80), target=PORTS.get(role, 8080),
                                 algorithm=self.algorithms.get(role, "round-robin"), protocol="UDP" if role == "dns" else "TCP")
            text += "    observe: {datagrams: true}\n" if role == "dns" else self.extra.get(role, "")
        text += "workloads:\n"
        for role in ("client", *INSTANCES):
            text += f"  {role}.shop: {{cgroup: \"{self.lab.pattern(role)}*\"}}\n"
        return text

    # -- those who serve -------------------------------------------------------------------------

    def file(self, name):
        return f"{self.lab.directory}/{name}"

    def listening(self, name, port, kind="-Hltn"):
        wait_for(lambda: f":{port} " in self.lab.pods[name].run("ss", kind), f"{name} to listen")

    def start_instance(self, name):
        self.instances[name] = self.lab.pod(name).start("python3", HERE + "/shop.py", name.split("-")[0], name,
                                                        self.file(name + ".log"), stdout=-3, stderr=-3)
        self.listening(name, 8080)

    def make_slow(self, name, slow=True):
        if slow:
            open(self.file(name + ".log.slow"), "w").close()
        else:
            os.unlink(self.file(name + ".log.slow"))

    def start_dns(self):
        """It knows the names that `weir hosts` tells."""
        with open(self.file("hosts"), "w") as file:
            file.write(self.lab.weir("hosts").stdout)
        self.lab.pods["dns"].start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--port=53", "--user=root",
                                   "--conf-file=/dev/null", "--pid-file=", f"--addn-hosts={self.file('hosts')}", "--log-queries",
                                   f"--log-facility={self.file('dns.log')}", stdout=-3, stderr=-3)
        self.listening("dns", 53, "-Hlun")

    def start_redis(self):
        self.lab.pods["redis"].start("redis-server", "--port", 6379, "--bind", "*", "-::*", "--protected-mode", "no", "--save", "",
                                     stdout=-3, stderr=-3)
        self.listening("redis", 6379)

    def start_postgres(self):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        data = self.file("postgres")
        os.mkdir(data)
        shutil.chown(data, "postgres")
        os.chmod(self.lab.directory, 0o755)
        self.as_postgres(f"{programs}/initdb", "-D", data, "-A", "trust", "--no-sync")
        with open(data + "/pg_hba.conf", "a") as file:
            file.write("host all all 0.0.0.0/0 trust\n")
        self.lab.pods["postgres"].start("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", f"{programs}/postgres",
                                        "-D", data, "-c", "listen_addresses=*", "-c", f"unix_socket_directories={data}",
                                        "-c", "fsync=off", stdout=-3, stderr=-3)
        self.listening("postgres", 5432)
        wait_for(lambda: self.sql("SELECT 1") == "1", "PostgreSQL to answer")
        self.sql("CREATE TABLE orders (id serial)")

    def as_postgres(self, *words, check=True):
        return self.lab.pods["postgres"].run("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *words, check=check)

    def sql(self, query):
        """Past weir, over PostgreSQL's own socket."""
        return self.as_postgres("psql", "-h", self.file("postgres"), "-d", "postgres", "-Atc", query, check=False).strip()

    # -- what they say themselves ----------------------------------------------------------------

    def lines(self, name, pattern):
        try:
            with open(self.file(name)) as file:
                return len(re.findall(pattern, file.read()))
        except FileNotFoundError:
            return 0

    def served(self):
        """Requests, connections or queries by instance, as the servers themselves have counted them."""
        counts = {name: self.lines(name + ".log", r"\n") for role in INSTANCES for name in self.weights[role]}
        said = self.lab.pods["redis"].run("redis-cli", "info", "stats")
        counts["redis"] = int(re.search(r"total_connections_received:(\d+)", said)[1])
        counts["postgres"] = int(self.sql("SELECT count(*) FROM orders"))
        counts["dns"] = self.lines("dns.log", r"query\[A\]")
        return counts

    def counted(self):
        """Connections and flows by instance, as weir counts them."""
        names = {pod.ip: name for name, pod in self.lab.pods.items()}
        return {names[endpoint.rsplit(":", 1)[0]]: row["counts"]["opened"] for role in ADDRESSES
                for endpoint, row in self.lab.endpoints(f"{role}.shop").items() if endpoint not in ("other", "departed")}


def gained(before, after):
    return {name: after[name] - before.get(name, 0) for name in after}
