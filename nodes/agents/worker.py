"""One role at work: its turns with the model and its calls of tools, counted and within limits.

Both LangChain's agent and CrewAI work through this, so that steps, budgets, time limits and
cancelling are the same in both.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from patchbay.nodes.agents.decisions import plain_argument
from patchbay.nodes.agents.meter import Meter
from patchbay.nodes.contract import Context, NodeError, StepKind
from patchbay.nodes.made_calls import ToolCall
from patchbay.nodes.models.telling import cached_of
from patchbay.nodes.threads import in_thread
from patchbay.nodes.tools.asked import unfit
from patchbay.nodes.tools.tool import shortened
from patchbay.nodes.units import duration

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.tools import BaseTool

    from patchbay.nodes.agents.calls import Trouble
    from patchbay.nodes.agents.decisions import Decisions
    from patchbay.nodes.agents.tool_calling import ModelReply, ToolCaller, Turn

DELEGATION = ("delegate_work_to_coworker", "ask_question_to_coworker")
"""CrewAI's tools that hand work to another role."""

NO_ANSWER = "(no answer)"
DEFAULT_TURNS = 8
_DEFAULT_TOOL_S = 60.0
_CHARACTERS_PER_TOKEN = 4


class BudgetSpent(Exception):  # noqa: N818 - not an error: it ends the work cleanly
    """A budget is used up. `whole` says that it was the whole crew's."""

    def __init__(self, what: str, *, whole: bool) -> None:
        super().__init__(what)
        self.what, self.whole = what, whole

    def nothing(self, who: str, thing: str) -> NodeError:
        """The failure of work that was stopped before there was anything to show.

        Args:
            who: what worked, as in "The agent".
            thing: what it was to give, as in "answer".
        """
        return NodeError(
            f"{who} has nothing to show: {self.what} were spent before any {thing}.",
            fix="Raise the budget.",
            code="agent/budget",
            retry=False,
        )


