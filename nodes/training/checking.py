"""Programs that say whether an answer is right: rewards that can be verified."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.lenient_json import json_in
from patchbay.nodes.models.schema import faults
from patchbay.nodes.numbers import number_of, numbers_of
from patchbay.nodes.tools.arithmetic import ArithmeticProblem, calculate

CheckKind = Literal["same text", "contains", "same number", "JSON schema", "calculator"]

NEAR = 1e-6
"""How far two numbers that are the same may lie apart, as a share of them."""


def checked(row: Mapping[str, Any], said: str) -> float:
    """1 where an answer is right, else 0.

    Args:
        row: of *Prompts with a checker*: `check`, and `right` to compare with.
        said: the answer.
    """
    kind, right = row["check"], row["right"]
    if kind == "same text":
        good = _plain(said) == _plain(right)
    elif kind == "contains":
        good = _plain(right) in _plain(said)
    elif kind == "JSON schema":
        good = _fits(said, right)
    else:
        found = last_number(said)
        good = found is not None and math.isclose(found, float(right), rel_tol=NEAR, abs_tol=1e-9)
    return float(good)


def right_of(kind: CheckKind, given: str, number: int) -> str:
    """What an answer is compared with; a calculator's is computed here, once.

    Raises:
        NodeError: it is no expression, no number, or no text.
    """
    if kind not in ("calculator", "same number"):
        if kind != "JSON schema" and not _plain(given):
            raise _wrong(number, given, "a text that an answer can be compared with.")
        return given
    if kind == "calculator":
        try:
            return str(float(calculate(given)))
        except (ArithmeticProblem, ValueError) as error:
            what = f"an expression that can be computed: {error}"
            raise _wrong(number, given, what) from error
    if (right := number_of(given)) is None:
        raise _wrong(number, given, "a number, such as 1,234.5 or -2.")
    return str(right)


def _wrong(number: int, given: str, what: str) -> NodeError:
    return NodeError(
        f"Row {number} holds {given!r}, which is not {what}",
        fix="Correct the row, or choose another check.",
        port="source",
        code="training/no-check",
        retry=False,
    )


def last_number(text: str) -> float | None:
    """The last number in a text: what an answer comes to."""
    found = numbers_of(text)
    return found[-1] if found else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .!?\"'")


def _fits(said: str, schema: Mapping[str, Any]) -> bool:
    try:
        return not faults(json_in(said), schema)
    except Exception:  # whatever is no JSON
        return False
