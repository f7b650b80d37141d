#!/usr/bin/env bash
# Guess: a client that is kept and asked again uses its connection again, streamed or not.
# What happens: it stops reading at `data: [DONE]` and closes the response before the last, empty chunk of the body was read, so
# the connection is thrown away: ten streamed answers take ten connections, ten others take one. So too in ChatOpenAI above it.
# Where something reads what is left of the body (here a transport that does so on closing), one connection serves all ten.
# Seen with openai 2.54.0, langchain-openai 1.7.4, httpcore 1.0.9 on 2026-11-29.
# Why it matters: flows stream by default, and each step then pays for a new connection, with TLS two or three ways to the
# server, before the first word; a busy server runs out of ports.
source "$(dirname "$0")/_env.sh"
packages 'openai==2.54.0' 'langchain-openai==1.7.4' 'httpx==0.28.1' 'httpcore==1.0.9'
"$PY" - <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

import httpx
from langchain_openai import ChatOpenAI
from openai import OpenAI


class Counting(ThreadingHTTPServer):
    daemon_threads = True
    connections = 0

    def get_request(self):
        self.connections += 1
        return super().get_request()


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        stream = asked.get("stream", False)
        said = {"role": "assistant", "content": "4"}
        choice = {"index": 0, "delta" if stream else "message": said, "finish_reason": "stop"}
        kind = "chat.completion.chunk" if stream else "chat.completion"
        answer = json.dumps({"id": "1", "object": kind, "created": 0, "model": "m", "choices": [choice]})
        self.send_response(200)
        if stream:
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            lines = f"data: {answer}\n\n", "data: [DONE]\n\n", ""
            body = "".join(f"{len(line):x}\r\n{line}\r\n" for line in lines).encode()
        else:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            body = answer.encode()
        self.end_headers()
        self.wfile.write(body)


class ReadRest(httpx.SyncByteStream):
    def __init__(self, body):
        self.body, self.parts = body, iter(body)

    def __iter__(self):
        yield from self.parts

    def close(self):
        for _ in self.parts:
            pass
        self.body.close()


class ReadingOn(httpx.HTTPTransport):
    def handle_request(self, request):
        response = super().handle_request(request)
        response.stream = ReadRest(response.stream)
        return response


server = Counting(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/v1"
question = [{"role": "user", "content": "2 + 2?"}]


def connections(ask):
    before = server.connections
    for _ in range(10):
        ask()
    return server.connections - before


def whole(client):
    return lambda: client.chat.completions.create(model="m", messages=question)


def streamed(client):
    return lambda: list(client.chat.completions.create(model="m", messages=question, stream=True))


reading = httpx.Client(transport=ReadingOn())
chat = ChatOpenAI(model="m", base_url=address, api_key="none")
counts = {
    "whole answers": connections(whole(OpenAI(base_url=address, api_key="none"))),
    "streamed": connections(streamed(OpenAI(base_url=address, api_key="none"))),
    "streamed by ChatOpenAI": connections(lambda: list(chat.stream("2 + 2?"))),
    "streamed, rest read": connections(streamed(OpenAI(base_url=address, api_key="none", http_client=reading))),
}
print("openai", version("openai"), "langchain-openai", version("langchain-openai"), "httpcore", version("httpcore"))
print("connections for ten calls:", counts)
raise SystemExit(0 if list(counts.values()) == [1, 10, 10, 1] else 1)
PY
