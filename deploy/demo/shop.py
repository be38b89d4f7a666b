# SPDX-License-Identifier: Apache-2.0
"""One instance of one of the shop's services: shop.py ROLE NAME LOG. It knows the others by name, asks the DNS
service for their addresses, and opens a connection for every call. It knows nothing of weir.

  frontend -> catalog -> Redis        frontend -> orders -> payments, PostgreSQL
"""

import http.client
import http.server
import os
import random
import socket
import struct
import sys
import threading
import time

DNS = "10.96.0.53"
SLOW = float(os.environ.get("WEIR_SLOW", "1"))  # how many times slower this machine is, as in deploy/lab
LONGER = 0.04 * SLOW  # seconds, while there is a file LOG.slow
PATIENCE = 5 * SLOW


def lookup(name):
    """An A record, asked for over UDP as any resolver does."""
    number = random.randrange(65536)
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        resolver.settimeout(2 * SLOW)
        resolver.sendto(struct.pack(">6H", number, 0x100, 1, 0, 0, 0) + question, (DNS, 53))
        answer, sender = resolver.recvfrom(512)
    if sender != (DNS, 53) or answer[:2] != struct.pack(">H", number):
        raise OSError(f"an answer from {sender}, who was not asked")
    return socket.inet_ntoa(answer[-4:])


def get(service, path):
    """The body of another service's answer."""
    connection = http.client.HTTPConnection(lookup(service), 80, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read().decode()
        if response.status != 200:
            raise OSError(f"{service} answers {response.status}: {body}")
        return body
    finally:
        connection.close()


def redis(*words):
    with socket.create_connection((lookup("redis.shop"), 6379), PATIENCE) as connection:
        parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        connection.sendall(f"*{len(words)}\r\n{parts}".encode())
        return connection.makefile("rb").readline().decode().strip()


def postgres(query):
    """PostgreSQL's protocol 3.0 with trust: start up, one simple query, terminate."""
    def message(kind, body):
        return kind + struct.pack(">I", len(body) + 4) + body

    with socket.create_connection((lookup("postgres.shop"), 5432), PATIENCE) as connection:
        stream = connection.makefile("rb")

        def until_ready():
            row = b""
            while True:
                kind = stream.read(1)
                length, = struct.unpack(">I", stream.read(4))
                body = stream.read(length - 4)
                if kind == b"E":
                    raise OSError(body.replace(b"\0", b" ").decode())
                row = body if kind == b"D" else row
                if kind == b"Z":
                    return row

        connection.sendall(message(b"", struct.pack(">I", 196608) + b"user\0postgres\0database\0postgres\0\0"))
        until_ready()
        connection.sendall(message(b"Q", query.encode() + b"\0"))
        row = until_ready()
        connection.sendall(message(b"X", b""))
        return row[6:].decode()  # one column


def frontend():
    return get("catalog.shop", "/") + " " + get("orders.shop", "/")


def catalog():
    return "item " + redis("INCR", "looked-at")


def orders():
    paid = get("payments.shop", "/")
    return "order " + postgres("INSERT INTO orders DEFAULT VALUES RETURNING id") + " " + paid


def payments():
    return "paid"


ROLES = {"frontend": frontend, "catalog": catalog, "orders": orders, "payments": payments}


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


def serve(role, name, log):
    lock, lines = threading.Lock(), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if os.path.exists(log + ".slow"):
                time.sleep(LONGER)
            try:
                status, body = 200, ROLES[role]()
            except (OSError, http.client.HTTPException) as error:
                status, body = 502, f"{name}: {error}"
            with lock:
                os.write(lines, f"{name} {status}\n".encode())
            self.send_response(status)
            self.end_headers()
            self.wfile.write(f"{body} ({name})".encode() if status == 200 else body.encode())

        def log_message(self, *_):
            pass

    Server(("", 8080), Handler).serve_forever()


if __name__ == "__main__":
    serve(*sys.argv[1:4])
