"""What a model said in one turn, as it came: its text, its thought, and its calls as raw text."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import Runnable

from patchbay.nodes.models.endings import CUT, reason_of
from patchbay.nodes.models.messages import one_system
from patchbay.nodes.models.notes import notes_in
from patchbay.nodes.models.telling import ANSWERED_BY
from patchbay.nodes.models.thinking import parted, thought_of

OnPiece = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RawCall:
    """A call of a tool before anybody made sense of it. `arguments` is the model's own text."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a model said. `content` is the text, or a provider's own list of blocks."""

    text: str
    content: Any = ""
    thought: str = ""
    calls: tuple[RawCall, ...] = ()
    cut: bool = False
    usage: UsageMetadata | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    """How long it took, when it was said."""
    answered_by: int | None = None
    """Which model it was, of several that stand in for each other."""

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Heard:
        """What was heard in an earlier try of the run."""
        calls = tuple(RawCall(**call) for call in fields["calls"])
        return cls(**{**fields, "calls": calls})

    @property
    def thought_tokens(self) -> int:
        """Tokens of the thought, where they are known."""
        details = {} if self.usage is None else self.usage.get("output_token_details", {})
        return int(details.get("reasoning", 0))


async def hear(
    model: Runnable[LanguageModelInput, Any],
    messages: Sequence[BaseMessage],
    options: Mapping[str, Any],
    on_piece: OnPiece | None = None,
) -> Heard:
    """Ask a model, and hear what it says; `on_piece` hears the text as it is written.

    LangChain closes open quotes and braces of a call while chunks are added, so that a cut call
    looks whole; its raw text is what counts here.
    """
    started = time.monotonic()
    chunks: list[Any] = []
    thoughts: list[str] = []
    notes: list[str] = []
    cut = False
    async with contextlib.aclosing(model.astream(one_system(messages), **options)) as stream:  # type: ignore[type-var]
        async for chunk in stream:
            chunks.append(chunk)
            thoughts.append(thought_of(chunk))
            notes += notes_in(chunk)
            cut = cut or reason_of(chunk.response_metadata) == CUT
            if on_piece is not None and (piece := str(chunk.text)):
                await on_piece(piece)
    seconds = time.monotonic() - started
    if not chunks:
        return Heard("", seconds=seconds)
    whole = _sum(chunks)
    late, text = parted(str(whole.text), whole.response_metadata)
    return Heard(
        text=text,
        content=whole.content if isinstance(whole.content, list) else text,
        thought="".join(thoughts) + late,
        calls=raw_calls(whole),
        cut=cut,
        usage=whole.usage_metadata,
        notes=tuple(notes),
        seconds=seconds,
        answered_by=whole.response_metadata.get(ANSWERED_BY),
    )


def _sum(chunks: list[Any]) -> Any:
    first, *rest = chunks
    return first + rest if rest and isinstance(first, AIMessageChunk) else chunks[-1]


def raw_calls(message: AIMessage) -> tuple[RawCall, ...]:
    """The calls in a message, with the text that the model wrote."""
    if isinstance(message, AIMessageChunk) and message.tool_call_chunks:
        return tuple(
            RawCall(part["name"] or "", part["args"] or "", part["id"] or "")
            for part in message.tool_call_chunks
        )
    read = [
        RawCall(call["name"], json.dumps(call["args"], ensure_ascii=False), call["id"] or "")
        for call in message.tool_calls
    ]
    unread = [
        RawCall(call["name"] or "", call["args"] or "", call["id"] or "")
        for call in message.invalid_tool_calls
    ]
    return (*read, *unread)
