#!/usr/bin/env bash
# Guess: max_keepalive_connections is, as documented, how many idle connections are kept beside those at work.
# What happens: httpcore counts all connections, so once as many are at work (streams that are open, say) as may be kept, every
# connection that comes free is closed at once: ten calls one after another beside three open streams take one connection,
# beside four (the limit here) ten.
# Seen with httpx 0.28.1, httpcore 1.0.9 (nothing newer is out) on 2026-11-29.
# Why it matters: httpx's own limit is 20, that of the clients of OpenAI and others 100. A flow server with so many answers
# being streamed pays a new TLS connection for each short call (embeddings, tools, searches) just when it is busiest. Set the
# limit as high as max_connections.
source "$(dirname "$0")/_env.sh"
packages 'httpx==0.28.1' 'httpcore==1.0.9'
"$PY" - <<'PY'
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

import httpx

ended = threading.Event()


class Counting(ThreadingHTTPServer):
    daemon_threads = True
    connections = 0

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def handle_error(self, *arguments):
        pass


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.path == "/stream":
            ended.wait()
        self.wfile.write(b"ok")


server = Counting(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"


def connections(streams, kept):
    """How many connections ten calls take beside `streams` open ones."""
    ended.clear()
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=kept, keepalive_expiry=None)
    with httpx.Client(limits=limits) as client, ExitStack() as opened:
        for _ in range(streams):
            opened.enter_context(client.stream("GET", f"{address}/stream"))
        before = server.connections
        for _ in range(10):
            client.get(f"{address}/short")
        ended.set()
        return server.connections - before


counts = {(streams, kept): connections(streams, kept) for streams, kept in ((3, 4), (4, 4), (4, 100))}
print("httpx", version("httpx"), "httpcore", version("httpcore"))
for (streams, kept), count in counts.items():
    print(f"  {streams} open streams, max_keepalive_connections={kept}: ten calls took {count} connections")
raise SystemExit(0 if list(counts.values()) == [1, 10, 1] else 1)
PY
