#!/usr/bin/env bash
# Guess: `base_url` is the address below which a client finds `/chat/completions`, as with OpenAI's and others' clients, so an
# address that ends in `/v1` reaches a gateway that speaks the same protocol.
# What happens: the client adds `/openai/v1/chat/completions` to whatever it is given; `http://host/v1` is asked for
# `/v1/openai/v1/chat/completions`, and the gateway answers 404.
# Seen with langchain-groq 1.1.3 (groq 0.37.1) on 2026-11-29.
# Why it matters: a flow that lets people give the address of a gateway once, for every provider, needs another address for
# this one: without any path.
source "$(dirname "$0")/_env.sh"
packages 'langchain-groq==1.1.3' 'groq==0.37.1'
"$PY" - <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

from langchain_groq import ChatGroq

asked = []
ANSWER = {
    "id": "1", "object": "chat.completion", "created": 0, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


class Gateway(BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = HTTPServer(("127.0.0.1", 0), Gateway)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/v1"
ChatGroq(model="m", api_key="any", base_url=address).invoke("hello")
print("langchain-groq", version("langchain-groq"), "groq", version("groq"), "base_url ends in /v1, asked for", asked)
server.shutdown()
raise SystemExit(0 if asked == ["/v1/openai/v1/chat/completions"] else 1)
PY
