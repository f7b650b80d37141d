"""The node `tool.semantic_kernel`: functions of a plugin as tools."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.semantic_kernel import plugins
from patchbay.nodes.semantic_kernel.plugin_tool import KernelPluginTool
from patchbay.nodes.testing import RecordingContext, run_node


def called(params: dict[str, Any], name: str, **arguments: Any) -> str:
    spec = run_node(KernelPluginTool, params)["tool"]

    async def use() -> str:
        async with AsyncExitStack() as stack:
            tools = {t.name: t for t in await spec.open_all(RecordingContext(), stack)}
            return str(await tools[name].ainvoke(arguments))

    return asyncio.run(use())


def test_functions_of_a_plugin_are_tools() -> None:
    assert called({"plugin": "math"}, "math_add", input="2", amount="3") == "5.0"
    assert called({"plugin": "text", "only": ["trim"]}, "text_trim", input="  a ") == "a"


class Lamp:
    """A plugin as an installed package declares it."""

    def __init__(self) -> None:
        from semantic_kernel.functions import kernel_function

        def switch(on: bool, room: str = "hall") -> str:
            """Switch a lamp."""
            return f"{room} {'on' if on else 'off'}"

        self.switch = kernel_function(switch)


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        value = "tests:Lamp"

        @staticmethod
        def load() -> type[Lamp]:
            return Lamp

    monkeypatch.setattr(plugins, "declared", lambda: {"lamp": Entry})


@pytest.mark.parametrize(
    ("given", "said"), [("false", "hall off"), (False, "hall off"), (True, "hall on")]
)
def test_false_is_false_also_as_a_text(declared: None, given: Any, said: str) -> None:
    """Semantic Kernel by itself takes the text "false" for true."""
    assert called({"plugin": "lamp"}, "lamp_switch", on=given) == said


def test_a_default_of_the_plugin_stays(declared: None) -> None:
    assert called({"plugin": "lamp"}, "lamp_switch", on=True, room="attic") == "attic on"


@pytest.mark.parametrize("name", ["nowhere", "http", "sessions_python_tool", "os"])
def test_only_declared_plugins_are_loaded(name: str) -> None:
    with pytest.raises(NodeError, match="No installed package declares a plugin"):
        run_node(KernelPluginTool, {"plugin": name})


def test_a_function_that_is_not_there_is_said() -> None:
    with pytest.raises(NodeError, match="has no function 'divide'; there are: "):
        called({"plugin": "math", "only": ["divide"]}, "x")
