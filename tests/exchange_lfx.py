"""What Langflow's own flows send to a model: run by `lfx`, in an environment of its own.

`python -m tests.exchange_lfx ENVIRONMENT FLOWS OUT` makes the environment (pinned), and has its
Python run this file again, which answers every question of a chat model itself and keeps it.
Nothing outside this machine is asked. CI does without.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LFX = ("lfx==1.13.0", "langchain-openai==1.7.4")
QUESTION = "Hello there"
SAID = "<said>"
FLOWS = (
    "Basic Prompting",
    "Simple Agent",
    "Twitter Thread Generator",
    "Memory Chatbot",
    "SEO Keyword Generator",
    "Multi Agent Flow",
    "Document Q&A",
    "Vector Store RAG",
)
"""Those that ask nothing but a model, and those that first look into a knowledge base."""
KNOWN = ("Hello there is a greeting, old and short.", "Spruce grows for eighty years.")
"""What is found there, the nearest first. The base lies on Langflow's server, where lfx is not."""
LOOKS = "    async def retrieve_data(self) -> DataFrame:\n"
MODEL = {
    "name": "gpt-4o-mini",
    "provider": "OpenAI",
    "metadata": {
        "api_key_param": "api_key",
        "model_class": "ChatOpenAI",
        "model_name_param": "model",
    },
}
heard: list[dict[str, Any]] = []


class Listener(BaseHTTPRequestHandler):
    """A server of OpenAI's protocol that says one thing, and keeps what it is asked."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        tools = [tool["function"]["name"] for tool in asked.get("tools", [])]
        heard.append({"messages": asked["messages"], "tools": sorted(tools)})
        base = {"id": "x", "created": 1, "model": "m"}
        if asked.get("stream"):
            self._begin("text/event-stream")
            delta = {"index": 0, "delta": {"role": "assistant", "content": SAID}}
            for choice in (delta, {"index": 0, "delta": {}, "finish_reason": "stop"}):
                piece = {**base, "object": "chat.completion.chunk", "choices": [choice]}
                self.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")
            return
        message = {"role": "assistant", "content": SAID}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self._begin("application/json")
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}  # lfx needs it
        whole = {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
        self.wfile.write(json.dumps(whole).encode())

    def _begin(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()


def ready(flow: dict[str, Any]) -> dict[str, Any]:
    """A flow with a model chosen and a question asked."""
    for node in flow["data"]["nodes"]:
        template = (node["data"].get("node") or {}).get("template") or {}
        kind = node["data"].get("type")
        if kind in ("LanguageModelComponent", "Agent"):
            template["model"]["value"] = [MODEL]
            template["api_key"] |= {"value": "sk-none", "load_from_db": False}
        if kind == "Knowledge":
            code = template["code"]
            found = f"        return DataFrame({[{'content': text} for text in KNOWN]!r})\n"
            if code["value"].count(LOOKS) != 1:
                raise SystemExit("Langflow's Knowledge component looks things up in another way.")
            code["value"] = code["value"].replace(LOOKS, LOOKS + found)
        if kind == "ChatInput":
            template["input_value"]["value"] = QUESTION
    return flow


def listen(flows: Path, out: Path) -> None:
    """Run the flows, and write what was heard. In lfx's own environment."""
    # lfx takes 127.0.0.1 for the host of its container, so the machine's own address is used.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.9", 9))  # sends nothing: it only chooses an address
        own = probe.getsockname()[0]
    server = ThreadingHTTPServer((own, 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://{own}:{server.server_port}/v1"
    os.environ |= {
        "OPENAI_BASE_URL": address,
        "OPENAI_API_BASE": address,
        "LANGFLOW_SSRF_PROTECTION_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    from lfx.load import aload_flow_from_json  # type: ignore[import-not-found]

    async def run(flow: dict[str, Any]) -> list[dict[str, Any]]:
        heard.clear()
        graph = await aload_flow_from_json(ready(flow))
        async for _ in graph.async_start():
            pass
        return list(heard)

    found = {}
    for name in FLOWS:
        file = flows / f"{name}.json"
        found[name] = {"heard": asyncio.run(run(json.loads(file.read_text("utf-8"))))}
    for name, flow in routers():
        found[name] = {"flow": flow, "heard": asyncio.run(run(json.loads(json.dumps(flow))))}
    out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


ROUTES = (
    ("equals", "hello there", False), ("equals", "hello there", True),
    ("not equals", "Hello there", True), ("contains", "THERE", False), ("contains", "x", False),
    ("starts with", "Hello", True), ("ends with", "there", True),
    ("less than", "3", True), ("greater than or equal", "3", True),
)  # fmt: skip
"""What a router compares the question with: the test, the text, and whether capitals count."""


def routers() -> Iterator[tuple[str, dict[str, Any]]]:
    """Flows that lfx makes of its own components: a question goes to one of two models."""
    from lfx.components.flow_controls import (  # type: ignore[import-not-found]
        ConditionalRouterComponent,
    )
    from lfx.components.input_output import (  # type: ignore[import-not-found]
        ChatInput,
        ChatOutput,
    )
    from lfx.components.models_and_agents import (  # type: ignore[import-not-found]
        LanguageModelComponent,
        PromptComponent,
    )
    from lfx.graph import Graph  # type: ignore[import-not-found]

    for test, text, case in ROUTES:
        asked, router = ChatInput(), ConditionalRouterComponent()
        asked.set(input_value=QUESTION)
        router.set(input_text=asked.message_response, operator=test, match_text=text)
        router.set(case_sensitive=case)
        ends = []
        for words, way in (("It fits", router.true_response), ("No", router.false_response)):
            prompt, model, end = PromptComponent(), LanguageModelComponent(), ChatOutput()
            prompt.set(template=f"{words}: {{text}}", text=way)
            model.set(input_value=prompt.build_prompt, system_message=f"You hear: {words}")
            end.set(input_value=model.text_response)
            ends.append(end)
        name = f"Router {test} {text} {case}"
        both = [Graph(asked, end).dump(name=name) for end in ends]  # a graph knows one end
        for part in ("nodes", "edges"):
            parts = [one for flow in both for one in flow["data"][part]]
            known = {one.get("id") or json.dumps(one, sort_keys=True): one for one in parts}
            both[0]["data"][part] = list(known.values())
        yield name, both[0]


def main(environment: Path, flows: Path, out: Path) -> None:
    """Make the environment where it is not there, and let it listen."""
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(environment, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *LFX], check=True)
    subprocess.run([python, __file__, flows, out], check=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        listen(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        main(*(Path(word) for word in sys.argv[1:]))
