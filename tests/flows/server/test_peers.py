"""Programs of others in front of the server: LiteLLM's proxy, the MCP inspector, Flowise's widget.

`make serve-peers` fetches them into .serve-peers; without it these are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from patchbay.flows.server.core.settings import Settings
from tests.browser.harness import FLAGS, chromium
from tests.flows.server.flows import write
from tests.flows.server.serving import KEY, Served, serving
from tests.loopback import served as site
from tests.paths import ROOT
from tests.ports import free_ports

PEERS = ROOT / ".serve-peers"
MODULES = PEERS / "node_modules"
LITELLM = PEERS / "litellm" / "bin" / "litellm"
SAID: Any = [{"role": "user", "content": "to be or not"}]


def needed(place: Path, what: str, *programs: str) -> None:
    """Skip the test where a peer is not here."""
    if not place.exists() or any(shutil.which(program) is None for program in programs):
        pytest.skip(f"needs {what}: make serve-peers")


# --- the MCP inspector's command line -------------------------------------------------------------


def inspect(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the inspector."""
    launcher = MODULES / ".bin" / "mcp-inspector"
    needed(launcher, "the MCP inspector", "node")
    return subprocess.run(
        ["node", str(launcher), "--cli", *words],
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def over_http(served: Served, *words: str) -> Any:
    key = f"Authorization: Bearer {KEY}"
    done = inspect(f"{served.address}/mcp", "--transport", "http", "--header", key, *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_inspector_finds_no_fault_with_the_tools(served: Served):
    """`--strict` fails where a schema is not portable between clients."""
    told = over_http(served, "--method", "tools/list", "--strict")
    assert {"words", "typed", "approve"} <= {tool["name"] for tool in told["tools"]}


def test_the_inspector_calls_a_tool(served: Served):
    call = ("--method", "tools/call", "--tool-name")
    told = over_http(served, *call, "words", "--tool-arg", "question=to be")
    assert told["content"][0]["text"] == "to be"
    assert told["structuredContent"] == {"answer": "to be"}
    typed = over_http(served, *call, "typed", "--tool-arg", "count=3", "colour=blue")
    assert typed["structuredContent"]["colour"] == "blue"


def test_the_inspector_over_stdin_and_stdout(tmp_path: Path):
    folder = write(tmp_path / "flows", "read")
    command = [sys.executable, "-m", "patchbay.flows", "mcp", str(folder)]
    told = inspect(*command, "--method", "tools/list", "--cwd", str(ROOT))
    assert told.returncode == 0, told.stderr
    assert [tool["name"] for tool in json.loads(told.stdout)["tools"]] == ["read"]


# --- LiteLLM's proxy ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def proxy(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    """A client of LiteLLM's proxy, whose models are flows of the server."""
    needed(LITELLM, "LiteLLM's proxy")
    folder = tmp_path_factory.mktemp("litellm")
    there = {"api_base": f"{served.address}/v1", "api_key": KEY}
    models = [
        {"model_name": name, "litellm_params": {"model": f"openai/{name}", **there}}
        for name in ("words", "hidden", "fails", "vectors")
    ]
    config = folder / "config.yaml"
    config.write_text(json.dumps({"model_list": models, "litellm_settings": {"num_retries": 0}}))
    with httpx.Client() as http:
        [port] = free_ports(1)
        env = {**os.environ, "HOME": str(folder), "LITELLM_MASTER_KEY": "sk-of-the-proxy"}
        env |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "*", "PYTHONPATH": ""}
        words = [str(LITELLM), "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(words, env=env, stdout=log, stderr=log, cwd=folder)
            try:
                _until_up(http, f"http://127.0.0.1:{port}/health/liveliness", process, folder)
                yield OpenAI(
                    base_url=f"http://127.0.0.1:{port}/v1", api_key="sk-of-the-proxy",
                    max_retries=0, timeout=60,
                )  # fmt: skip
            finally:
                process.terminate()
                process.wait(30)


def _until_up(http: httpx.Client, address: str, process: Any, folder: Path) -> None:
    end = time.monotonic() + 240
    while time.monotonic() < end:
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        try:
            if http.get(address, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise AssertionError((folder / "log").read_text()[-2000:])


def test_litellm_passes_an_answer_on(proxy: OpenAI):
    answer = proxy.chat.completions.create(model="words", messages=SAID)
    assert answer.choices[0].message.content == "to be or not"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4


def test_litellm_streams(proxy: OpenAI):
    chunks = list(proxy.chat.completions.create(model="words", messages=SAID, stream=True))
    pieces = [
        c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content
    ]
    assert "".join(pieces) == "to be or not"
    assert len(pieces) > 1
    whole = list(proxy.chat.completions.create(model="hidden", messages=SAID, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in whole if c.choices) == "TO BE OR NOT"


def test_litellm_passes_errors_and_vectors_on(proxy: OpenAI):
    with pytest.raises(openai.InternalServerError, match="no luck"):
        proxy.chat.completions.create(model="fails", messages=SAID)
    made = proxy.embeddings.create(model="vectors", input=["aab"], encoding_format="float")
    assert made.data[0].embedding == [2.0, 1.0, 0.0]


# --- Flowise's widget, in a browser ---------------------------------------------------------------

PAGE = """<!doctype html><meta charset="utf-8"><title>A page</title><body><script type="module">
import Chatbot from "/web.js";
Chatbot.init({chatflowid: "%s", apiHost: "%s", onRequest: async (request) => {
  request.headers = {...request.headers, Authorization: "Bearer %s"};
}});
</script>"""


class Pages(BaseHTTPRequestHandler):
    page: dict[str, str]

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        script = self.path == "/web.js"
        widget = MODULES / "flowise-embed" / "dist" / "web.js"
        body = widget.read_bytes() if script else self.page["text"].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.mark.parametrize(
    ("flow", "talk"),
    [
        ("words", [("to be or not", "to be or not")]),
        ("approve", [("Dear Bob", "Send it?"), ("hm", "no and why"), ("yes", "Dear Bob")]),
    ],
)
def test_flowises_widget_talks_to_a_flow(tmp_path: Path, flow, talk):
    needed(MODULES / "flowise-embed" / "dist" / "web.js", "flowise-embed")
    from playwright.sync_api import expect, sync_playwright

    page: dict[str, str] = {"text": ""}
    flows = write(tmp_path / "flows", flow)
    with (
        site(Pages, page=page) as origin,
        serving(flows, Settings(origins=(origin,))) as served,
        sync_playwright() as playwright,
    ):
        page["text"] = PAGE % (flow, served.address, KEY)
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            tab = browser.new_page()
            tab.goto(origin)
            tab.locator("flowise-chatbot button[part=button]").click(timeout=60_000)
            box = tab.locator("flowise-chatbot textarea")
            for said, answered in talk:
                before = tab.locator("flowise-chatbot .chatbot-host-bubble").count()
                box.fill(said, timeout=60_000)
                box.press("Enter")
                answer = tab.locator("flowise-chatbot .chatbot-host-bubble").nth(before)
                expect(answer).to_contain_text(answered, timeout=60_000)
        finally:
            browser.close()
