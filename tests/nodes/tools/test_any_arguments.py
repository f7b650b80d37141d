"""Arguments may be called what the interfaces of others call them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from patchbay.nodes.tools.any_arguments import AnyArguments

NAMES = ["config", "run_manager", "self", "callbacks", "args", "kwargs", "tool", "name", "body"]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {n: {"type": "string"} for n in NAMES}}


@pytest.mark.parametrize("name", NAMES)
async def test_what_a_model_gives_reaches_the_function(name: str):
    async def use(**given: Any) -> str:
        return str(given)

    tool = AnyArguments(name="t", description="d", args_schema=SCHEMA, coroutine=use)
    assert await tool.ainvoke({name: "x"}) == str({name: "x"})
    called = {"type": "tool_call", "id": "1", "name": "t", "args": {name: "x"}}
    assert (await tool.ainvoke(called)).content == str({name: "x"})


@pytest.mark.parametrize("name", NAMES)
async def test_a_function_that_blocks_is_called_in_a_thread(name: str):
    threads: list[int] = []

    def use(**given: Any) -> str:
        threads.append(threading.get_ident())
        return str(given)

    tool = AnyArguments(name="t", description="d", args_schema=SCHEMA, func=use)
    assert tool.invoke({name: "x"}) == str({name: "x"})
    assert await tool.ainvoke({name: "x"}) == str({name: "x"})
    assert threads[0] == threading.get_ident() != threads[1]
