#!/usr/bin/env bash
# Guess: a stream of an answer that ends without finish_reason and without [DONE] raises: something went wrong on the way.
# What happens: the loop over the chunks just ends, as after a whole answer; LangChain on top of it gives a message with no
# word about the end.
# Seen with openai 2.54.0, langchain-openai 1.7.4 on 2026-11-28.
# Why it matters: half an answer (`5 mg, never ...`) is shown, stored and cached as a whole one. Look for finish_reason
# yourself.
source "$(dirname "$0")/_env.sh"
packages 'openai==2.54.0' 'langchain-openai==1.7.4'
"$PY" - <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version


from langchain_openai import ChatOpenAI
from openai import OpenAI


class Half(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for words in ("Take 5 mg, ", "never "):
            choice = {"index": 0, "delta": {"content": words}, "finish_reason": None}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
            self.wfile.write(f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n".encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Half)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/v1"
question = [{"role": "user", "content": "How much?"}]
client = OpenAI(base_url=address, api_key="none")
chunks = list(client.chat.completions.create(model="m", messages=question, stream=True))
text = "".join(chunk.choices[0].delta.content for chunk in chunks)
end = chunks[-1].choices[0].finish_reason
message = None
for part in ChatOpenAI(model="m", base_url=address, api_key="none").stream("How much?"):
    message = part if message is None else message + part
print("openai", version("openai"), repr(text), "finish_reason", end)
print("langchain-openai", version("langchain-openai"), repr(message.content), message.response_metadata)
same = text == message.content == "Take 5 mg, never " and end is None
raise SystemExit(0 if same and "finish_reason" not in message.response_metadata else 1)
PY