@dataclass
class Worker:
    """A role with an open model and bound tools. `whole` counts for all roles together."""

    ctx: Context
    caller: ToolCaller
    tools: Mapping[str, BaseTool]
    meter: Meter
    whole: Meter
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long a call of each tool may take."""
    decisions: Decisions | None = None
    """Asks people about calls of tools, where tools say so."""
    stale: frozenset[str] = frozenset()
    """Tools whose results go stale, so that a run that goes on calls them anew."""
    tools_first: bool = False
    """Whether it has to call a tool before it may answer."""
    first_tool: str = ""
    """The tool that it has to call before all others; "" where it chooses."""
    iterations: int = DEFAULT_TURNS
    """Turns with the model for one thing to do."""
    called: bool = False
    """Whether it has called a tool for what it is doing now."""
    last: str = ""
    """The last text that the role wrote: what is left if it is stopped."""
    forced: bool = False
    """Whether its tools were taken away at the limit of turns, so that an answer must come."""
    _begun: int = 0
    _uses: Counter[str] = field(default_factory=Counter)
    _names: set[str] = field(default_factory=set)
    _warned: set[str] = field(default_factory=set)

    @property
    def who(self) -> str:
        """The name of the role."""
        return self.meter.who

    @property
    def turns_left(self) -> int:
        """Turns that it still has for what it is doing now."""
        return self.iterations - (self.meter.turns - self._begun)

    def begin(self) -> None:
        """Something new is to be done: what was said and called for other things is over."""
        self.last, self.called = "", False
        self._begun = self.meter.turns

    def revise(self) -> None:
        """What was done is to be done better: its turns count anew, what was said stays."""
        self.forced = False
        self._begun = self.meter.turns

    async def turn(self, messages: Sequence[BaseMessage], turn: Turn) -> AIMessage:
        """Let the model answer or call tools.

        A call that cannot be read is told to the model, which makes it again as long as there are
        turns; in the last one it gets no tools and must answer. Where it does not, its answer is
        empty, and the person is told.

        Raises:
            BudgetSpent: there was no room for it.
            NodeError: the model failed.
        """
        asked = list(messages)
        self._names.update(self.tools, (function.name for function in turn.functions))
        turn = replace(turn, names=tuple(sorted(self._names)))
        trouble: Trouble | None = None
        while True:
            said = await self._once(asked, turn)
            if said.trouble is None:
                if trouble is not None and self.forced:
                    await self._warn(f"The last call of {self.who} was not run. {trouble.note()}")
                return said.message
            trouble = said.trouble
            if self.turns_left <= 0:
                return await self._gave_up(trouble)
            asked += trouble.told
            if self.turns_left == 1 and turn.functions:
                self.forced = True
                turn = replace(turn, functions=())

    async def _gave_up(self, trouble: Trouble) -> AIMessage:
        from langchain_core.messages import AIMessage

        self.ctx.use_once()
        failure = trouble.failure(self.who)
        await self._warn(f"{failure.message} {failure.fix}")
        return AIMessage("")

    async def _once(self, messages: Sequence[BaseMessage], turn: Turn) -> ModelReply:
        self._check()
        if not (self.meter.may_call_tools() and self.whole.may_call_tools()):
            turn = replace(turn, functions=())
        first = self.tools_first or bool(self.first_tool)
        must_call = bool(turn.functions) and first and not self.called
        turn = replace(turn, room=self._room(), must_call=must_call)
        if must_call and self.first_tool:
            only = tuple(one for one in turn.functions if one.name == self.first_tool)
            turn = replace(turn, functions=only)
        started = time.monotonic()
        try:
            async with asyncio.timeout(_least(m.seconds_left() for m in self._meters())):
                with self._lane(turn.lane):
                    said = await self.caller.answer(messages, turn)
        except TimeoutError:
            self._took(time.monotonic() - started)
            self._check()
            raise
        took = max(time.monotonic() - started, said.seconds)
        self._count(said, messages, took)
        for note in said.notes:
            await self.ctx.warn(note)
        self._say(said, took)
        await self._doubt(said, must_call)
        return said

    async def _doubt(self, said: ModelReply, must_call: bool) -> None:
        """Say what the person should know of an answer."""
        if said.trouble is not None or said.message.tool_calls:
            return
        if must_call:
            await self._warn(
                f"{self.who} was to call a tool first and answered without one: its server, or the "
                "model, does not heed that."
            )
        empty = not str(said.message.text).strip()
        if said.cut:
            self.ctx.use_once()
            what = "its thought" if empty and said.thought else "its answer"
            fix = " and came to none" if empty else ""
            await self._warn(
                f"{self.who} was cut in {what} at the limit of tokens{fix}; raise the model's max "
                "tokens."
            )
        elif empty:
            await self._warn(f"{self.who} gave an empty answer.")

    async def _warn(self, message: str) -> None:
        """Warn the person, once."""
        if message not in self._warned:
            self._warned.add(message)
            await self.ctx.warn(message)

    async def use(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Call a tool. Whatever happens in it is told to the model, never raised."""
        if not (self.meter.may_call_tools() and self.whole.may_call_tools()):
            return "No more calls of tools are allowed. Answer with what you know."
        for meter in self._meters():
            meter.tool_calls += 1
        if self.decisions is None:
            return await self._use(name, arguments)
        call = partial(self._use, name)
        return await self.decisions.decided(self.tools.get(name), arguments, call)

    async def _use(self, name: str, arguments: Mapping[str, Any]) -> str:
        text, took = await self._used(name, arguments)
        self._took(took)
        self.ctx.step("tool result", text, who=self.who, tool=name, seconds=took)
        return text

    async def _used(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, float]:
        """What a call of a tool gives, and the seconds it took: in a recorded run a step.

        It is in a lane of its own, as calls of one turn may end, and begin, in any order.
        """
        started = time.monotonic()
        if not self.ctx.recorded or name not in self.tools:
            return await self._called(name, arguments), time.monotonic() - started

        async def call(_asked: str) -> tuple[str, float]:
            return await self._called(name, arguments), time.monotonic() - started

        asked = json.dumps(dict(arguments), sort_keys=True, default=plain_argument)
        with self.lane_of(name, asked):
            label, replay = f"call {name}", name not in self.stale
            return await self.ctx.once(label, call, asked, replay=replay)  # type: ignore[no-any-return]

    def lane_of(self, tool: str, asked: str) -> AbstractContextManager[None]:
        """The lane of a call: the same whenever the node begins anew, in whatever order they come.

        Args:
            tool: what is called.
            asked: its arguments, as JSON.
        """
        mark = f"{tool}-{hashlib.sha256(asked.encode()).hexdigest()[:6]}"
        self._uses[mark] += 1
        if self._uses[mark] > 1:
            mark = f"{mark}-{self._uses[mark]}"
        return self._lane(mark)

    def _lane(self, name: str) -> AbstractContextManager[None]:
        return self.ctx.lane(f"{self.who}/{name}" if name else self.who)

    async def _called(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Call a tool now, and tell the run of it."""
        began, started, text = time.time(), time.perf_counter(), "Error: it was stopped."
        try:
            text = await self._result(name, arguments)
        finally:
            tool, failed = self.tools.get(name), text if text.startswith("Error: ") else ""
            self.ctx.called(
                ToolCall(
                    name, self.who, began, time.perf_counter() - started, dict(arguments), text,
                    getattr(tool, "description", ""), failed,
                )
            )  # fmt: skip
        return text

    async def _result(self, name: str, arguments: Mapping[str, Any]) -> str:
        tool = self.tools.get(name)
        if tool is None:
            return f"Error: there is no tool {name!r}. There are: {', '.join(self.tools)}."
        limit = self.seconds.get(name, _DEFAULT_TOOL_S)
        left = _least([limit, *(m.seconds_left() for m in self._meters())])
        try:
            async with asyncio.timeout(left) as timer:
                result = await _invoke(tool, dict(arguments))
        except TimeoutError as error:
            if timer.expired():
                return f"Error: {name} did not answer within {duration(left)} and was stopped."
            return told(error)
        except Exception as error:  # a tool may raise anything; the agent decides what to do
            return told(error)
        return shortened(result if isinstance(result, str) else _as_json(result))

    # --- counting --------------------------------------------------------------------------------

    def _meters(self) -> tuple[Meter, Meter]:
        return self.meter, self.whole

    def _check(self) -> None:
        for meter in (self.whole, self.meter):
            if what := meter.spent():
                raise BudgetSpent(what, whole=meter is self.whole)

    def _room(self) -> int | None:
        """The most tokens that the model may write: its own limit, or what the budgets leave."""
        left = _least(m.tokens_left() for m in self._meters())
        own = getattr(self.caller.spec, "max_tokens", None)
        return None if left is None else int(min(left, own or left))

    def _took(self, seconds: float) -> None:
        for meter in self._meters():
            meter.seconds += seconds

    def _count(self, said: ModelReply, asked: Sequence[BaseMessage], seconds: float) -> None:
        message = said.message
        if usage := message.usage_metadata:
            prompt, completion = usage["input_tokens"], usage["output_tokens"]
        else:  # a backend that does not count: a budget must hold all the same
            prompt = sum(len(str(m.text)) for m in asked) // _CHARACTERS_PER_TOKEN
            completion = len(str(message.text)) // _CHARACTERS_PER_TOKEN
        for meter in self._meters():
            meter.turns += 1
            meter.prompt_tokens += prompt
            meter.completion_tokens += completion
        self._took(seconds)
        self.ctx.count_tokens(
            prompt, completion, model=self.caller.who_said(said), cached=cached_of(usage)
        )

    def _say(self, said: ModelReply, seconds: float) -> None:
        message = said.message
        text = str(message.text).strip()
        usage = message.usage_metadata
        took: dict[str, Any] = {
            "seconds": seconds,
            "prompt_tokens": usage["input_tokens"] if usage else 0,
            "completion_tokens": usage["output_tokens"] if usage else 0,
        }
        if said.thought:
            self.ctx.step("thought", said.thought, who=self.who, **took)
            took = {}
        if said.trouble is not None:
            self.ctx.step("note", said.trouble.note(), who=self.who, **took)
            return
        self.last = text or self.last
        if text or not message.tool_calls:
            what: StepKind = "thought" if message.tool_calls else "answer"
            self.ctx.step(what, text, who=self.who, **took)
            took = {}
        self.called = self.called or bool(message.tool_calls)
        for call in message.tool_calls:
            kind: StepKind = "delegation" if call["name"] in DELEGATION else "tool call"
            arguments = json.dumps(call["args"], ensure_ascii=False)
            self.ctx.step(kind, arguments, who=self.who, tool=call["name"], **took)
            took = {}


async def _invoke(tool: BaseTool, arguments: dict[str, Any]) -> Any:
    """Call a tool on this loop, or, if it can only block, in a thread that can be given up."""
    if getattr(tool, "coroutine", None) is not None or _overrides_arun(tool):
        return await tool.ainvoke(arguments)
    return await in_thread(tool.invoke, arguments)


def _overrides_arun(tool: BaseTool) -> bool:
    from langchain_core.tools import BaseTool, StructuredTool, Tool

    from patchbay.nodes.tools.any_arguments import AnyArguments

    plain = (BaseTool, StructuredTool, Tool, AnyArguments)
    return type(tool)._arun not in [one._arun for one in plain]


def told(error: Exception) -> str:
    """A failure in the words that a model reads."""
    if isinstance(error, NodeError):
        return f"Error: {error.message} {error.fix}".rstrip()
    if isinstance(error, ValidationError):
        return f"Error: these arguments do not fit: {unfit(error)}."
    return f"Error: {shortened(str(error) or type(error).__name__, 1000)}"


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


def _least(given: Any) -> Any:
    return min((value for value in given if value is not None), default=None)
