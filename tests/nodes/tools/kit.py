"""Call a tool as an agent would: opened by the pool, through LangChain."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import DescribingNode
from patchbay.nodes.testing import RecordingContext, assert_declared
from patchbay.nodes.tools.tool import BoundTool
from patchbay.nodes.values import ToolSpec


def tool_of(
    node: type[DescribingNode], params: dict[str, Any] | None = None, **inputs: Any
) -> ToolSpec:
    """The description that a tool's node gives."""
    checked = node.Params.model_validate(params or {})
    outputs = node.describe(checked, node.input_ports(checked)(**inputs))
    assert outputs is not None
    assert_declared(node.output_ports(checked), outputs)
    tool = outputs["tool"]
    assert isinstance(tool, ToolSpec)
    return tool


async def called(tool: ToolSpec, **arguments: Any) -> str:
    """What a call gives; raises what the tool raises."""
    ctx = RecordingContext()
    opened = tool.bind(ctx) if isinstance(tool, BoundTool) else tool.open(ctx)
    assert opened.name == tool.name  # type: ignore[attr-defined]
    return str(await opened.ainvoke(arguments))
