"""A deep agent: LangChain's agent with the planning, files and sub-agents of `deepagents`.

The parts of the library are put together here, and not by its `create_deep_agent`, so that every
turn goes through a worker: counted, within budgets, kept in the journal, shown as a step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deepagents.middleware.filesystem import FilesystemMiddleware
from deepagents.middleware.patch_tool_calls import PatchToolCallsMiddleware
from deepagents.middleware.subagents import CompiledSubAgent, SubAgentMiddleware
from langchain.agents import create_agent
from langchain.agents.middleware import TodoListMiddleware
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableLambda

from patchbay.nodes.agents.deep_calls import OwnCalls
from patchbay.nodes.agents.deep_files import FILE_TOOLS, FileSpace, SharedBackend
from patchbay.nodes.agents.heard import OnPiece
from patchbay.nodes.agents.interrupts import InterruptOn
from patchbay.nodes.agents.react_loop import Turns, guarded
from patchbay.nodes.agents.worker import BudgetSpent, Worker

TASK = "Gives a task to a sub-agent, with all it must know. There are:\n{available_agents}"
PLAN = "Keeps the list of what is to be done, with what is done."


@dataclass
class SubAgent:
    """Somebody that a deep agent gives tasks to. `do` does one and gives its result."""

    name: str
    description: str
    do: Callable[[str], Awaitable[str]]


@dataclass
class Workplace:
    """What an agent works with: its files, the policies of its own tools, whether it plans."""

    space: FileSpace
    policies: Mapping[str, InterruptOn] = field(default_factory=dict)
    planning: bool = False


async def work(
    worker: Worker,
    messages: Sequence[BaseMessage],
    place: Workplace,
    *,
    system: str,
    others: Sequence[SubAgent] = (),
    on_piece: OnPiece | None = None,
) -> tuple[str, bool]:
    """The answer, and whether it had to be asked for at the limit of turns.

    Raises:
        BudgetSpent: a budget ended the work; `worker.last` holds what was said last.
        NodeError: the model failed.
    """
    subagents = [_compiled(other) for other in others]
    agent = _built(worker, worker.who, system, place, subagents, on_piece)
    state = await agent.ainvoke({"messages": list(messages)}, _limit(worker))
    return str(state["messages"][-1].text).strip(), worker.forced


async def done_by(worker: Worker, name: str, system: str, place: Workplace, task: str) -> str:
    """What a sub-agent made of a task; at the end of its own budget, its last words.

    Raises:
        BudgetSpent: the budget of all agents together ended the work.
        NodeError: the model failed.
    """
    worker.begin()
    agent = _built(worker, name, system, place)
    with worker.ctx.lane(name):
        try:
            state = await agent.ainvoke({"messages": [("user", task)]}, _limit(worker))
        except BudgetSpent as spent:
            if spent.whole:
                raise
            return worker.last or f"{name} stopped: {spent.what} are spent."
    return str(state["messages"][-1].text).strip()


def _limit(worker: Worker) -> Any:
    return {"recursion_limit": 6 * worker.iterations + 20}


def _built(
    worker: Worker,
    name: str,
    system: str,
    place: Workplace,
    subagents: Sequence[CompiledSubAgent] = (),
    on_piece: OnPiece | None = None,
) -> Any:
    backend = SharedBackend(place.space)
    middleware: list[Any] = [OwnCalls(worker, name, place.space, place.policies)]
    if place.planning:
        middleware.append(TodoListMiddleware(system_prompt="", tool_description=PLAN))
    middleware.append(
        FilesystemMiddleware(
            backend=backend,
            system_prompt="",
            custom_tool_descriptions=FILE_TOOLS,
            tools=list(FILE_TOOLS),  # type: ignore[arg-type]
        )
    )
    if subagents:
        middleware.append(
            SubAgentMiddleware(backend=backend, subagents=subagents, task_description=TASK)
        )
    known = {("task", "subagent_type"): [one["name"] for one in subagents]}
    middleware += [PatchToolCallsMiddleware(), Turns(worker, on_piece, known)]
    return create_agent(
        worker.caller,
        tools=[guarded(worker, tool) for tool in worker.tools.values()],
        system_prompt=system or None,
        middleware=middleware,
        name=name,
    )


def _compiled(other: SubAgent) -> CompiledSubAgent:
    turn = asyncio.Lock()  # who is given a task does one thing at a time

    async def run(state: dict[str, Any]) -> dict[str, Any]:
        task = str(state["messages"][-1].text)
        async with turn:
            return {"messages": [AIMessage(await other.do(task))]}

    runnable = RunnableLambda(run)
    return CompiledSubAgent(name=other.name, description=other.description, runnable=runnable)
