# SPDX-License-Identifier: Apache-2.0
"""curl, wrk, redis-benchmark, nginx and HAProxy as clients and as servers, over both families. What weir
counts is held against the servers' own logs and the clients' own tallies."""

import re
import unittest

from case import VIP, VIP6, LabCase, service_yaml, wait_for

NGINX = """
worker_processes 1; pid {dir}/{name}.pid; error_log {dir}/{name}.err; daemon off; user root;
events {{ worker_connections 1024; }}
http {{ access_log {dir}/{name}.log; {http}
  server {{ listen 8080 backlog=4096; listen [::]:8080 backlog=4096; {server} }} }}
"""
HAPROXY = """
defaults
  mode tcp
  timeout connect 2s
  timeout client 10s
  timeout server 10s
listen v4
  bind :8080
  server s 10.96.0.20:80
listen v6
  bind :::8081 v6only
  server s [fd00:96::20]:80
"""


class RealPrograms(LabCase):
    SERVERS = ()

    @classmethod
    def mesh(cls):
        for name in ("web1", "web2"):
            cls.nginx(name, f'location / {{ return 200 "{name}\\n"; }}')
        redis = cls.lab.pod("redis")
        redis.start("redis-server", "--port", 6379, "--bind", "*", "-::*", "--protected-mode", "no", "--save", "",
                    stdout=-3, stderr=-3)
        # Proxies are clients of the mesh here: they know services, not servers.
        cls.nginx("front", "location / { proxy_pass http://10.96.0.20; } location /six/ { proxy_pass http://[fd00:96::20]/; }")
        haproxy = cls.lab.pod("balancer")
        with open(cls.lab.directory + "/haproxy.cfg", "w") as file:
            file.write(HAPROXY)
        haproxy.start("haproxy", "-db", "-f", cls.lab.directory + "/haproxy.cfg", stdout=-3, stderr=-3)
        pods = cls.lab.pods
        both = [pods["web1"].ip, pods["web2"].ip6]
        v4 = [pods["web1"].ip, pods["web2"].ip]
        return ("services:\n" + service_yaml("web.shop", ["10.96.0.20"], v4, algorithm="round-robin")
                + service_yaml("web6.shop", ["fd00:96::20"], both, algorithm="round-robin")
                + service_yaml("redis.shop", [VIP, VIP6], [redis.ip, redis.ip6], port=6379, target=6379)
                + service_yaml("front.shop", ["10.96.0.21", "fd00:96::21"], [pods["front"].ip6, pods["front"].ip])
                + service_yaml("balancer.shop", ["10.96.0.22"], [pods["balancer"].ip])
                + service_yaml("balancer6.shop", ["fd00:96::22"], [pods["balancer"].ip6], target=8081)
                + "workloads:\n" + "".join(f"  {n}.shop: {{cgroup: {cls.lab.pattern(n)}}}\n"
                                           for n in ("client", "front", "balancer")))

    @classmethod
    def nginx(cls, name, server, http=""):
        path = f"{cls.lab.directory}/{name}.conf"
        with open(path, "w") as file:
            file.write(NGINX.format(dir=cls.lab.directory, name=name, server=server, http=http))
        cls.lab.pod(name).start("nginx", "-c", path, "-p", cls.lab.directory, "-e", f"{cls.lab.directory}/{name}.err",
                                stdout=-3, stderr=-3)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for address in ("10.96.0.20", "[fd00:96::20]", "10.96.0.21", "10.96.0.22", "[fd00:96::22]"):
            wait_for(lambda a=address: cls.client.run("curl", "-gs", f"http://{a}/", check=False), f"{address} to answer")
        wait_for(lambda: "PONG" in cls.client.run("redis-cli", "-h", VIP, "ping", check=False), "redis")

    def requests_logged(self, name):
        with open(f"{self.lab.directory}/{name}.log") as file:
            return len(file.readlines())

    def curl_many(self, url, count):
        script = f"for i in $(seq {count}); do curl -gsf {url} || echo error; done | sort | uniq -c"
        out = self.client.run("sh", "-c", script)
        return {name: int(number) for number, name in re.findall(r"(\d+) (\S+)", out)}

    def test_curl_to_nginx(self):
        before = {n: self.requests_logged(n) for n in ("web1", "web2")}
        counted = self.settled("web.shop")
        seen = self.curl_many("http://10.96.0.20/", 40)
        self.assertEqual(seen, {"web1": 20, "web2": 20})
        for name in seen:
            wait_for(lambda n=name: self.requests_logged(n) - before[n] == 20, f"{name}'s access log")
        after = self.settled("web.shop")
        self.assertEqual(after["closed"] - counted["closed"], 40)

    def test_curl_over_v6_to_both_families(self):
        self.assertEqual(self.curl_many("http://[fd00:96::20]/", 40), {"web1": 20, "web2": 20})

    def test_wrk_with_kept_connections(self):
        for service, address in (("web.shop", "10.96.0.20"), ("web6.shop", "[fd00:96::20]")):
            before = self.settled(service)
            out = self.client.run("wrk", "-t1", "-c16", "-d1s", f"http://{address}/")
            self.assertNotRegex(out, "Socket errors|Non-2xx")
            after = self.settled(service)
            self.assertEqual(after["failed"], before["failed"])
            # wrk opens one more connection to try the address; nginx ends one after 1,000 requests.
            opened = after["opened"] - before["opened"]
            requests = int(re.search(r"(\d+) requests in", out)[1])
            self.assertGreaterEqual(opened, 17)
            self.assertLessEqual(opened, 17 + 16 + requests // 1000)
            self.assertEqual(after["closed"] - before["closed"], opened)

    def test_redis_benchmark(self):
        for address in (VIP, VIP6):
            before = self.settled("redis.shop:6379")
            out = self.client.run("redis-benchmark", "-h", address, "-p", 6379, "-n", 2000, "-c", 10, "-q", "-t", "set,get",
                                  "-k", "0")  # a new connection for each request
            self.assertRegex(out, r"SET: .*\n?")
            after = self.settled("redis.shop:6379")
            self.assertGreaterEqual(after["opened"] - before["opened"], 4000)
            self.assertEqual(after["failed"], before["failed"])

    def settled(self, service="web.shop"):
        name, _, port = service.partition(":")
        find = lambda: self.lab.service(name, int(port or 80))["counts"]  # noqa: E731
        wait_for(lambda: find()["active"] == 0, "active to become 0")
        return find()

    def test_nginx_as_client(self):
        for service, url in (("web.shop", "http://10.96.0.21/"), ("web6.shop", "http://[fd00:96::21]/six/")):
            before = self.settled(service)
            self.assertEqual(self.curl_many(url, 20), {"web1": 10, "web2": 10})
            self.assertEqual(self.settled(service)["opened"] - before["opened"], 20)
        self.assertIn('source_workload="front"', self.lab.metrics())

    def test_haproxy_as_client(self):
        for service, url in (("web.shop", "http://10.96.0.22/"), ("web6.shop", "http://[fd00:96::22]/")):
            before = self.settled(service)
            self.assertEqual(self.curl_many(url, 20), {"web1": 10, "web2": 10})
            self.assertEqual(self.settled(service)["opened"] - before["opened"], 20)
        self.assertIn('source_workload="balancer"', self.lab.metrics())


if __name__ == "__main__":
    unittest.main()
