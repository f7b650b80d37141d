"""One chat model for every agent: it calls tools, whether the model under it can or not.

A model that knows tool calls is used as it is. Any other gets the tools described in its prompt and
chooses by one JSON object (`nodes/agents/choice.py`), constrained by its schema where the backend
can; the choice then looks like a tool call of a model that knows them. LangChain's agent and CrewAI
both run over this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

from patchbay.nodes.agents.calls import (
    CUT_SHORT,
    Trouble,
    as_text_trouble,
    read_calls,
    shown,
    written_call,
)
from patchbay.nodes.agents.choice import Choice, Function, form, instructions, read, schema, written
from patchbay.nodes.agents.heard import Heard, OnPiece, hear
from patchbay.nodes.models.asking import judge
from patchbay.nodes.models.once import answered_once, request_text
from patchbay.nodes.models.telling import CallSaid, answering, name_of, told
from patchbay.nodes.values import ModelSpec


@dataclass(frozen=True)
class Turn:
    """What a turn may use: tools, the schema that an answer must follow, how many tokens.

    `must_call` leaves no choice but to call a tool; `on_piece` hears an answer as it is written.
    `names` are all tools that there are, also where none may be called now: a call of one is no
    answer. With `as_text` calls are texts in CrewAI's format.
    """

    functions: tuple[Function, ...] = ()
    answer: dict[str, Any] | None = None
    stop: tuple[str, ...] = ()
    room: int | None = None
    must_call: bool = False
    on_piece: OnPiece | None = None
    names: tuple[str, ...] = ()
    as_text: bool = False
    lane: str = ""
    """What it belongs to, where a role is asked for several things side by side."""


@dataclass(frozen=True)
class ModelReply:
    """What came of a turn: an answer or calls that can be run; or trouble with a call.

    `cut` is said of an answer; a call that was cut is trouble.
    """

    message: AIMessage
    trouble: Trouble | None = None
    cut: bool = False
    thought: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    answered_by: int | None = None
    """Which model it was, of several that stand in for each other."""


def calls_tools(model: BaseChatModel) -> bool:
    """Whether a model brings tool calls of its own."""
    return type(model).bind_tools is not BaseChatModel.bind_tools


class ToolCaller(BaseChatModel):
    """A chat model that calls tools, over one that may not (`native` says whether it does)."""

    inner: Any
    spec: ModelSpec
    native: bool
    functions: tuple[Function, ...] = ()
    ctx: Any = None
    """The context of the node whose agent it is: in a recorded run what it says is kept."""

    @property
    def _llm_type(self) -> str:
        return "patchbay-agent"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """The same model with these tools."""
        functions = tuple(Function.of(convert_to_openai_tool(tool)) for tool in tools)
        return self.model_copy(update={"functions": functions})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("agents are asked asynchronously")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = await self.answer(messages, Turn(self.functions, stop=tuple(stop or ())))
        if said.trouble is not None:
            raise said.trouble.failure("The model")
        return ChatResult(generations=[ChatGeneration(message=said.message)])

    def who_said(self, said: ModelReply) -> str:
        """The name of the model that said something."""
        return name_of(answering(self.spec, said.answered_by))

    async def answer(self, messages: Sequence[BaseMessage], turn: Turn) -> ModelReply:
        """An answer, calls of tools, or what is wrong with a call."""
        if turn.functions:
            return await (self._native if self.native else self._choose)(messages, turn)
        given = messages if self.native else _due(messages)
        return _spoken(await self._ask(given, turn), turn)

    async def _native(self, messages: Sequence[BaseMessage], turn: Turn) -> ModelReply:
        tools = [{"type": "function", "function": asdict(f)} for f in turn.functions]
        options = self.spec.call_options(stop=turn.stop, max_tokens=turn.room)
        heard = await self._heard(messages, options, turn, tools)
        if heard.calls:
            calls, trouble = read_calls(heard, turn.functions, len(_made(messages)))
            return _said(heard, AIMessage(heard.content, tool_calls=calls), trouble)
        said = _spoken(heard, turn)
        if said.trouble or turn.answer is None or follows(heard.text, turn.answer):
            return said
        asked = [*messages, said.message, HumanMessage("Write this answer as JSON.")]
        return _after(heard, await self._ask(asked, replace(turn, on_piece=None)))

    def _bound(self, tools: list[dict[str, Any]], turn: Turn) -> Any:
        choice = {"tool_choice": "any"} if turn.must_call else {}
        return self.inner.bind_tools(tools, **choice)

    async def _choose(self, messages: Sequence[BaseMessage], turn: Turn) -> ModelReply:
        asked = _plain(_told(messages, turn.functions))
        wanted = schema(turn.functions, turn.answer, must_call=turn.must_call)
        choosing = replace(turn, answer=wanted, on_piece=None, must_call=False)
        heard = await self._ask(asked, choosing)
        choice = read(heard.text, turn.functions)
        if trouble := _chosen_badly(choice, heard, turn):
            return _said(heard, AIMessage(heard.text), trouble)
        made = _made(messages)
        if any(c["name"] == choice.tool and c["args"] == choice.arguments for c in made):
            # It asks for what it has just been told, and would do so for ever: its answer is due.
            return _after(heard, await self._ask(_due(messages), turn))
        if not choice.tool:
            said = choice.answer
            text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
            return _said(heard, AIMessage(text))
        call = {
            "name": choice.tool,
            "args": dict(choice.arguments or {}),
            "id": f"call_{len(made) + 1}",
            "type": "tool_call",
        }
        return _said(heard, AIMessage(choice.thought, tool_calls=[call]))

    async def _ask(self, messages: Sequence[BaseMessage], turn: Turn) -> Heard:
        options = self.spec.call_options(
            stop=turn.stop, json_schema=turn.answer, max_tokens=turn.room
        )
        return await self._heard(messages, options, turn)

    async def _heard(
        self,
        messages: Sequence[BaseMessage],
        options: Mapping[str, Any],
        turn: Turn,
        tools: Sequence[dict[str, Any]] = (),
    ) -> Heard:
        """What the model says: the one place where agents ask it. In a recorded run a step."""
        on_piece = None if tools else turn.on_piece

        async def ask() -> Heard:
            model = self._bound(list(tools), turn) if tools else self.inner
            if self.ctx is None:
                return await hear(model, messages, options, on_piece)
            with told(self.ctx, self.spec, messages, options, tools) as said:
                heard = await hear(model, messages, options, on_piece)
                _say(said, heard)
                return heard

        if self.ctx is None:
            return await ask()
        offered = [*tools, {"must": True}] if tools and turn.must_call else tools
        heard, now = await answered_once(
            self.ctx,
            lambda: request_text(self.spec, messages, options, offered),
            ask,
            Heard.read,
        )
        if not now and on_piece is not None and heard.text:
            await on_piece(heard.text)
        return heard


def _say(said: CallSaid, heard: Heard) -> None:
    """What a request took and gave, for traces."""
    said.used(heard.usage)
    said.answered_by, said.answer = heard.answered_by, heard.text
    said.calls = tuple((call.id, call.name, call.arguments) for call in heard.calls)
    said.end = "length" if heard.cut else "tool_call" if heard.calls else "stop"


# --- what was said ------------------------------------------------------------------------------


def _said(heard: Heard, message: AIMessage, trouble: Trouble | None = None) -> ModelReply:
    message.usage_metadata = heard.usage
    cut = heard.cut and not trouble
    return ModelReply(
        message, trouble, cut, heard.thought, heard.notes, heard.seconds, heard.answered_by
    )


def _after(first: Heard, second: Heard) -> ModelReply:
    """The second of two requests of one turn; what both took counts."""
    message = AIMessage(second.text, usage_metadata=_both(first, second))
    thought = "\n\n".join(filter(None, (first.thought, second.thought)))
    notes, seconds = (*first.notes, *second.notes), first.seconds + second.seconds
    return ModelReply(message, None, second.cut, thought, notes, seconds, second.answered_by)


def _both(first: Heard, second: Heard) -> UsageMetadata:
    return add_usage(first.usage, second.usage)


def _spoken(heard: Heard, turn: Turn) -> ModelReply:
    """A text: an answer, or a call that was written out as one."""
    message = AIMessage(heard.content)
    if turn.answer is not None and follows(heard.text, turn.answer):
        return _said(heard, message)
    if turn.as_text:
        why = as_text_trouble(heard.text, turn.names, cut=heard.cut)
        return _said(heard, message, _as_words(why, heard, _LIKE_CREWAI) if why else None)
    if raw := written_call(heard.text, turn.names):
        why = CUT_SHORT if heard.cut else _WRITTEN
        how = _CALL_IT if turn.functions else _ANSWER_NOW
        return _said(heard, message, _as_words(why, replace(heard, text=raw), how))
    return _said(heard, message)


_WRITTEN = "It was written as text, where nobody runs it."
_CALL_IT = "Make a real tool call, or answer in words."
_ANSWER_NOW = "No tool can be called any more: answer in words, with what you know."
_LIKE_CREWAI = 'Write the line "Action Input:" with one JSON object, in double quotes.'


def _as_words(why: str, heard: Heard, how: str) -> Trouble:
    told = HumanMessage(f"Your call cannot be read and was not run. {why} {how}")
    return Trouble(why, shown(heard.text), (AIMessage(heard.text), told))


def _chosen_badly(choice: Choice, heard: Heard, turn: Turn) -> Trouble | None:
    """What is wrong with a choice that is a call, or looks like one."""
    first = turn.functions[0]
    how = f'Write {{"tool": "{first.name}", "input": {form(first)}}} and nothing else.'
    begun = heard.text.lstrip().startswith("{") and '"answer"' not in heard.text
    if heard.cut and (choice.tool or choice.wrong or begun):
        return _as_words(CUT_SHORT, heard, how)
    if choice.wrong:
        return _as_words(choice.wrong, heard, how)
    answer = choice.answer if isinstance(choice.answer, str) else ""
    if not choice.tool and written_call(answer, turn.names):
        return _as_words(_WRITTEN, heard, how)
    return None


def _made(messages: Sequence[BaseMessage]) -> list[Any]:
    """The calls that were made so far."""
    return [call for m in messages if isinstance(m, AIMessage) for call in m.tool_calls]


def follows(text: str, wanted: Mapping[str, Any]) -> bool:
    """Whether a text is JSON that follows a schema."""
    return not judge(text, wanted)[1]


# --- the talk -----------------------------------------------------------------------------------


def _told(messages: Sequence[BaseMessage], functions: Sequence[Function]) -> list[BaseMessage]:
    """With the tools described in the system message."""
    about = instructions(functions)
    first, *rest = messages
    if isinstance(first, SystemMessage):
        return [SystemMessage(f"{first.text}\n\n{about}"), *rest]
    return [SystemMessage(about), *messages]


def _plain(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Calls and results as texts that any model reads."""
    plain: list[BaseMessage] = []
    for message in messages:
        if isinstance(message, AIMessage) and message.tool_calls:
            plain += [AIMessage(written(call["name"], call["args"])) for call in message.tool_calls]
        elif isinstance(message, ToolMessage):
            plain.append(HumanMessage(_gives(message)))
        else:
            plain.append(message)
    return plain


def _due(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """With an answer due: what the tools gave stands under the question, and no call is left that
    a small model could imitate."""
    given = [_gives(message) for message in messages if isinstance(message, ToolMessage)]
    if not given:
        return list(messages)
    said = [m for m in messages if not isinstance(m, ToolMessage) and not _calls(m)]
    place = max((n for n, m in enumerate(said) if isinstance(m, HumanMessage)), default=None)
    question = "" if place is None else str(said[place].text)
    whole = HumanMessage("\n\n".join([*filter(None, [question]), *given, "So the answer is:"]))
    return [*said, whole] if place is None else [*said[:place], whole, *said[place + 1 :]]


def _calls(message: BaseMessage) -> bool:
    return isinstance(message, AIMessage) and bool(message.tool_calls)


def _gives(result: ToolMessage) -> str:
    return f"The {result.name or 'tool'} gives: {result.text}"
