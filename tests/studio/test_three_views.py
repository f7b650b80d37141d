"""A stream of 200 pieces of text a second, watched by three pages at once: each gets all of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import Context, Node, NodeParams, Ports
from patchbay.studio.documents.opened import Documents
from patchbay.studio.runs.runner import Runner
from patchbay.studio.server.grants import Grant
from patchbay.studio.server.news import news
from patchbay.studio.server.services import services
from tests.flows.runs.harness import OUT, environment, flow

ANN = "ann-0123456789abcdef"
PIECES = 300


class Streams(Node):
    """Gives 200 pieces of text a second."""

    kind, title, family = "test.streams", "Streams", "Test"

    class Params(NodeParams):
        """None."""

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Ports:
        pieces = [f"{number} " for number in range(PIECES)]
        for piece in pieces:
            await ctx.stream("text", piece)
            await asyncio.sleep(1 / 200)
        return self.Outputs(text="".join(pieces))


async def test_three_pages_hear_all_of_a_stream_in_few_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = replace(environment(), catalog=Catalog([Streams], table=BUILTIN))
    documents, runner = Documents(background=False), Runner(environment=lambda folder: env)
    monkeypatch.setattr(services(), "documents", documents)
    monkeypatch.setattr(services(), "runner", runner)
    monkeypatch.setattr(
        "patchbay.studio.server.news_queue.GATHER_S", 0.3
    )  # a busy machine is slower
    document = documents.shown(flow({"s": "test.streams", "out": OUT}, ["s.text > out.value"]))

    async def watch() -> tuple[str, int]:
        """The text as a page puts it together, and in how many messages it came."""
        text, messages = "", 0
        async for batch in news(Grant(document.id, ANN)):
            for said in batch:
                messages += "text" in said
                text = said.get("text_all", text) + said.get("text", "")
                if said.get("status") == "done":
                    return text, messages
        raise AssertionError("it never ended")

    pages = [asyncio.create_task(watch()) for _ in range(3)]
    await asyncio.sleep(0.05)
    runner.start(document.id, ANN, document.flow, {})
    whole = "".join(f"{number} " for number in range(PIECES))
    for text, messages in await asyncio.gather(*pages):
        assert text == whole
        assert 1 <= messages < PIECES / 2, "pieces are gathered"
