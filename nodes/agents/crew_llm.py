"""The one bridge between CrewAI and our chat models: CrewAI's `BaseLLM` over a role at work.

CrewAI runs in a thread. What it asks its model is answered on the run's event loop, by the same
asynchronous path as everywhere, and given up within a moment when the run is cancelled.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
import json
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from crewai import BaseLLM
from crewai.tools import BaseTool as CrewTool
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from pydantic import BaseModel, ConfigDict, PrivateAttr, create_model

from patchbay.nodes.agents.choice import Function
from patchbay.nodes.agents.crewai_setup import stop_error
from patchbay.nodes.agents.heard import OnPiece
from patchbay.nodes.agents.tool_calling import Turn
from patchbay.nodes.agents.worker import NO_ANSWER, BudgetSpent, Worker
from patchbay.nodes.errors import Suspended
from patchbay.nodes.models.lenient_json import json_in

T = TypeVar("T")

_TICK_S = 0.05
_SHARE = 0.85
"""The part of a context that CrewAI lets a prompt fill before it sums the talk up."""
_DEFAULT_CONTEXT = 4096


@dataclass
class LoopPortal:
    """From CrewAI's threads to the run's event loop. `failure` is what ended the crew early."""

    loop: asyncio.AbstractEventLoop
    cancelled: threading.Event
    failure: BaseException | None = None
    warn: Callable[[str], None] = lambda message: None
    warned: set[str] = field(default_factory=set)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for it, from another thread.

        Raises whatever it raised, or what ends the crew when the run is being cancelled.
        """
        if self.failure is not None or self.cancelled.is_set():
            work.close()
            raise self.end(self.failure or concurrent.futures.CancelledError())
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        while True:
            try:
                return future.result(_TICK_S)
            except TimeoutError:
                if future.done():
                    raise
                if self.cancelled.is_set():
                    future.cancel()
                    raise self.end(concurrent.futures.CancelledError()) from None

    def end(self, failure: BaseException) -> Exception:
        """End the whole crew: nothing in CrewAI shall interpret what happened."""
        self.failure = self.failure or failure
        return stop_error(str(failure) or type(failure).__name__)

    def say(self, message: str) -> None:
        """Warn the person, once."""
        if message not in self.warned:
            self.warned.add(message)
            self.loop.call_soon_threadsafe(self.warn, message)


