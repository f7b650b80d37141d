"""JMESPath inside limits: of time, of items, of text. Imported where it is used.

The language (https://jmespath.org) has no loops and reads nothing but its input, yet a short
expression can ask for more than a machine holds: `[@,@] | [@,@] | …` doubles with every step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from jmespath.exceptions import JMESPathError
from jmespath.visitor import TreeInterpreter

from patchbay.nodes.units import duration

MAX_ITEMS = 1_000_000
"""Values that a result, or what is compared or written out on the way, may hold in all."""
MAX_TEXT = 50_000_000
"""Characters of its texts in all."""
MAX_DEPTH = 200
_LOOK_EVERY = 256


class LimitReached(Exception):  # noqa: N818 - it is no defect
    """A limit ended it; the text says which."""


class BoundedInterpreter(TreeInterpreter):
    """Evaluates a parsed expression, and gives up at a limit.

    Args:
        seconds: how long it may take.
        stopped: whether somebody wants it to end.
    """

    def __init__(self, seconds: float, stopped: Callable[[], bool]) -> None:
        super().__init__()
        self._until, self._seconds = time.monotonic() + seconds, seconds
        self._stopped, self._visits, self._made = stopped, 0, 0

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """One step."""
        self._visits += 1
        if self._visits % _LOOK_EVERY == 0:
            if time.monotonic() > self._until:
                raise LimitReached(f"it took longer than {duration(self._seconds)}")
            if self._stopped():
                raise LimitReached("the run was stopped")
        return super().visit(node, *args, **kwargs)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        """One list of several; counted before it is made."""
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        self._make(sum(len(item) if isinstance(item, list) else 1 for item in base))
        return [item for part in base for item in (part if isinstance(part, list) else [part])]

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """A comparison; what shares its parts may be far larger than the memory that it takes."""
        for child in node["children"]:
            if child["type"] not in ("field", "literal", "current", "subexpression"):
                measure(self.visit(child, value))
        return super().visit_comparator(node, value)

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        """A call of a function; those that write out or look through are measured before."""
        given = [self.visit(child, value) for child in node["children"]]
        name = node["value"]
        if name in ("to_string", "contains"):
            measure(given)
        if name == "join" and len(given) == 2 and isinstance(given[1], list):
            glue = len(given[0]) if isinstance(given[0], str) else 0
            texts = sum(len(part) + glue for part in given[1] if isinstance(part, str))
            self._make(texts * MAX_ITEMS // MAX_TEXT)
        if name == "merge":
            self._make(sum(len(part) for part in given if isinstance(part, dict)))
        return self._functions.call_function(name, given)

    def _make(self, items: int) -> None:
        """Count what is made anew; all of it together has a limit."""
        self._made += items
        if self._made > 10 * MAX_ITEMS or items > MAX_ITEMS:
            raise LimitReached(f"it would make more than {MAX_ITEMS:,} values")


def evaluate(
    parsed: dict[str, Any], value: Any, seconds: float, stopped: Callable[[], bool]
) -> Any:
    """What an expression gives for a value, as plain JSON.

    Raises:
        LimitReached: it takes too long, or its result is too large.
        JMESPathError: a function does not take what it is given.
    """
    try:
        result = BoundedInterpreter(seconds, stopped).visit(parsed, value)
    except RecursionError:
        raise LimitReached("it is nested too deeply") from None
    except (TypeError, ZeroDivisionError, OverflowError) as error:
        raise JMESPathError(str(error)) from error
    measure(result)
    return result


def measure(value: Any) -> None:
    """Check that a value is not larger than `MAX_ITEMS`, however much its parts are shared.

    Raises:
        LimitReached: it is.
    """
    items = text = 0
    stack = [(value, 0)]
    while stack:
        part, depth = stack.pop()
        items += 1
        text += len(part) if isinstance(part, str) else 0
        if items > MAX_ITEMS or text > MAX_TEXT:
            raise LimitReached(
                f"it would give more than {MAX_ITEMS:,} values or {MAX_TEXT:,} characters"
            )
        if depth > MAX_DEPTH:
            raise LimitReached(f"it would nest deeper than {MAX_DEPTH} levels")
        if isinstance(part, dict):
            stack.extend((inner, depth + 1) for inner in part.values())
        elif isinstance(part, list):
            stack.extend((inner, depth + 1) for inner in part)
