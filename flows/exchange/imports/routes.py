"""Conditions that no case of *Switch* can say by itself, as one expression that names the way.

Several at once, numbers that arrive as texts, and values that are compared with other values: a
*Transform* says which way is taken, in JMESPath, and a *Switch* takes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

ORDERED = ("<", "<=", ">", ">=")
NO_CASE_SAYS = ("is there", "is not there", "does not start with", "does not end with")
_TEXTUAL = {
    "contains": "contains({0}, {1})", "does not contain": "!contains({0}, {1})",
    "starts with": "starts_with({0}, {1})", "ends with": "ends_with({0}, {1})",
    "does not start with": "!starts_with({0}, {1})", "does not end with": "!ends_with({0}, {1})",
}  # fmt: skip


def needs_expression(cases: Sequence[Mapping[str, Any]]) -> bool:
    """Whether conditions cannot be said by cases of a switch."""
    return any(
        (case["all"] and len(case["rows"]) > 1)
        or any(
            row["test"] in (*ORDERED, *NO_CASE_SAYS)
            or "operand_at" in row
            or row.get("type") == "number"
            for row in case["rows"]
        )
        for case in cases
    )


def expression_of(
    cases: Sequence[Mapping[str, Any]], place: Callable[[str], str], otherwise: str = "otherwise"
) -> str:
    """The expression that gives the name of the first way that holds, or of none.

    Args:
        cases: the ways, each with its name.
        place: where the expression finds what a text looks at.
        otherwise: what it gives where none holds.
    """
    ways = [
        f"({_joined(case, place)}) && {literal(case['name'])}" for case in cases if case["rows"]
    ]
    return " || ".join([*ways, literal(otherwise)])


def _joined(case: Mapping[str, Any], place: Callable[[str], str]) -> str:
    rows = [f"({_test(row, place)})" for row in case["rows"]]
    return (" && " if case["all"] else " || ").join(rows)


def literal(value: Any) -> str:
    """A value in JMESPath."""
    return "`" + json.dumps(value, ensure_ascii=False).replace("`", "\\u0060") + "`"


def _test(row: Mapping[str, Any], place: Callable[[str], str]) -> str:
    seen, test = place(row["look_at"]), row["test"]
    if test in ("is empty", "is not empty"):
        return f"!{seen}" if test == "is empty" else f"!(!{seen})"
    if test in ("is there", "is not there"):
        return f"{seen} {'!=' if test == 'is there' else '=='} `null`"
    other = place(row["operand_at"]) if "operand_at" in row else literal(row["operand"])
    if test in ORDERED or row.get("type") == "number":
        word = {"equals": "==", "does not equal": "!="}.get(test, test)
        other = f"to_number({other})" if "operand_at" in row else other
        return f"to_number({seen}) {word} {other}"
    if test in _TEXTUAL:
        if row.get("type") == "array":
            return _TEXTUAL[test].format(seen, other)
        other = f"to_string({other})" if "operand_at" in row else other
        return _TEXTUAL[test].format(f"to_string({seen})", other)
    return f"{seen} {'==' if test == 'equals' else '!='} {other}"


def place_in(base: str, keys: Sequence[str]) -> str:
    """A place inside a value, in JMESPath."""
    made = base
    for key in keys:
        made += f"[{key}]" if key.isdigit() else "." + json.dumps(key, ensure_ascii=False)
    return made
