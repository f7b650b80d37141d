"""A deep agent: LangChain's agent with the planning, files and sub-agents of `deepagents`.

The parts of the library are put together here, and not by its `create_deep_agent`, so that every
turn goes through a worker: counted, within budgets, kept in the journal, shown as a step.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deepagents.middleware.filesystem import FilesystemMiddleware
from deepagents.middleware.patch_tool_calls import PatchToolCallsMiddleware
from deepagents.middleware.subagents import CompiledSubAgent, SubAgentMiddleware
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, TodoListMiddleware
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool

from patchbay.nodes.agents.deep_files import WRITER, FileSpace, SharedBackend
from patchbay.nodes.agents.heard import OnPiece
from patchbay.nodes.agents.react_loop import Turns, guarded
from patchbay.nodes.agents.worker import BudgetSpent, Worker
from patchbay.nodes.tools.tool import shortened

FILE_TOOLS = {
    "ls": "Lists the files of a folder, such as /.",
    "read_file": "Reads a file by its path, such as /notes.md.",
    "write_file": "Writes a whole file; one that is there is overwritten.",
    "edit_file": "Replaces a text in a file by another.",
    "glob": "Finds files by a pattern such as *.md.",
    "grep": "Finds the files that hold a text.",
    "delete": "Deletes a file.",
}
TASK = "Gives a task to a sub-agent, with all it must know. There are:\n{available_agents}"
PLAN = "Keeps the list of what is to be done, with what is done."


@dataclass
class SubAgent:
    """Somebody that a deep agent gives tasks to: a worker, or a tool that answers by itself."""

    name: str
    description: str
    system: str = ""
    worker: Worker | None = None
    tool: BaseTool | None = None


class ShownCalls(AgentMiddleware[Any, Any, Any]):
    """Shows and counts the calls of the library's own tools, as those of ours are."""

    def __init__(self, worker: Worker, name: str) -> None:
        super().__init__()
        self._worker, self._name = worker, name

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """One call of a tool, by the one whose worker this is."""
        before = WRITER.set(self._name)
        name = request.tool_call["name"]
        try:
            if name in self._worker.tools:
                return await handler(request)  # the worker counts and shows it itself
            for meter in (self._worker.meter, self._worker.whole):
                meter.tool_calls += 1
            started = time.monotonic()
            result = await handler(request)
            text = shortened(_text_of(result))
            took = time.monotonic() - started
            self._worker.ctx.step("tool result", text, who=self._name, tool=name, seconds=took)
            return result
        finally:
            WRITER.reset(before)


async def work(
    worker: Worker,
    messages: Sequence[BaseMessage],
    *,
    system: str,
    space: FileSpace,
    planning: bool,
    others: Sequence[SubAgent] = (),
    on_piece: OnPiece | None = None,
) -> tuple[str, bool]:
    """The answer, and whether it had to be asked for at the limit of turns.

    Raises:
        BudgetSpent: a budget ended the work; `worker.last` holds what was said last.
        NodeError: the model failed.
    """
    subagents = [_compiled(other, space) for other in others]
    agent = _built(worker, worker.who, system, space, planning, subagents, on_piece)
    config = {"recursion_limit": 6 * worker.iterations + 20}
    state = await agent.ainvoke({"messages": list(messages)}, config)
    return str(state["messages"][-1].text).strip(), worker.forced


def _built(
    worker: Worker,
    name: str,
    system: str,
    space: FileSpace,
    planning: bool,
    subagents: Sequence[CompiledSubAgent] = (),
    on_piece: OnPiece | None = None,
) -> Any:
    backend = SharedBackend(space)
    middleware: list[Any] = [ShownCalls(worker, name)]
    if planning:
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
    middleware += [PatchToolCallsMiddleware(), Turns(worker, on_piece)]
    return create_agent(
        worker.caller,
        tools=[guarded(worker, tool) for tool in worker.tools.values()],
        system_prompt=system or None,
        middleware=middleware,
        name=name,
    )


def _compiled(other: SubAgent, space: FileSpace) -> CompiledSubAgent:
    turn = asyncio.Lock()  # a worker does one thing at a time

    async def run(state: dict[str, Any]) -> dict[str, Any]:
        task = str(state["messages"][-1].text)
        async with turn:
            return {"messages": [AIMessage(await _done(other, task, space))]}

    runnable = RunnableLambda(run)
    return CompiledSubAgent(name=other.name, description=other.description, runnable=runnable)


async def _done(other: SubAgent, task: str, space: FileSpace) -> str:
    if other.tool is not None:
        return str(await other.tool.ainvoke({_first(other.tool): task}))
    worker = other.worker
    assert worker is not None  # noqa: S101 - one of the two is there
    worker.begin()
    agent = _built(worker, other.name, other.system, space, planning=False)
    config = {"recursion_limit": 6 * worker.iterations + 20}
    with worker.ctx.lane(other.name):
        try:
            state = await agent.ainvoke({"messages": [("user", task)]}, config)
        except BudgetSpent as spent:
            if spent.whole:
                raise
            return worker.last or f"{other.name} stopped: {spent.what} are spent."
    return str(state["messages"][-1].text).strip()


def _first(tool: BaseTool) -> str:
    schema = tool.get_input_jsonschema()
    needed = schema.get("required") or list(schema.get("properties", {}))
    return str(needed[0])


def _text_of(result: Any) -> str:
    if hasattr(result, "text"):
        return str(result.text)
    update = getattr(result, "update", None) or {}
    messages = update.get("messages") or []
    return str(messages[-1].text) if messages else json.dumps(str(result))
