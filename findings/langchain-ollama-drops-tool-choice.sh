#!/usr/bin/env bash
# Guess: bind_tools(tools, tool_choice=...) makes the model call a tool, or says that the server cannot.
# What happens: the choice is taken and left out of the request; the model may answer in words and nothing tells why.
# Seen with langchain-ollama 1.1.0 on 2026-11-28.
# Why it matters: an agent that has to look something up before it answers does so with one provider and makes it up with
# another, from the same code.
source "$(dirname "$0")/_env.sh"
packages 'langchain-ollama==1.1.0'
"$PY" - <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version


from langchain_core.tools import tool
from langchain_ollama import ChatOllama

asked = []


class Listener(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        said = {"role": "assistant", "content": "hello"}
        answer = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": said}
        body = (json.dumps(answer | {"done": True, "done_reason": "stop"}) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@tool
def add(one: int, two: int) -> int:
    """Add two numbers."""
    return one + two


server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
threading.Thread(target=server.serve_forever, daemon=True).start()
model = ChatOllama(model="m", base_url=f"http://127.0.0.1:{server.server_port}")
model.bind_tools([add], tool_choice="add").invoke("2 + 2?")
print("langchain-ollama", version("langchain-ollama"), "sends", sorted(asked[0]))
raise SystemExit(0 if "tools" in asked[0] and "tool_choice" not in json.dumps(asked[0]) else 1)
PY
