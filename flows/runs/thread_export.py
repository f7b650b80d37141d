"""A thread as text for people, and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from patchbay.flows.runs.threads import Thread, ThreadTurn
from patchbay.nodes.units import timestamp

LOST = "(this turn is damaged and cannot be read)"


def as_markdown(thread: Thread, turns: Sequence[ThreadTurn]) -> str:
    """A thread as Markdown: who said what, in order."""
    since = timestamp(thread.created_at)
    head = f"# {thread.title or thread.id}\n\nWith {thread.flow}, begun {since}.\n"
    parts = [head]
    for turn in turns:
        said = LOST if turn.damaged else f"**You:** {turn.asked}\n\n**Answer:** {turn.answer}"
        parts.append(f"## {turn.number}\n\n{said}\n")
    return "\n".join(parts)


def as_data(thread: Thread, turns: Sequence[ThreadTurn]) -> dict[str, Any]:
    """A thread as plain JSON, turns with the ids of their runs."""
    return {
        "id": thread.id,
        "title": thread.title,
        "flow": thread.flow,
        "person": thread.person,
        "created_at": thread.created_at,
        "updated_at": thread.updated_at,
        "branch_of": thread.branch_of,
        "turns": [_turn(turn) for turn in turns],
    }


def _turn(turn: ThreadTurn) -> dict[str, Any]:
    said: dict[str, Any] = {"damaged": True}
    if not turn.damaged:
        question = [{"role": m.role, "content": m.content} for m in turn.question]
        said = {"question": question, "answer": turn.answer}
    return {"number": turn.number, "run": turn.run, "at": turn.at, **said}
