"""What people copy, run as they would run it, against a real server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.server import snippets
from patchbay.flows.server.snippets import SNIPPETS
from tests.flows.server import serving as servers
from tests.flows.server.flows import FLOWS, write
from tests.flows.server.serving import KEY, serving

ODD = 'it\'s 100% <b>"odd" & more'
"""A name of a file, which is that of the flow."""
WRITE = {snippet.name: snippet.write for snippet in SNIPPETS}
FILE_TEXT = "twelve signs"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Served]:
    folder = tmp_path_factory.mktemp("snippets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHBAY_HOME", str(folder / "home"))
        flows = write(folder / "flows", "shout", "typed", "size", "words", "vectors", "approve")
        (flows / f"{ODD}.json").write_text(canonical_text(FLOWS["shout"]), encoding="utf-8")
        (folder / "key").write_text(f"{KEY}\n", encoding="utf-8")
        (folder / snippets.FILE).write_text(FILE_TEXT, encoding="utf-8")
        with serving(flows) as found:
            yield found


def told(here: servers.Served, flow: str, *, by_file: bool = False) -> snippets.ServedAt:
    file = here.folder.parent / "key" if by_file else None
    return snippets.ServedAt(here.service.shelf.get(flow), here.address, KEY, file)


def ran(command: list[str], here: servers.Served) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=here.folder.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("by_file", [False, True])
@pytest.mark.parametrize(
    ("flow", "gives"),
    [
        ("shout", {"answer": "HELLO"}),
        (ODD, {"answer": "HELLO"}),
        ("typed", {"count": 1.0, "colour": "red", "stream": "none"}),
        ("size", {"size": float(len(FILE_TEXT))}),
    ],
)
def test_curl(here, flow, gives, by_file):
    line = WRITE["curl"](told(here, flow, by_file=by_file))
    assert (KEY in line) is not by_file
    outputs = json.loads(ran(["sh", "-c", f"{line} -s"], here))["outputs"]
    assert outputs.items() >= gives.items()


@pytest.mark.parametrize(
    ("flow", "by_file"), [("shout", False), (ODD, True), ("typed", True), ("size", False)]
)
def test_python(here, flow, by_file):
    code = WRITE["Python"](told(here, flow, by_file=by_file))
    assert (KEY in code) is not by_file
    said = ran([sys.executable, "-c", code], here)
    assert {"typed": "'count': 1", "size": "'size': 12.0"}.get(flow, "'HELLO'") in said


@pytest.mark.parametrize("flow", ["shout", ODD, "typed", "size"])
def test_javascript(here, flow):
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node here")
    code = WRITE["JavaScript"](told(here, flow))
    said = ran([node, "--input-type=module", "-e", code], here)
    assert {"typed": "count: 1", "size": "size: 12"}.get(flow, "'HELLO'") in said


@pytest.mark.parametrize(
    ("flow", "by_file", "says"),
    [("words", False, "Hello"), (ODD, True, "HELLO"), ("vectors", False, "[0.0, 0.0, 0.0]")],
)
def test_openai(here, flow, by_file, says):
    code = WRITE["OpenAI"](told(here, flow, by_file=by_file))
    assert ran([sys.executable, "-c", code], here) == says


@pytest.mark.parametrize("flow", ["typed", "size"])
def test_openai_is_not_offered_where_it_would_be_refused(here, flow):
    assert WRITE["OpenAI"](told(here, flow)) is None
    body = {"model": flow, "messages": [{"role": "user", "content": "Hello"}]}
    assert here.http.post("/v1/chat/completions", json=body).status_code == 400


@pytest.mark.parametrize("flow", ["shout", ODD])
async def test_mcp(here, flow):
    settings = json.loads(WRITE["MCP"](told(here, flow)))["mcpServers"][flow]
    assert settings.pop("type") == "http"
    async with (
        streamablehttp_client(**settings) as (read, send, _),
        ClientSession(read, send) as client,
    ):
        await client.initialize()
        names = [tool.name for tool in (await client.list_tools()).tools]
        result = await client.call_tool("shout", {"text": "hi"})
    assert "shout" in names
    assert result.structuredContent == {"answer": "HI"}


def test_without_a_key_no_snippet_speaks_of_one(here):
    for snippet in SNIPPETS:
        for flow in ("shout", "size"):
            text = snippet.write(snippets.ServedAt(here.service.shelf.get(flow), here.address))
            assert text is None or ("uthorization" not in text and "data-key" not in text)


def test_what_the_terminal_prints_is_of_this_table():
    source = Path(snippets.__file__).parents[1].joinpath("cli", "serving.py").read_text("utf-8")
    assert "httpx.post" not in source
    assert "curl {" not in source
