"""An agent that remembers and recalls."""

from __future__ import annotations

import asyncio

from patchbay.nodes.memory.tools import LongTermMemory
from patchbay.nodes.testing import RecordingContext, run_node
from tests.nodes.memory.colours import FACTS, Colours


def test_an_agent_remembers_and_recalls_with_tools() -> None:
    ctx = RecordingContext()
    tools = run_node(LongTermMemory, {"scope": "flow", "k": 1}, {"embeddings": Colours()})
    keep, find = tools["remember"].bind(ctx), tools["recall"].bind(ctx)

    async def use() -> list[str]:
        said = [await find.ainvoke({"query": "blue"})]
        said += [await keep.ainvoke({"fact": fact}) for fact in (*FACTS, FACTS[0])]
        return [*said, await find.ainvoke({"query": "blue"})]

    assert asyncio.run(use()) == [
        "Nothing is remembered of it.", *["Remembered."] * 3, "That is remembered already.",
        "- The sea is blue.",
    ]  # fmt: skip
    assert not tools["recall"].repeatable
