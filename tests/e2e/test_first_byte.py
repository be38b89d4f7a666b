# SPDX-License-Identifier: Apache-2.0
"""The time to the first byte, of real programs: nginx with and without TLS, Redis and PostgreSQL as servers; wrk,
redis-benchmark and pgbench as clients, whose own clocks and counts it is held against."""

import glob
import os
import re
import shutil
import sys

from case import ROOT, SLOW, LabCase, run, service_yaml, wait_for

WEB, TLS, REDIS, POSTGRES = "10.96.0.20", "10.96.0.21", "10.96.0.22", "10.96.0.23"
NGINX = """
worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/nginx.err; daemon off; user root;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000; ssl_certificate {dir}/tls.crt; ssl_certificate_key {dir}/tls.key;
  upstream slow {{ server 127.0.0.1:9000; keepalive 8; }}
  server {{ listen 8080; listen 8443 ssl;
    location / {{ return 200 "hello\\n"; }}
    location /slow {{ proxy_pass http://slow; proxy_http_version 1.1; proxy_set_header Connection ""; }} }} }}
"""
# A millisecond or so, and each tenth time ten.
BUSY = "local n = redis.call('incr', 'n'); local x = 0; for i = 1, (n % 10 == 0) and 800000 or 80000 do x = x + i end; return x"


