"""One chat model for every agent: it calls tools, whether the model under it can or not.

A model that knows tool calls is used as it is. Any other gets the tools described in its prompt and
chooses by one JSON object (`nodes/agents/choice.py`), constrained by its schema where the backend
can; the choice then looks like a tool call of a model that knows them. LangChain's agent and CrewAI
both run over this.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
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

from patchbay.nodes.agents.choice import Function, instructions, read, schema, written
from patchbay.nodes.values import ModelSpec

OnPiece = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Turn:
    """What a turn may use: tools, the schema that an answer must follow, how many tokens.

    `must_call` leaves no choice but to call a tool; `on_piece` hears an answer as it is written.
    """

    functions: tuple[Function, ...] = ()
    answer: dict[str, Any] | None = None
    stop: tuple[str, ...] = ()
    room: int | None = None
    must_call: bool = False
    on_piece: OnPiece | None = None


def calls_tools(model: BaseChatModel) -> bool:
    """Whether a model brings tool calls of its own."""
    return type(model).bind_tools is not BaseChatModel.bind_tools


class ToolCaller(BaseChatModel):
    """A chat model that calls tools, over one that may not (`native` says whether it does)."""

    inner: Any
    spec: ModelSpec
    native: bool
    functions: tuple[Function, ...] = ()

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
        message = await self.answer(messages, Turn(self.functions, stop=tuple(stop or ())))
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def answer(self, messages: Sequence[BaseMessage], turn: Turn) -> AIMessage:
        """An answer, or calls of tools."""
        if self.native:
            return await self._native(messages, turn)
        if not turn.functions:
            return await self._ask(_due(messages), turn)
        return await self._choose(messages, turn)

    async def _native(self, messages: Sequence[BaseMessage], turn: Turn) -> AIMessage:
        if not turn.functions:
            return await self._ask(messages, turn)
        tools = [{"type": "function", "function": asdict(f)} for f in turn.functions]
        options = self.spec.call_options(stop=turn.stop, max_tokens=turn.room)
        message: AIMessage = await self._bound(tools, turn).ainvoke(list(messages), **options)
        if turn.answer is None or message.tool_calls or follows(str(message.text), turn.answer):
            return message
        asked = [*messages, message, HumanMessage("Write this answer as JSON.")]
        again = await self._ask(asked, replace(turn, on_piece=None))
        return AIMessage(again.text, usage_metadata=_both(message, again))

    def _bound(self, tools: list[dict[str, Any]], turn: Turn) -> Any:
        choice = {"tool_choice": "any"} if turn.must_call else {}
        return self.inner.bind_tools(tools, **choice)

    async def _choose(self, messages: Sequence[BaseMessage], turn: Turn) -> AIMessage:
        asked = _plain(_told(messages, turn.functions))
        wanted = schema(turn.functions, turn.answer, must_call=turn.must_call)
        choosing = replace(turn, answer=wanted, on_piece=None, must_call=False)
        message = await self._ask(asked, choosing)
        choice = read(str(message.text), turn.functions)
        made = [call for m in messages if isinstance(m, AIMessage) for call in m.tool_calls]
        if any(c["name"] == choice.tool and c["args"] == choice.arguments for c in made):
            # It asks for what it has just been told, and would do so for ever: its answer is due.
            again = await self._ask(_due(messages), turn)
            return AIMessage(again.text, usage_metadata=_both(message, again))
        if not choice.tool:
            text = choice.answer if isinstance(choice.answer, str) else json.dumps(choice.answer)
            return AIMessage(text, usage_metadata=message.usage_metadata)
        call = {
            "name": choice.tool,
            "args": dict(choice.arguments or {}),
            "id": f"call_{len(made) + 1}",
            "type": "tool_call",
        }
        return AIMessage(choice.thought, tool_calls=[call], usage_metadata=message.usage_metadata)

    async def _ask(self, messages: Sequence[BaseMessage], turn: Turn) -> AIMessage:
        options = self.spec.call_options(
            stop=turn.stop, json_schema=turn.answer, max_tokens=turn.room
        )
        if turn.on_piece is not None:
            return await _streamed(self.inner, list(messages), options, turn.on_piece)
        message: AIMessage = await self.inner.ainvoke(list(messages), **options)
        return message


def _both(first: AIMessage, second: AIMessage) -> UsageMetadata:
    return add_usage(first.usage_metadata, second.usage_metadata)


def follows(text: str, wanted: Mapping[str, Any]) -> bool:
    """Whether a text is JSON that follows a schema."""
    import jsonschema  # type: ignore[import-untyped]

    try:
        jsonschema.validate(json.loads(text), dict(wanted))
    except (ValueError, jsonschema.ValidationError, jsonschema.SchemaError):
        return False
    return True


async def _streamed(
    model: BaseChatModel,
    messages: list[BaseMessage],
    options: dict[str, Any],
    on_piece: OnPiece,
) -> AIMessage:
    pieces: list[str] = []
    usage: UsageMetadata | None = None
    reason = ""
    async with contextlib.aclosing(model.astream(messages, **options)) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            if piece := str(chunk.text):
                pieces.append(piece)
                await on_piece(piece)
            if isinstance(chunk, AIMessage):
                usage = add_usage(usage, chunk.usage_metadata)
            reason = chunk.response_metadata.get("finish_reason") or reason
    return AIMessage(
        "".join(pieces), usage_metadata=usage, response_metadata={"finish_reason": reason}
    )


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
