"""What a chat model is asked around a search: other words, and marks for texts. Pure."""

from __future__ import annotations

import re

from patchbay.nodes.contract import JsonValue
from patchbay.nodes.models.lenient_json import json_in
from patchbay.nodes.text.lines import lines_of
from patchbay.nodes.values import Message

MOST_MARKS = 10
"""The best mark that a text can get."""

MARK_SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"mark": {"type": "integer", "minimum": 0, "maximum": MOST_MARKS}},
    "required": ["mark"],
    "additionalProperties": False,
}

HYDE_TOKENS, REWRITE_TOKENS, MARK_TOKENS = 120, 60, 20
"""Where the answers are cut."""


def rewrite(query: str) -> list[Message]:
    """Ask for a better query (Ma et al. 2023, "Query Rewriting for RAG", arXiv:2305.14283)."""
    return [
        Message(
            role="system",
            content="You turn questions into search queries. Write only the query: the words that "
            "a text with the answer would use, on one line.",
        ),
        Message(role="user", content=query),
    ]


def hyde(query: str) -> list[Message]:
    """Ask for a text that could hold the answer (Gao et al. 2022, HyDE, arXiv:2212.10496)."""
    return [
        Message(
            role="user",
            content=f"Write a short passage that answers the question.\n\nQuestion: {query}\n\n"
            "Passage:",
        )
    ]


def mark(query: str, text: str) -> list[Message]:
    """Ask how well a text fits (Zhuang et al. 2023, "Beyond Yes and No", arXiv:2310.14122)."""
    return [
        Message(
            role="system",
            content="You judge how well a text answers a question, with a mark from 0 (not at "
            f'all) to {MOST_MARKS} (completely). Answer as JSON: {{"mark": 7}}',
        ),
        Message(role="user", content=f"Question: {query}\n\nText: {text}"),
    ]


def read_mark(answer: str) -> float | None:
    """The mark in an answer, between 0 and 1; None where there is none."""
    try:
        value = json_in(answer)
    except ValueError:
        value = None
    found: JsonValue = value.get("mark") if isinstance(value, dict) else None
    if found is None:
        number = re.search(r"\d+(?:\.\d+)?", answer)
        found = float(number.group()) if number else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return min(max(float(found) / MOST_MARKS, 0.0), 1.0)


def first_line(answer: str) -> str:
    """The first line of an answer that says something, without quotation marks around it."""
    lines = (line.strip().strip("\"'").strip() for line in lines_of(answer))
    return next((line for line in lines if line), "")
