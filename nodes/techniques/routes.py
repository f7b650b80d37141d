"""A model chooses one of several named ways."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from pydantic import JsonValue

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Context, NodeError
from patchbay.nodes.models.asking import ask, one_line
from patchbay.nodes.models.lenient_json import json_in
from patchbay.nodes.values import Message, ModelSpec

CHOOSING = CallOptions(temperature=0, max_tokens=100)
"""How the model is asked: the likeliest answer, and a short one."""
TRIES = 2


class _Said(Protocol):
    @property
    def instructions(self) -> str: ...


async def choose(
    ctx: Context, model: ModelSpec, text: str, ways: Mapping[str, str], said: _Said
) -> str:
    """The name of one of `ways` (name → when to go it) that a model chooses for a text.

    A model that can be held to a JSON schema is; of what others write the one name counts that
    stands in it.

    Raises:
        NodeError: the model failed, or named none of them, twice.
    """
    messages = [
        Message(role="system", content=_instruction(ways, said.instructions)),
        Message(role="user", content=text),
    ]
    call = replace(CHOOSING, json_schema=_schema(ways))
    for _ in range(TRIES):
        answer = await ask(ctx, model, messages, call, port=None)
        if (way := read(answer.whole_words, list(ways))) is not None:
            return way
        again = f"Answer with one of these names and nothing else: {', '.join(ways)}."
        messages = [
            *messages,
            Message(role="assistant", content=answer.text or "?"),
            Message(role="user", content=again),
        ]
    raise NodeError(
        f"The model named none of the ways {', '.join(ways)}. It wrote: "
        f"{one_line(answer.text, 200)!r}",
        fix="Say more about each case, raise max tokens, or take a larger model.",
        port="model",
        code="switch/no-choice",
    )


def read(text: str, ways: list[str]) -> str | None:
    """The way that an answer names; None where it names none, or several."""
    try:
        value = json_in(text)
    except ValueError:
        value = text
    if isinstance(value, dict):
        value = value.get("route")
    if not isinstance(value, str):
        return None
    word = value.strip().strip("\"'`.*").casefold()
    if exact := [way for way in ways if way.casefold() == word]:
        return exact[0]
    found = [
        way
        for way in ways
        if re.search(rf"(?<![\w]){re.escape(way)}(?![\w])", value, re.IGNORECASE)
    ]
    return found[0] if len(found) == 1 else None


def _schema(ways: Mapping[str, str]) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "properties": {"route": {"type": "string", "enum": [*ways]}},
        "required": ["route"],
        "additionalProperties": False,
    }


def _instruction(ways: Mapping[str, str], more: str) -> str:
    lines = [f"- {name}: {about}" if about else f"- {name}" for name, about in ways.items()]
    form = json.dumps({"route": next(iter(ways))})
    return "\n".join(
        [
            "Choose the route that fits what the user says. The routes are:",
            *lines,
            *([more.strip()] if more.strip() else []),
            f"Answer with the name of one route, as JSON such as {form}.",
        ]
    )