class FirstByte(LabCase):
    SERVERS = ()
    AGENT_FLAGS = ("--first-byte", "1")

    @classmethod
    def mesh(cls):
        cls.start_nginx(cls.lab.pod("web"), cls.lab.directory)
        redis = cls.lab.pod("redis")
        redis.start("redis-server", "--port", 6379, "--bind", "*", "--protected-mode", "no", "--save", "", stdout=-3, stderr=-3)
        cls.start_postgres(cls.lab.pod("postgres"), cls.lab.directory)
        pods = cls.lab.pods
        return ("services:\n" + service_yaml("web.shop", [WEB], [pods["web"].ip])
                + service_yaml("tls.shop", [TLS], [pods["web"].ip], port=443, target=8443)
                + service_yaml("redis.shop", [REDIS], [redis.ip], port=6379, target=6379)
                + service_yaml("postgres.shop", [POSTGRES], [pods["postgres"].ip], port=5432, target=5432)
                + f"workloads:\n  client.shop: {{cgroup: {cls.lab.pattern('client')}}}\n")

    @classmethod
    def start_nginx(cls, pod, directory):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tls.shop", "-days", "2",
            "-keyout", directory + "/tls.key", "-out", directory + "/tls.crt")
        with open(directory + "/nginx.conf", "w") as file:
            file.write(NGINX.format(dir=directory))
        pod.start(sys.executable, ROOT + "/tests/tools/slow_http.py", 9000)
        pod.start("nginx", "-c", directory + "/nginx.conf", "-p", directory, stdout=-3, stderr=-3)

    @classmethod
    def start_postgres(cls, pod, directory):
        programs, data = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1], directory + "/postgres"
        as_postgres = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups")
        os.chmod(directory, 0o755)
        os.mkdir(data)
        shutil.chown(data, "postgres")
        pod.run(*as_postgres, programs + "/initdb", "-D", data, "-A", "trust", "--no-sync")
        with open(data + "/pg_hba.conf", "a") as file:
            file.write("host all all all trust\n")
        pod.start(*as_postgres, programs + "/postgres", "-D", data, "-c", "listen_addresses=*", "-c", "fsync=off",
                  "-k", data, stdout=-3, stderr=-3)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for url in (f"http://{WEB}/slow", f"https://{TLS}/slow"):
            wait_for(lambda u=url: "hello" in cls.client.run("curl", "-sk", u, check=False), url)
        wait_for(lambda: "PONG" in cls.client.run("redis-cli", "-h", REDIS, "ping", check=False), "Redis")
        wait_for(lambda: "1" in cls.sql("select 1", check=False), "PostgreSQL", 30)

    @classmethod
    def sql(cls, query, check=True):
        return cls.client.run("psql", "-h", POSTGRES, "-U", "postgres", "-Atc", query, check=check)

    def first_bytes(self, service):
        """Samples of client.shop by bucket, in microseconds."""
        wait_for(lambda: self.lab.service(service)["counts"]["active"] == 0, "active to become 0")
        [edge] = [e for e in self.lab.weir("edges", service, "-o", "json", parse=True)["items"]
                  if e["workload"] == "client.shop"]
        self.assertNotIn("connectionsLeftOut", edge["latencies"])
        return dict(edge["latencies"].get("firstByte", {"bucketsMicroseconds": []})["bucketsMicroseconds"])

    def during(self, service, *words):
        """What a program prints, and the samples that its run added."""
        before = self.first_bytes(service)
        out = self.client.run(*words)
        return out, {us: count - before.get(us, 0) for us, count in self.first_bytes(service).items()}

    def assert_agrees(self, samples, p50, p99):
        """Within the bucket and its neighbours: it is at most a quarter wide, and its middle is taken. What a client
        measures has time of its own in it, too, which is much where the machine is busy, and most where it is emulated."""
        delta = 0.3 if SLOW == 1 else 0.7
        for share, seconds in ((0.5, p50), (0.99, p99)):
            self.assertAlmostEqual(quantile(samples, share) / seconds, 1, delta=delta, msg=(share, seconds, samples))

    def wrk(self, service, url, connections, seconds=4):
        out, samples = self.during(service, "wrk", f"-t{connections}", f"-c{connections}", f"-d{round(seconds * SLOW)}s", "--latency", url)
        self.assertNotRegex(out, "Socket errors|Non-2xx")
        times = {share: float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]
                 for share, number, unit in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", out)}
        return int(re.search(r"(\d+) requests in", out)[1]), times["50"], times["99"], samples

    def test_wrk_and_nginx(self):
        for connections in (1, 4):
            _, p50, p99, samples = self.wrk("web.shop", f"http://{WEB}/slow", connections)
            self.assert_agrees(samples, p50, p99)

    def test_wrk_and_nginx_with_tls(self):
        _, p50, p99, samples = self.wrk("tls.shop", f"https://{TLS}/slow", 1)
        self.assert_agrees(samples, p50, p99)

    def test_as_many_samples_as_requests_whatever_waits_in_the_client(self):
        requests, _, _, samples = self.wrk("web.shop", f"http://{WEB}/", 1, 1)
        self.assertIn(sum(samples.values()) - requests, range(0, 2))  # wrk leaves one in flight at its end
        out, samples = self.during("redis.shop", "redis-benchmark", "-h", REDIS, "-n", 20000, "-c", 20, "-t", "get", "--csv")
        self.assertEqual(sum(samples.values()), 20000 + 1)  # and one question of its own at the start

    def test_redis_benchmark(self):
        out, samples = self.during("redis.shop", "redis-benchmark", "-h", REDIS, "-n", 1000, "-c", 1, "--csv", "EVAL", BUSY, 0)
        p50, _, p99 = (float(x.strip('"')) / 1000 for x in out.splitlines()[-1].split(",")[-4:-1])
        self.assertEqual(sum(samples.values()), 1000 + 1)
        self.assert_agrees(samples, p50, p99)

    def test_pgbench(self):
        script = self.lab.directory + "/think.sql"
        with open(script, "w") as file:  # longer than a login takes
            file.write(f"\\set ms random({20 * SLOW:.0f}, {50 * SLOW:.0f})\nselect pg_sleep(:ms / 1000.0);\n")
        words = ("pgbench", "-h", POSTGRES, "-U", "postgres", "-n", "-f", script, "-c2", "-j2", "postgres", "-t")
        _, logins = self.during("postgres.shop", *words, 1)
        _, samples = self.during("postgres.shop", *words, 100, "-l", "--log-prefix", self.lab.directory + "/pgbench")
        times = []
        for name in glob.glob(self.lab.directory + "/pgbench.*"):
            with open(name) as file:
                times += [int(line.split()[2]) / 1e6 for line in file]
        self.assertEqual(len(times), 200)
        self.assertEqual(sum(samples.values()) - sum(logins.values()), 200 - 2)
        times.sort()
        slow = {us: count for us, count in samples.items() if us >= 16384 * SLOW}
        self.assert_agrees(slow, times[100], times[197])


def quantile(samples, share):
    """In seconds; the middle of the bucket."""
    wanted, below = share * sum(samples.values()), 0
    for us, count in sorted(samples.items()):
        below += count
        if below >= wanted:
            return (us + max(1, 1 << (us.bit_length() - 3)) / 2) / 1e6
    raise AssertionError("no samples")
