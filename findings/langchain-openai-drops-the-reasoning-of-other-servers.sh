#!/usr/bin/env bash
# Guess: the field reasoning_content, in which vLLM, llama.cpp, DeepSeek and others send what a model thought, is somewhere in
# the message.
# What happens: it is in no field of it, streamed or not; only ChatOpenAI's own provider packages read it.
# Seen with langchain-openai 1.7.4 on 2026-11-28.
# Why it matters: a model that spends all its tokens on thinking gives an empty answer and no trace of why; who wants to show
# or count thoughts must read the response itself.
source "$(dirname "$0")/_env.sh"
packages 'langchain-openai==1.7.4'
"$PY" - <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version


from langchain_openai import ChatOpenAI


class Thinker(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        said = {"role": "assistant", "content": "4", "reasoning_content": "two and two"}
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
        body = json.dumps(answer | {"choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Thinker)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/v1"
message = ChatOpenAI(model="m", base_url=address, api_key="none").invoke("2 + 2?")
print("langchain-openai", version("langchain-openai"), message.model_dump_json())
raise SystemExit(0 if "two and two" not in message.model_dump_json() else 1)
PY
