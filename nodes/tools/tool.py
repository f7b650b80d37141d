"""What every tool of ours has: a name and a description for the model, and a time limit."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from patchbay.nodes.contract import Context
from patchbay.nodes.values import ToolSpec

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from langchain_core.tools import BaseTool

MAX_RESULT = 20_000
"""Characters of a result that go to the model; the rest is cut, and that it was is said."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name[:80]!r} is not a name that models can call; use small letters, digits and _, "
            "and start with a letter"
        )
    return name


ToolName = Annotated[str, AfterValidator(_check_name)]
"""A name that every provider of models takes for a tool."""


class LocalTool(ToolSpec):
    """A tool that this program runs. `seconds` is the longest that one call may take."""

    name: str
    description: str
    seconds: float = Field(30.0, gt=0, le=3600)

    @property
    def repeatable(self) -> bool:
        """Whether the same call always gives the same result."""
        return True


class BoundTool(LocalTool):
    """A tool that needs the run itself: the flows that it can run, the folder of the flow."""

    def bind(self, ctx: Context) -> BaseTool:
        """The tool inside a run. Called in a thread: it may block.

        Raises:
            NodeError: it cannot be had there.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be bound")


class ToolKit(ToolSpec):
    """Several tools behind one wire, known only once they are opened: those of a server."""

    @property
    def repeatable(self) -> bool:
        """Never: they are not ours."""
        return False

    def policy_of(self, tool: str) -> ToolSpec | None:
        """When people are asked about a tool of this name: an `AskFirstTool` around it, or None."""
        return None

    async def open_all(self, ctx: Context, stack: AsyncExitStack) -> list[BaseTool]:
        """The tools, kept open as long as the stack is.

        Raises:
            NodeError: they cannot be had.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be opened")


def langchain_tool(
    tool: LocalTool,
    run: Callable[..., str] | Callable[..., Awaitable[str]],
    arguments: Mapping[str, tuple[Any, str]],
) -> BaseTool:
    """A LangChain tool over a function, blocking or not, which refuses arguments that it lacks.

    Args:
        tool: gives the name and the description.
        run: called with the arguments by name; what it raises is told to the model.
        arguments: name → type and description, as the model sees them.
    """
    import inspect

    from pydantic import ConfigDict, create_model

    from patchbay.nodes.tools.any_arguments import AnyArguments

    fields: dict[str, Any] = {
        name: (hint, Field(description=doc)) for name, (hint, doc) in arguments.items()
    }
    given: dict[str, Any] = {"coroutine" if inspect.iscoroutinefunction(run) else "func": run}
    return AnyArguments.from_function(
        name=tool.name,
        description=tool.description,
        args_schema=create_model(
            f"{tool.name}_arguments", __config__=ConfigDict(extra="forbid"), **fields
        ),
        **given,
    )


def shortened(text: str, limit: int = MAX_RESULT) -> str:
    """A text of at most about `limit` characters, which says where it was cut."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n… (cut: {len(text):,} characters in all)"
