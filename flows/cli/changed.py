"""An edit on the terminal: what a person changed, as a difference, before it goes on."""

from __future__ import annotations

import difflib
import json
from typing import Any

from patchbay.flows.cli.figures import text_of
from patchbay.nodes.questions import DecisionWanted, EditWanted, Question

MOST_LINES = 40
"""Lines of a difference that are shown."""


def changed_lines(question: Question, value: Any) -> list[str]:
    """What an answer changes of what was asked about, line by line; empty where it changes nothing.

    Args:
        question: what was asked.
        value: the answer, as the question wants it.
    """
    match question.wants:
        case EditWanted():
            before, after = text_of(question.value), text_of(value)
        case DecisionWanted(arguments=arguments):
            if not isinstance(value, dict) or value.get("decision") != "edit":
                return []
            before, after = _json(arguments), _json(value.get("arguments"))
        case _:
            return []
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    lines = [line for line in list(found)[2:] if not line.startswith("@@")]  # without the heading
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"… {more} more lines"]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
