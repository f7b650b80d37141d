#!/usr/bin/env bash
# Guess: `max_tokens`, LangChain's standard name, which this model takes when it is made, is taken in `invoke` and `bind` too, as
# it is by the models of OpenAI, Anthropic and others.
# What happens: in a call it goes on to Google's client as it is, and is refused ("Extra inputs are not permitted"); only
# `max_output_tokens` is known there. `temperature` and `top_p` work in both places.
# Seen with langchain-google-genai 4.4.3 (google-genai 3.6.1) on 2026-11-29.
# Why it matters: a flow whose parameters are bound to whichever model is chosen works with every provider but this one; set
# them when the model is made.
source "$(dirname "$0")/_env.sh"
packages 'langchain-google-genai==4.4.3' 'google-genai==3.6.1'
"$PY" - <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

from langchain_google_genai import ChatGoogleGenerativeAI

asked = []
ANSWER = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
}


class Gateway(BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["generationConfig"])
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
address = f"http://127.0.0.1:{server.server_port}"


def sent(making, calling):
    model = ChatGoogleGenerativeAI(model="gemini-2.5-flash", api_key="any", base_url=address, **making)
    asked.clear()
    try:
        model.bind(**calling).invoke("hello")
    except ValueError as problem:  # pydantic's ValidationError is one
        return f"{type(problem).__name__}: {' '.join(str(problem).split())[:110]}"
    return asked[0].get("maxOutputTokens"), asked[0].get("temperature")


made = sent({"max_tokens": 5, "temperature": 0.5}, {})
called = sent({}, {"max_tokens": 5, "temperature": 0.5})
by_its_own_name = sent({}, {"max_output_tokens": 5, "temperature": 0.5})
server.shutdown()
print("langchain-google-genai", version("langchain-google-genai"), "google-genai", version("google-genai"))
print("  max_tokens when made:", made)
print("  max_tokens in a call:", called)
print("  max_output_tokens in a call:", by_its_own_name)
refused = isinstance(called, str) and "max_tokens Extra inputs are not permitted" in called
raise SystemExit(0 if made == by_its_own_name == (5, 0.5) and refused else 1)
PY
