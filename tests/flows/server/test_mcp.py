"""MCP by its own client: over HTTP, and over the stdin and stdout of `patchbay mcp`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client

from patchbay.flows.server.http.openapi import version_of_ours
from patchbay.flows.server.mcp import when_asked
from patchbay.flows.server.mcp.when_asked import McpWhenAsked
from tests.flows.server.flows import write
from tests.flows.server.nodes import Words
from tests.flows.server.serving import KEY, Served, code, serving
from tests.flows.server.test_command import environ  # noqa: F401 - a fixture
from tests.paths import ROOT


@contextlib.asynccontextmanager
async def session(served: Served, **options: Any) -> AsyncIterator[ClientSession]:
    headers = {"authorization": f"Bearer {KEY}"}
    async with (
        streamablehttp_client(f"{served.address}/mcp", headers=headers) as (read, send, _),
        ClientSession(read, send, **options) as made,
    ):
        await made.initialize()
        yield made


async def call(
    client: ClientSession, name: str, given: dict[str, Any], **options: Any
) -> types.CallToolResult:
    return await client.call_tool(name, given, **options)


def text_of(result: types.CallToolResult) -> str:
    return "".join(c.text for c in result.content if isinstance(c, types.TextContent))


BEGIN = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": types.LATEST_PROTOCOL_VERSION, "capabilities": {},
        "clientInfo": {"name": "a test", "version": "1"},
    },
}  # fmt: skip
ACCEPT = {"accept": "application/json, text/event-stream"}


async def test_one_tool_a_flow(served: Served):
    async with session(served) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        server = served.http.post("/mcp", json=BEGIN, headers=ACCEPT).text
    assert f'"version":"{version_of_ours()}"' in server, "it was that of the library"
    assert set(tools) == {flow.name for flow in served.service.shelf.all()}
    assert tools["typed"].inputSchema["required"] == ["count"]
    assert tools["typed"].inputSchema["properties"]["colour"]["enum"] == ["red", "blue"]
    assert tools["shout"].outputSchema["properties"] == {"answer": {"type": "string"}}


async def test_a_call(served: Served):
    async with session(served) as client:
        result = await call(client, "shout", {"text": "hi"})
        assert (result.isError, result.structuredContent) == (False, {"answer": "HI"})
        assert text_of(result) == "HI"
        several = await call(client, "typed", {"count": 2.5})
        assert several.structuredContent == {"count": 2.5, "colour": "red", "stream": "none"}


@pytest.mark.parametrize("text", ["null", "[1]", '{"a": 1}', "3", ""])
async def test_a_text_stays_a_text(served: Served, text):
    async with session(served) as client:
        result = await call(client, "shout", {"text": text})
    assert result.structuredContent == {"answer": text.upper()}


@pytest.mark.parametrize(
    ("tool", "given", "says"),
    [
        ("shou", {}, "shout"),
        ("shout", {}, "text"),
        ("shout", {"text": "a", "more": 1}, "more"),
        ("typed", {"count": "many"}, "number"),
        ("fails", {"text": "a"}, "bad"),
        ("size", {"file": "/etc/passwd"}, "base64"),
        ("size", {"file": {"name": "../x", "data": ""}}, "plain name"),
    ],
)
async def test_what_is_wrong_is_told_to_the_model(served: Served, tool, given, says):
    async with session(served) as client:
        result = await call(client, tool, given)
    assert result.isError
    assert says in text_of(result)


async def test_a_file(served: Served):
    given = {"file": {"name": "a.txt", "data": base64.b64encode(b"12345").decode()}}
    async with session(served) as client:
        result = await call(client, "size", given)
    assert result.structuredContent["size"] == 5
    assert not Path(result.structuredContent["path"]).exists()


async def test_sources_are_resources(served: Served):
    async with session(served) as client:
        result = await call(
            client, "read", {"notes": [{"text": "a", "metadata": {"source": "x/n.md"}}]}
        )
    (held,) = (c.resource for c in result.content if isinstance(c, types.EmbeddedResource))
    assert (str(held.uri), held.text) == ("source:///n.md", "a")


async def test_progress_rises(served: Served):
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with session(served) as client:
        given = {"question": "a b c d e f g h i j"}
        result = await call(client, "slow", given, progress_callback=hear)
    assert result.structuredContent == {"answer": given["question"]}
    assert told
    assert [p for p, *_ in told] == sorted({p for p, *_ in told})
    assert {total for _, total, _ in told} == {3.0}


async def test_a_cancelled_call_stops_its_run(served: Served):
    before = Words.cancelled
    async with session(served) as client:
        work = asyncio.ensure_future(call(client, "slow", {"question": "a " * 500}))
        while not Words.at_work:
            await asyncio.sleep(0.01)
        number = client._request_id - 1
        params = types.CancelledNotificationParams(requestId=number)
        note = types.CancelledNotification(method="notifications/cancelled", params=params)
        await client.send_notification(types.ClientNotification(note))
        async with asyncio.timeout(120):
            while Words.cancelled == before:
                await asyncio.sleep(0.01)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await work


async def test_a_question_is_put_to_the_person(served: Served):
    asked: list[types.ElicitRequestParams] = []

    async def answer(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params)
        return types.ElicitResult(action="accept", content={"approve": False, "comment": "no"})

    async with session(served, elicitation_callback=answer) as client:
        result = await call(client, "approve", {"mail": "Dear Ada"})
    assert result.structuredContent == {"kept": "Dear Ada"}
    assert "Send it?" in asked[0].message
    assert asked[0].requestedSchema["required"] == ["approve"]


async def test_a_client_that_cannot_ask_is_told_who_waits(served: Served):
    async def decline(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="decline")

    for options in ({}, {"elicitation_callback": decline}):
        async with session(served, **options) as client:
            result = await call(client, "approve", {"mail": "Dear Ada"})
        assert result.isError
        run = text_of(result).rpartition(" ")[2]
        done = served.http.post(f"/runs/{run}/answer", json={"approve": True})
        assert done.json()["outputs"] == {"sent": "Dear Ada"}


async def test_what_is_no_answer_is_asked_again_with_the_reason(served: Served):
    """The run waited, and neither person nor model was told that it did."""
    asked: list[str] = []

    async def answer(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        said = "{broken" if len(asked) == 1 else '{"steps": 2}'
        return types.ElicitResult(action="accept", content={"value": said})

    async with session(served, elicitation_callback=answer) as client:
        result = await call(client, "plan", {"plan": {"steps": 1}})
    assert result.structuredContent == {"answer": {"steps": 2}}
    assert len(asked) == 2
    assert asked[1].startswith("This is not JSON: ")
    assert asked[1].endswith(asked[0])


async def test_who_never_answers_it_is_told_which_run_waits(served: Served):
    asked: list[str] = []

    async def answer(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"value": "{broken"})

    async with session(served, elicitation_callback=answer) as client:
        result = await call(client, "plan", {"plan": {"steps": 1}})
    assert result.isError
    assert len(asked) == 3
    assert text_of(result).startswith("This is not JSON: ")
    run = text_of(result).rpartition(" ")[2]
    done = served.http.post(f"/runs/{run}/answer", json={"value": {"steps": 3}})
    assert done.json()["outputs"] == {"answer": {"steps": 3}}


async def test_a_client_that_cannot_show_a_question_is_told_which_run_waits(served: Served):
    """It says that it can ask, and then that it cannot: the run was lost from sight."""

    async def answer(context: Any, params: types.ElicitRequestParams) -> types.ErrorData:
        return types.ErrorData(code=types.INTERNAL_ERROR, message="No window is open.")

    async with session(served, elicitation_callback=answer) as client:
        result = await call(client, "approve", {"mail": "Dear Eve"})
    assert result.isError
    run = text_of(result).rpartition(" ")[2]
    done = served.http.post(f"/runs/{run}/answer", json={"approve": True})
    assert done.json()["outputs"] == {"sent": "Dear Eve"}


async def test_who_answers_elsewhere_is_first(served: Served):
    """The dialog of the client stands open meanwhile; its call gets what the run gives."""

    async def answer(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        history = served.service.opened
        assert history is not None
        (run,) = (one.run for one in history.inbox.open() if one.asks["value"] == "Dear Bob")
        given = {"reject": "It is too long.", "background": True}
        assert served.http.post(f"/runs/{run}/answer", json=given).status_code == 202
        return types.ElicitResult(action="accept", content={"approve": True})

    async with session(served, elicitation_callback=answer) as client:
        result = await call(client, "approve", {"mail": "Dear Bob"})
    assert result.structuredContent == {"kept": "Dear Bob"}


def test_a_call_without_a_session_is_answered_by_itself(served: Served):
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "shout", "arguments": {"text": "hi"}},
    }
    accept = {"accept": "application/json, text/event-stream"}
    answer = served.http.post("/mcp", json=body, headers=accept)
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["result"]["structuredContent"] == {"answer": "HI"}
    assert served.http.post("/mcp", json=body, headers={"authorization": "x"}).status_code == 401
    evil = {"origin": "https://evil.example", **accept}
    assert served.http.post("/mcp", json=body, headers=evil).status_code == 403
    assert served.http.post("/mcp", content=b"{", headers=accept).status_code == 400


async def test_over_stdin_and_stdout(environ: dict[str, str], tmp_path: Path):  # noqa: F811
    folder = write(tmp_path / "flows", "shout", "prints")
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "patchbay.flows", "mcp", str(folder)],
        env=environ,
        cwd=ROOT,
    )
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        async with (
            stdio_client(server, errlog=nowhere) as (read, send),
            ClientSession(read, send) as client,
        ):
            await client.initialize()
            assert {t.name for t in (await client.list_tools()).tools} == {"shout", "prints"}
            for name in ("prints", "shout"):
                result = await call(client, name, {"text": "hi"})
                assert result.structuredContent == {"answer": "HI"}


def test_the_settings_of_a_desktop_client():
    from patchbay.flows.cli.mcp_tools import client_config

    told = json.loads(json.dumps(client_config([Path("flows/saved/ask.json")])))
    (server,) = told["mcpServers"].values()
    assert server["args"][:3] == ["-m", "patchbay.flows", "mcp"]
    assert Path(server["args"][3]).is_absolute()


async def test_who_calls_while_the_server_ends_does_not_wait_for_ever() -> None:
    asked: Any = McpWhenAsked(None)  # type: ignore[arg-type]
    async with asked.there():
        calling = asyncio.ensure_future(asked({}, None, None))
        await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="cannot be served"):
        await asyncio.wait_for(calling, 60)


def test_a_system_that_was_short_of_something_is_asked_again(tmp_path: Path, monkeypatch):
    """Nothing of MCP was ever served where its library could not be imported the first time."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))

    def short() -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with serving(write(tmp_path / "flows", "shout")) as served:
        with monkeypatch.context() as patch:
            patch.setattr(when_asked, "_imported", short)
            for _ in range(2):
                answer = served.http.post("/mcp", json=body, headers=ACCEPT)
                assert code(answer) == (503, "system/file")
        answer = served.http.post("/mcp", json=body, headers=ACCEPT)
        assert [tool["name"] for tool in answer.json()["result"]["tools"]] == ["shout"]
