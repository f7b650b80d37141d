"""Agents brought to work: their models and tools opened, each with a meter."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

from patchbay.nodes.agents.decisions import Decisions
from patchbay.nodes.agents.meter import Limits, Meter
from patchbay.nodes.agents.toolbox import name_of, open_tools, replays, time_limits
from patchbay.nodes.agents.worker import DEFAULT_TURNS, Worker
from patchbay.nodes.contract import Context
from patchbay.nodes.tools.ask_first import AskFirstTool
from patchbay.nodes.values import ModelSpec, ToolSpec


async def hire(
    ctx: Context,
    stack: AsyncExitStack,
    *,
    who: str,
    model: ModelSpec,
    tools: Sequence[ToolSpec] = (),
    limits: Limits | None = None,
    whole: Meter | None = None,
    tools_first: bool = False,
    iterations: int = DEFAULT_TURNS,
) -> Worker:
    """A worker with everything open, for as long as the stack is.

    No slot of the model is held in between: whoever asks it queues with its backend.

    Args:
        whole: counts for all workers of a crew together; by default for this one alone.
        tools_first: whether it has to call a tool before it may answer.
        iterations: turns with the model for one thing to do.

    Raises:
        NodeError: the model or a tool cannot be opened.
    """
    from patchbay.nodes.agents.tool_calling import ToolCaller, calls_tools

    opened = await stack.enter_async_context(ctx.use(model, slot=False))
    # A model made of others may come to one that does not call tools: all can be held to a schema.
    made_of_others = any(isinstance(part, ModelSpec) for part in model.parts())
    native = calls_tools(opened) and model.own_tools and not made_of_others
    caller = ToolCaller(inner=opened, spec=model, native=native, ctx=ctx)
    meter = Meter(who, limits or Limits())
    policies: dict[str, AskFirstTool] = {}
    bound = await open_tools(tools, ctx, stack, policies)
    return Worker(
        ctx=ctx,
        caller=caller,
        tools=bound,
        meter=meter,
        whole=whole or Meter(who),
        seconds=time_limits(tools),
        decisions=Decisions(ctx, who, policies) if policies else None,
        stale=frozenset(name_of(tool) for tool in tools if not replays(tool)),
        tools_first=tools_first,
        iterations=iterations,
    )