class CrewLLM(BaseLLM):
    """A role's model as CrewAI asks it. Make one with `CrewLLM.over`."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="allow")

    _worker: Worker = PrivateAttr()
    _line: LoopPortal = PrivateAttr()
    _as_text: bool = PrivateAttr(default=False)
    _schemas: Mapping[str, dict[str, Any]] = PrivateAttr(default_factory=dict)
    _spoken: Mapping[str, OnPiece] = PrivateAttr(default_factory=dict)
    _task: str = PrivateAttr(default="")

    @classmethod
    def over(
        cls,
        worker: Worker,
        line: LoopPortal,
        *,
        as_text: bool = False,
        schemas: Mapping[str, dict[str, Any]] | None = None,
        spoken: Mapping[str, OnPiece] | None = None,
    ) -> CrewLLM:
        """A model for one role.

        Args:
            as_text: let CrewAI describe tools in its own text format, instead of tool calls.
            schemas: by the name of a task, what its answer must follow.
            spoken: by the name of a task, what hears its answer as it is written.
        """
        made = cls(model=worker.caller.spec.type_id(), provider="patchbay")
        made._worker, made._line, made._as_text = worker, line, as_text
        made._schemas, made._spoken = schemas or {}, spoken or {}
        return made

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> CrewLLM:
        return self  # it holds an open model

    def call(
        self,
        messages: str | list[Any],
        tools: list[dict[str, Any]] | None = None,
        callbacks: list[Any] | None = None,
        available_functions: dict[str, Any] | None = None,
        from_task: Any = None,
        from_agent: Any = None,
        response_model: type[BaseModel] | None = None,
    ) -> Any:
        """A text, a list of tool calls, or what `response_model` makes of the answer."""
        task = self._at(from_task)
        turn = Turn(
            functions=tuple(self._function(tool) for tool in tools or ()),
            answer=self._schema(task, response_model),
            stop=tuple(self.stop_sequences) if self._as_text else (),
            on_piece=self._spoken.get(task) if response_model is None else None,
            as_text=self._as_text,
            lane=task or _about(messages),
        )
        try:
            message = self._line.wait(self._worker.turn(_to_langchain(messages), turn))
        except BudgetSpent as spent:
            return self._spent(spent)
        except Exception as error:
            raise self._line.end(error) from error
        if response_model is not None:
            return response_model.model_validate(json_in(str(message.text)))
        if message.tool_calls:
            return [_openai_call(call) for call in message.tool_calls]
        return self._text(message)

    def _function(self, told: dict[str, Any]) -> Function:
        """A tool as the model sees it: ours as it is, as CrewAI makes every argument required."""
        function = Function.of(told)
        mine = self._worker.tools.get(function.name)
        return function if mine is None else Function.of(_described(mine))

    def _at(self, from_task: Any) -> str:
        """The name of the task that is being worked at. What was said for another is over."""
        name = str(getattr(from_task, "name", None) or "")
        if name and name != self._task:
            self._task = name
            self._worker.begin()
        return name

    def _schema(self, task: str, response_model: type[BaseModel] | None) -> dict[str, Any] | None:
        if response_model is not None:
            return response_model.model_json_schema()
        return None if self._as_text else self._schemas.get(task)

    def _text(self, message: AIMessage) -> str:
        return str(message.text).strip() or NO_ANSWER  # an empty one is a broken provider to it

    def _spent(self, spent: BudgetSpent) -> str:
        """A role's budget ends its task with what it has; the crew's ends the crew."""
        if spent.whole:
            raise self._line.end(spent) from spent
        self._line.say(f"{self._worker.who} stopped early: {spent.what} are spent.")
        last = self._worker.last or NO_ANSWER
        return f"Final Answer: {last}" if self._as_text else last

    def supports_function_calling(self) -> bool:
        """Yes: a model that does not call tools itself is made to by a schema."""
        return not self._as_text

    def supports_stop_words(self) -> bool:
        """Yes; they go to the model with the call."""
        return True

    def get_context_window_size(self) -> int:
        """Tokens that a prompt may have."""
        context = getattr(self._worker.caller.inner, "context", None)
        return int((context if isinstance(context, int) else _DEFAULT_CONTEXT) * _SHARE)

    def get_input_tokens_count(self, messages: Any, tools: Any = None, model: Any = None) -> int:
        """An estimate, in silence: four characters a token."""
        if isinstance(messages, str):
            return len(messages) // 4
        return sum(len(str(message.get("content") or "")) for message in messages) // 4


class BridgedTool(CrewTool):
    """A role's tool as CrewAI calls it."""

    _worker: Worker = PrivateAttr()
    _line: LoopPortal = PrivateAttr()

    @classmethod
    def over(cls, worker: Worker, line: LoopPortal, name: str) -> BridgedTool:
        """One of the worker's tools."""
        tool = worker.tools[name]
        made = cls(name=name, description=tool.description, args_schema=_arguments(tool))
        made._worker, made._line = worker, line
        return made

    def _run(self, **arguments: Any) -> str:
        try:
            return self._line.wait(self._worker.use(self.name, arguments))
        except Suspended as waits:  # nothing of CrewAI shall go on, nor take it for a failure
            raise self._line.end(waits) from None


def _arguments(tool: Any) -> type[BaseModel]:
    parameters = Function.of(_described(tool)).parameters

    def told(shown: dict[str, Any]) -> None:
        shown.update(parameters)

    # No fields: interfaces of others have parameters that Pydantic takes for its own, and the tool
    # checks its arguments itself, and says in its own words what is wrong with them.
    anything = ConfigDict(extra="allow", json_schema_extra=told)
    return create_model(f"{tool.name}_arguments", __config__=anything)


def _described(tool: Any) -> dict[str, Any]:
    from langchain_core.utils.function_calling import convert_to_openai_tool

    return convert_to_openai_tool(tool)


def _about(messages: str | Sequence[Mapping[str, Any]]) -> str:
    """A name for a talk that belongs to no task of the plan: delegated work, several at a time."""
    first = messages if isinstance(messages, str) else [m.get("content") for m in messages[:2]]
    return "aside-" + hashlib.sha256(repr(first).encode("utf-8", "replace")).hexdigest()[:6]


# --- messages ------------------------------------------------------------------------------------


def _to_langchain(messages: str | Sequence[Mapping[str, Any]]) -> list[BaseMessage]:
    if isinstance(messages, str):
        return [HumanMessage(messages)]
    names: dict[str, str] = {}
    return [_one(message, names) for message in messages]


def _one(message: Mapping[str, Any], names: dict[str, str]) -> BaseMessage:
    content = message.get("content") or ""
    match message["role"]:
        case "system":
            return SystemMessage(content)
        case "assistant":
            calls = [_langchain_call(call) for call in message.get("tool_calls") or ()]
            names.update({call["id"]: call["name"] for call in calls})
            return AIMessage(content, tool_calls=calls)
        case "tool":
            call_id = str(message.get("tool_call_id", ""))
            name = message.get("name") or names.get(call_id, "")
            return ToolMessage(content, tool_call_id=call_id, name=name)
        case _:
            return HumanMessage(content)


def _langchain_call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except ValueError:
        arguments = {}
    return {"name": function["name"], "args": arguments, "id": call["id"], "type": "tool_call"}


def _openai_call(call: Mapping[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(call["args"], ensure_ascii=False)
    function = {"name": call["name"], "arguments": arguments}
    return {"id": call["id"], "type": "function", "function": function}
