"""An agent's tools, opened inside a run."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from patchbay.nodes.contract import Context, NodeError
from patchbay.nodes.tools.ask_first import AskFirstTool
from patchbay.nodes.tools.tool import BoundTool, ToolKit
from patchbay.nodes.values import ToolSpec

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


def check_names(tools: Iterable[ToolSpec]) -> None:
    """Check that an agent can tell its tools apart.

    Raises:
        NodeError: two have one name.
    """
    seen: set[str] = set()
    for tool in tools:
        name = getattr(tool, "name", "")
        if name and name in seen:
            raise _same_name(name)
        seen.add(name)


def _same_name(name: str) -> NodeError:
    return NodeError(
        f'Two of the tools are named "{name}".',
        fix="Give one of them another name; those of a server take a prefix.",
        port="tools",
        code="tool/same-name",
        retry=False,
    )


async def open_tools(
    tools: Iterable[ToolSpec],
    ctx: Context,
    stack: AsyncExitStack,
    policies: dict[str, AskFirstTool] | None = None,
) -> dict[str, BaseTool]:
    """The tools by name, kept open as long as the stack is.

    People are asked where a tool is called: `policies` gets what they decide about, by its name.

    Raises:
        NodeError: one cannot be opened, or two have one name.
    """
    opened: dict[str, BaseTool] = {}
    check_names(tools := tuple(tools))
    for described in tools:
        policy = described if isinstance(described, AskFirstTool) else None
        spec = policy.tool if policy else described
        if isinstance(spec, ToolKit):
            found = await spec.open_all(ctx, stack)
        elif isinstance(spec, BoundTool):
            found = [await ctx.blocking(spec.bind, ctx)]  # it may look at a disk or a database
        else:
            found = [await stack.enter_async_context(ctx.use(spec, slot=False))]
        own: dict[str, ToolSpec | None] = {}
        if isinstance(spec, ToolKit):  # it may read settings
            own = await ctx.blocking(_policies, spec, [tool.name for tool in found])
        for tool in found:
            if tool.name in opened:
                raise _same_name(tool.name)
            opened[tool.name] = tool
            asked = policy or own.get(tool.name)
            if isinstance(asked, AskFirstTool) and policies is not None:
                policies[tool.name] = asked
    return opened


def _policies(kit: ToolKit, names: Iterable[str]) -> dict[str, ToolSpec | None]:
    """When people are asked about each tool."""
    return {name: kit.policy_of(name) for name in names}


def name_of(tool: ToolSpec) -> str:
    """What an agent calls a tool; "" for one that has no name before it is opened."""
    return str(getattr(tool, "name", ""))


def replays(tool: ToolSpec) -> bool:
    """Whether the result of a call stays good when a recorded run goes on."""
    return bool((tool.tool if isinstance(tool, AskFirstTool) else tool).replay)


def time_limits(tools: Iterable[ToolSpec]) -> dict[str, float]:
    """How long one call of each tool may take, in seconds, by the tool's name."""
    return {
        str(name): float(seconds)
        for tool in tools
        if (name := getattr(tool, "name", None)) and (seconds := getattr(tool, "seconds", None))
    }
