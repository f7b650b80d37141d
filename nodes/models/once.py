"""The bridge between models and the journal: every answer of a model is a step of a recorded run.

The whole answer is kept, with what it took. When the node runs again, it is given and streamed at
once, and the model is not even opened. What identifies a request is all that the model sees.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from patchbay.nodes.contract import Context
from patchbay.nodes.data import content_hash, encode
from patchbay.nodes.specs import ModelSpec

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

A = TypeVar("A")


async def answered_once(
    ctx: Context,
    request: Callable[[], str],
    ask: Callable[[], Awaitable[A]],
    read: Callable[[Mapping[str, Any]], A],
) -> tuple[A, bool]:
    """An answer, and whether it was given just now and not in an earlier try of the run.

    Args:
        ctx: the node's context.
        request: what is asked, as text; called only where the run is recorded.
        ask: asks the model; the answer is a dataclass of plain values.
        read: makes the answer of its fields.
    """
    if not ctx.recorded:
        return await ask(), True
    now: list[A] = []

    async def asked(_request: str) -> dict[str, Any]:
        now.append(await ask())
        return asdict(now[0])  # type: ignore[call-overload, no-any-return]

    fields = await ctx.once("ask the model", asked, request(), remade=True)
    return read(fields), bool(now)


def request_text(
    model: ModelSpec,
    messages: Sequence[BaseMessage],
    options: Mapping[str, Any],
    tools: Sequence[Any] = (),
) -> str:
    """What a request says to a model, the same whenever it is made.

    The ids that LangChain gives messages are new each time, so that they do not belong to it.
    """
    asked = {
        "model": encode(model),
        "messages": [_said(message) for message in messages],
        "options": {name: _number(value) for name, value in options.items()},
        "tools": list(tools),
    }
    return json.dumps(asked, sort_keys=True, ensure_ascii=False, default=str)


def _number(value: Any) -> Any:
    """An option by what it means: a description that was recorded gives 0.0 where it said 0."""
    whole = isinstance(value, float) and value.is_integer()
    return int(value) if whole else value


def _content(said: Any) -> Any:
    """What a message says, with the hash of a picture in place of its megabytes."""
    if isinstance(said, str):
        return said
    return [
        {"image_url": content_hash(part["image_url"])}
        if isinstance(part, dict) and "image_url" in part
        else part
        for part in said
    ]


def _said(message: BaseMessage) -> list[Any]:
    said: list[Any] = [message.type, _content(message.content)]
    if calls := getattr(message, "tool_calls", None):
        said.append([[call["name"], call["args"], call["id"]] for call in calls])
    if answers := getattr(message, "tool_call_id", None):
        said += [answers, message.name]
    return said
