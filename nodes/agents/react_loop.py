"""LangChain's agent over a worker: reason, act, observe, until there is an answer.

S. Yao et al., "ReAct: Synergizing Reasoning and Acting in Language Models", ICLR 2023,
https://arxiv.org/abs/2210.03629.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from patchbay.nodes.agents.choice import Function
from patchbay.nodes.agents.heard import OnPiece
from patchbay.nodes.agents.tool_calling import Turn
from patchbay.nodes.agents.worker import Worker, told
from patchbay.nodes.tools.any_arguments import AnyArguments


class Turns(AgentMiddleware[Any, Any, Any]):
    """Has each turn made by the worker; the last one that is allowed gets no tools.

    Args:
        worker: makes them.
        on_piece: hears an answer as it is written.
        known: the texts that an argument may have, by tool and argument.
    """

    def __init__(
        self,
        worker: Worker,
        on_piece: OnPiece | None,
        known: Mapping[tuple[str, str], Sequence[str]] | None = None,
    ) -> None:
        super().__init__()
        self._worker, self._on_piece, self._known = worker, on_piece, known or {}

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> AIMessage:
        """One turn of the worker, in place of LangChain's own call of the model."""
        self._worker.forced = bool(request.tools) and self._worker.turns_left <= 1
        tools = [] if self._worker.forced else request.tools
        functions = tuple(map(self._function, tools))
        system = [] if request.system_message is None else [request.system_message]
        on_piece = None if request.tools else self._on_piece
        turn = Turn(functions, on_piece=on_piece)
        return await self._worker.turn([*system, *request.messages], turn)

    def _function(self, tool: BaseTool | dict[str, Any]) -> Function:
        """A tool as the model sees it: of the arguments that have known texts, with these."""
        function = Function.of(convert_to_openai_tool(tool))
        there = function.parameters.get("properties", {})
        known = {
            argument: {**there[argument], "enum": list(texts)}
            for (name, argument), texts in self._known.items()
            if name == function.name and argument in there
        }
        if not known:
            return function
        parameters = {**function.parameters, "properties": {**there, **known}}
        return replace(function, parameters=parameters)


async def react(
    worker: Worker,
    messages: Sequence[BaseMessage],
    *,
    system: str,
    on_piece: OnPiece | None = None,
) -> tuple[str, bool]:
    """The answer, and whether it had to be asked for at the limit of turns.

    Raises:
        BudgetSpent: a budget ended the work; `worker.last` holds what was said last.
        NodeError: the model failed.
    """
    turns = Turns(worker, on_piece)
    agent = create_agent(
        worker.caller,
        tools=[guarded(worker, tool) for tool in worker.tools.values()],
        system_prompt=system or None,
        middleware=[turns],
    )
    # Two steps of the graph a turn; the turns are counted by the middleware.
    config = {"recursion_limit": 4 * worker.iterations + 10}
    state = await agent.ainvoke({"messages": list(messages)}, config)
    return str(state["messages"][-1].text).strip(), worker.forced


def guarded(worker: Worker, tool: BaseTool) -> BaseTool:
    """A tool that is called through the worker: counted, timed, and never raising."""

    async def use(**arguments: Any) -> str:
        return await worker.use(tool.name, arguments)

    return AnyArguments(
        name=tool.name,
        description=tool.description,
        args_schema=tool.args_schema,
        coroutine=use,
        handle_validation_error=told,
    )
