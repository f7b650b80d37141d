"""A crew brought to work: its roles hired, CrewAI started, and what each task gave."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from patchbay.nodes.agents.crew_work import MANAGER, CrewWork
from patchbay.nodes.agents.meter import Meter
from patchbay.nodes.agents.plan import CrewPlan
from patchbay.nodes.agents.staff import hire
from patchbay.nodes.agents.worker import Worker
from patchbay.nodes.contract import Context
from patchbay.nodes.values import ModelSpec

if TYPE_CHECKING:
    from patchbay.nodes.agents.crew_llm import LoopPortal
    from patchbay.nodes.agents.heard import OnPiece


async def hired(
    plan: CrewPlan,
    manager: ModelSpec | None,
    iterations: int,
    whole: Meter,
    ctx: Context,
    stack: AsyncExitStack,
) -> dict[str, Worker]:
    """The roles of a crew at work, by name; the manager is among them where there is one.

    Raises:
        NodeError: a model or a tool cannot be opened.
    """
    workers: dict[str, Worker] = {}
    if manager is not None:
        workers[MANAGER] = await hire(
            ctx, stack, who=MANAGER, model=manager, whole=whole, iterations=iterations
        )
    for agent in plan.agents:
        workers[agent.role] = await hire(
            ctx,
            stack,
            who=agent.role,
            model=agent.model,
            tools=agent.tools,
            limits=agent.limits,
            whole=whole,
            tools_first=agent.tools_first,
            iterations=agent.iterations,
        )
    return workers


async def crew_work(
    plan: CrewPlan,
    workers: dict[str, Worker],
    ctx: Context,
    manager_iterations: int,
    on_piece: OnPiece | None = None,
) -> CrewWork:
    """What CrewAI then runs. Imports it, which takes seconds the first time."""
    from patchbay.nodes.agents.crewai_setup import prepare

    if "crewai" in sys.modules:
        prepare()  # a look at the environment; importing it takes seconds
    else:
        await ctx.progress("Starting CrewAI", 0)
        await ctx.blocking(prepare)
        await ctx.progress("Starting CrewAI", 1, 1)

    return CrewWork(
        plan, workers, _line(ctx), manager_iterations=manager_iterations, on_piece=on_piece
    )


def _line(ctx: Context) -> LoopPortal:
    from patchbay.nodes.agents.crew_llm import LoopPortal

    warnings: set[asyncio.Task[None]] = set()

    def warn(message: str) -> None:
        task = asyncio.ensure_future(ctx.warn(message))
        warnings.add(task)
        task.add_done_callback(warnings.discard)

    return LoopPortal(asyncio.get_running_loop(), ctx.cancelled, warn=warn)
