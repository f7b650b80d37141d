"""Numbered passages in a prompt, and the numbers that come back in an answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from patchbay.nodes.contract import JsonValue
from patchbay.nodes.models.lenient_json import json_in
from patchbay.nodes.values import Document, Message

_NUMBERS = re.compile(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
_DIGITS = re.compile(r"\d+")

QUOTE = 200
"""Characters of a passage that its citation repeats."""


def prompt(
    instruction: str, question: str, passages: Sequence[Document], nothing: str
) -> list[Message]:
    """What the model is asked: to answer from numbered passages, and from nothing else."""
    shown = "\n\n".join(
        f"[{number}] ({place(passage)})\n{passage.text}"
        for number, passage in enumerate(passages, start=1)
    )
    system = instruction.replace("{nothing}", nothing)
    return [
        Message(role="system", content=system),
        Message(role="user", content=f"{shown}\n\nQuestion: {question}"),
    ]


def place(passage: Document) -> str:
    """Where a passage stands: `hive.pdf, page 3`."""
    known = passage.metadata
    parts = [str(known.get("source", "no source"))]
    parts += [f"{name} {known[name]}" for name in ("page", "row") if name in known]
    parts += [str(known["heading"])] if "heading" in known else []
    return ", ".join(parts)


def cited(text: str) -> list[int]:
    """The numbers that a text cites, as `[2]` or `[1, 3]`, in order, each once."""
    groups = _NUMBERS.findall(text)
    return list(dict.fromkeys(int(number) for group in groups for number in _DIGITS.findall(group)))


def citations(numbers: Sequence[int], passages: Sequence[Document]) -> list[JsonValue]:
    """What each cited number points to: the chunk, with its place, score and first words."""
    return [_citation(n, passages[n - 1]) for n in numbers if 1 <= n <= len(passages)]


def _citation(number: int, passage: Document) -> JsonValue:
    words = " ".join(passage.text.split())
    return {
        "number": number,
        "place": place(passage),
        "metadata": passage.metadata,
        "score": passage.score,
        "quote": words if len(words) <= QUOTE else words[:QUOTE].rsplit(" ", 1)[0] + " …",
    }


# --- asked afterwards, for models that do not cite by themselves --------------------------------


def which(asked: Sequence[Message], answer: str) -> list[Message]:
    """Ask which passage an answer rests on; goes on from what was asked before."""
    question = 'Which passage holds this answer? Write its number as JSON: {"passage": n}'
    return [
        *asked,
        Message(role="assistant", content=answer),
        Message(role="user", content=question),
    ]


def schema(passages: int) -> dict[str, JsonValue]:
    """The shape of that answer: the number of a passage that there is."""
    numbers: list[JsonValue] = list(range(1, passages + 1))
    return {
        "type": "object",
        "properties": {"passage": {"type": "integer", "enum": numbers}},
        "required": ["passage"],
        "additionalProperties": False,
    }


def from_json(text: str) -> int | None:
    """The number in such an answer; None where it is not of that shape."""
    try:
        found = json_in(text)
    except ValueError:
        return None
    number = found.get("passage") if isinstance(found, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None
