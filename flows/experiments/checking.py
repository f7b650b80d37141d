"""Checks: how right an output is, from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.flows.experiments.cases import FlowCase
from patchbay.flows.experiments.keeping import ExperimentCell
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.prices import prices_or_none
from patchbay.flows.wording import listed
from patchbay.nodes.numbers import number_in, numbers_of
from patchbay.nodes.strict_json import parse_json
from patchbay.nodes.units import bytes_of
from patchbay.nodes.values import as_text

Score = Callable[[Any, Any], float]
"""From what came out and what should have, to 0 (wrong) … 1 (right)."""
Measure = Callable[[ExperimentCell], float | None]
"""What a limit holds: seconds, tokens, money or bytes of a cell; None where nobody knows."""

LIMITS: Mapping[str, Measure] = {
    "seconds": lambda cell: cell.seconds,
    "tokens": lambda cell: cell.tokens,
    "cost": lambda cell: next(iter(cell.cost.values())) if len(cell.cost) == 1 else None,
    "memory": lambda cell: cell.memory or None,
}
"""What may be held to a limit, by the word that people write."""
JUDGES = ("judge", "versus", "similarity", "flow")
"""Checks that are flows of their own: see `judging`."""
THERE_ARE = (
    "exact, contains, number, number:DISTANCE, schema:FILE, similarity, judge:RUBRIC, "
    "versus:RUBRIC, flow:FILE, seconds:LIMIT, tokens:LIMIT, cost:LIMIT, memory:LIMIT"
)


@dataclass(frozen=True)
class OutputCheck:
    """A check by its name, and whether it needs to know what should come out."""

    name: str
    score: Score
    needs_expected: bool = True

    @property
    def key(self) -> str:
        """Another one where it would score otherwise."""
        return self.name

    def of(self, cell: ExperimentCell, case: FlowCase) -> float | None:
        """The score of a cell; None where nobody can say."""
        if case.expected is None and self.needs_expected:
            return None
        return 0.0 if cell.error else self.score(cell.output, case.expected)


@dataclass(frozen=True)
class LimitCheck(OutputCheck):
    """1 where a run took no more than it may, of seconds, tokens, money or memory."""

    measure: Measure = lambda cell: None
    limit: float = 0.0

    def of(self, cell: ExperimentCell, case: FlowCase) -> float | None:
        """1, 0, or None where nobody knows what the run took."""
        if cell.error:
            return 0.0
        taken = self.measure(cell)
        return None if taken is None else float(taken <= self.limit)


def read_check(text: str, folder: Path) -> OutputCheck:
    """A check as people write it: `exact`, `contains`, `number`, `number:0.01`, `schema:FILE`,
    `seconds:2`, `tokens:100`, `cost:0.01`, `memory:1 GB`. Those that are flows: see `judging`.

    Args:
        text: what was written.
        folder: where relative paths start.

    Raises:
        FlowError: there is no such check, or its file cannot be read.
    """
    kind, _, more = text.partition(":")
    if kind == "exact" and not more:
        return OutputCheck(text, lambda given, right: float(_same(given, right)))
    if kind == "contains" and not more:
        return OutputCheck(text, lambda given, right: float(_contains(given, right)))
    if kind == "number":
        within = number_in(more) if more else 0.0
        if within is None or within < 0:
            raise wrong_check(f'"{text}" names no distance.', "Write number:0.01.")
        return OutputCheck(text, lambda given, right: float(_near(given, right, within)))
    if kind == "schema" and more:
        schema = _schema(folder / more)
        return OutputCheck(text, lambda given, right: float(_follows(given, schema)), False)
    if kind in LIMITS and more:
        return _limited(text, kind, more)
    raise wrong_check(f'There is no check "{text}".', f"There are: {THERE_ARE}.")


def _limited(text: str, kind: str, more: str) -> LimitCheck:
    try:
        if kind == "cost":
            return _of_money(text, more)
        limit = bytes_of(more) if kind == "memory" else number_in(more)
    except ValueError:
        limit = None
    if limit is None:
        example = "memory:1.5 GB" if kind == "memory" else f"{kind}:2.5"
        raise wrong_check(f'"{text}" names no limit.', f"Write {example}.")
    return LimitCheck(text, lambda given, right: 0.0, False, LIMITS[kind], limit)


def _of_money(text: str, more: str) -> LimitCheck:
    """A limit in one currency; what a run took of others is not known in it."""
    amount, _, currency = more.strip().partition(" ")
    limit, currency = number_in(amount), currency.strip()
    there = prices_or_none().currencies
    if limit is None:
        raise wrong_check(f'"{text}" names no limit.', "Write cost:2.5, or cost:2.5 EUR.")
    if not currency and len(there) > 1:
        raise wrong_check(
            f'"{text}" names no currency, and your prices are in {listed(there, last="and")}.',
            f"Write cost:{amount} {there[0]}.",
        )

    def taken(cell: ExperimentCell) -> float | None:
        if not currency:
            return LIMITS["cost"](cell)
        return cell.cost.get(currency) if len(cell.cost) == 1 else None

    return LimitCheck(text, lambda given, right: 0.0, False, taken, limit)


def _plain(value: Any) -> str:
    """A text without its case, spaces around and a full stop at the end."""
    return " ".join(as_text(value).split()).rstrip(".").casefold()


def _same(given: Any, right: Any) -> bool:
    """Whether both are the same text, or the same JSON: what a table holds of an object is text."""
    if _plain(given) == _plain(right):
        return True
    one, other = _object(given), _object(right)
    return one is not None and other is not None and _folded(one) == _folded(other)


def _object(value: Any) -> Any:
    """The object or list that a value is, or its text; None where it is none."""
    if isinstance(value, str):
        try:
            value = parse_json(value) if value.lstrip()[:1] in ("{", "[") else None
        except ValueError:
            return None
    return value if isinstance(value, (dict, list)) else None


def _folded(value: Any) -> Any:
    """The same with its texts as `exact` compares texts, and numbers told from true and false."""
    if isinstance(value, dict):
        return {name: _folded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_folded(one) for one in value]
    if isinstance(value, str):
        return _plain(value)
    return (type(value) is bool, value)


def _contains(given: Any, right: Any) -> bool:
    """Whether the right answer stands in a text. A right one of no letters stands in none."""
    wanted = _plain(right)
    return wanted in _plain(given) if wanted else not _plain(given)


def _near(given: Any, right: Any, within: float) -> bool:
    """Whether the last number of an answer is the right one. It is the last that concludes."""
    found, wanted = numbers_of(as_text(given)), numbers_of(as_text(right))
    if not found or not wanted:
        return False
    return abs(found[-1] - wanted[-1]) <= within + 1e-9 * abs(wanted[-1])


def _follows(given: Any, schema: Mapping[str, Any]) -> bool:
    import jsonschema

    if isinstance(given, str):
        try:
            given = parse_json(given)
        except ValueError:
            return False
    return bool(jsonschema.Draft202012Validator(schema).is_valid(given))


def _schema(path: Path) -> Mapping[str, Any]:
    import jsonschema

    try:
        schema = parse_json(path.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
    except (OSError, ValueError, jsonschema.SchemaError) as error:
        why = error.strerror if isinstance(error, OSError) else getattr(error, "message", "")
        said = why or str(error)
        raise wrong_check(f"{path} holds no JSON schema: {said}.", "Check the file.") from error
    return dict(schema)


def wrong_check(message: str, fix: str) -> FlowError:
    """What is said of a check that is none."""
    return FlowError([Problem("experiment/check", message, fix)])
