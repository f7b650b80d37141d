#!/usr/bin/env bash
# Guess: taking one of many idle connections costs the same however many there are.
# What happens: each request walks the pool twice, and for each idle connection asks the system whether its socket has something
# to read, and then asks all connections whether they are idle: with n idle ones 2 n polls and more than 2 n² questions a
# request, in Python, under the pool's one lock. With 64 idle ones that is 128 polls and over 8,000 questions for one call.
# Seen with httpx 0.28.1, httpcore 1.0.9 (nothing newer is out) on 2026-11-29.
# Why it matters: a flow server with many callers at once has such pools (clients of OpenAI and others keep 100). Its processor
# time then goes there, not into flows, and more callers make each one slower. Give each group of callers a client of its own.
source "$(dirname "$0")/_env.sh"
packages 'httpx==0.28.1' 'httpcore==1.0.9'
"$PY" - <<'PY'
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

import httpcore
import httpx


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        if self.path == "/together":
            together.wait()
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


asked = {"has_expired": 0, "is_idle": 0}


def count(name):
    real = getattr(httpcore.HTTPConnection, name)

    def counted(self):
        asked[name] += 1
        return real(self)

    setattr(httpcore.HTTPConnection, name, counted)


for name in asked:
    count(name)
server = Server(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
print("httpx", version("httpx"), "httpcore", version("httpcore"))
seen = {}
for idle in (1, 16, 64):
    together = threading.Barrier(idle)
    limits = httpx.Limits(max_connections=idle, max_keepalive_connections=idle, keepalive_expiry=None)
    with httpx.Client(limits=limits) as client, ThreadPoolExecutor(idle) as callers:
        list(callers.map(lambda number: client.get(f"{address}/together"), range(idle)))
        asked.update(dict.fromkeys(asked, 0))
        client.get(f"{address}/one")
        seen[idle] = dict(asked)
    print(f"  {idle} idle connections, one request: {seen[idle]}")
polls = [seen[idle]["has_expired"] for idle in seen]
raise SystemExit(0 if polls == [2, 32, 128] and seen[64]["is_idle"] > 2 * 64 * 63 else 1)
PY
