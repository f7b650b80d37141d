"""Checks: how right an output is, from 0 to 1."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.values import as_text

Score = Callable[[Any, Any], float]
"""From what came out and what should have, to 0 (wrong) … 1 (right)."""

_NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class OutputCheck:
    """A check by its name, and whether it needs to know what should come out."""

    name: str
    score: Score
    needs_expected: bool = True


def read_check(text: str, folder: Path) -> OutputCheck:
    """A check as people write it: `exact`, `contains`, `number`, `number:0.01`, `schema:FILE`.

    Args:
        text: what was written.
        folder: where relative paths start.

    Raises:
        FlowError: there is no such check, or its file cannot be read.
    """
    kind, _, more = text.partition(":")
    if kind == "exact" and not more:
        return OutputCheck(text, lambda given, right: float(_plain(given) == _plain(right)))
    if kind == "contains" and not more:
        return OutputCheck(text, lambda given, right: float(_contains(given, right)))
    if kind == "number":
        try:
            within = float(more) if more else 0.0
        except ValueError:
            raise _wrong(f'"{text}" names no distance.', "Write number:0.01.") from None
        return OutputCheck(text, lambda given, right: float(_near(given, right, within)))
    if kind == "schema" and more:
        schema = _schema(folder / more)
        return OutputCheck(text, lambda given, right: float(_follows(given, schema)), False)
    raise _wrong(
        f'There is no check "{text}".',
        "There are: exact, contains, number, number:DISTANCE, schema:FILE.",
    )


def _plain(value: Any) -> str:
    """A text without its case, spaces around and a full stop at the end."""
    return " ".join(as_text(value).split()).rstrip(".").casefold()


def _contains(given: Any, right: Any) -> bool:
    """Whether the right answer stands in a text. A right one of no letters stands in none."""
    wanted = _plain(right)
    return wanted in _plain(given) if wanted else not _plain(given)


def _near(given: Any, right: Any, within: float) -> bool:
    """Whether the last number of an answer is the right one. It is the last that concludes."""
    found, wanted = _numbers(given), _numbers(right)
    if not found or not wanted:
        return False
    return abs(found[-1] - wanted[-1]) <= within + 1e-9 * abs(wanted[-1])


def _numbers(value: Any) -> list[float]:
    return [float(part.replace(",", "")) for part in _NUMBER.findall(as_text(value))]


def _follows(given: Any, schema: Mapping[str, Any]) -> bool:
    import jsonschema

    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return False
    return bool(jsonschema.Draft202012Validator(schema).is_valid(given))


def _schema(path: Path) -> Mapping[str, Any]:
    import jsonschema

    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
    except (OSError, ValueError, jsonschema.SchemaError) as error:
        said = getattr(error, "message", "") or str(error)
        raise _wrong(f"{path} holds no JSON schema: {said}.", "Check the file.") from error
    return dict(schema)


def _wrong(message: str, fix: str) -> FlowError:
    return FlowError([Problem("experiment/check", message, fix)])
