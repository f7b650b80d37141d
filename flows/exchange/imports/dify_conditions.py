"""One condition of Dify in the neutral form, and what its selectors refer to."""

from __future__ import annotations

import re
from typing import Any

from patchbay.flows.exchange.imports.params import MISSING, READERS
from patchbay.flows.exchange.imports.routes import ORDERED

TESTS = {
    "contains": "contains", "not contains": "does not contain", "start with": "starts with",
    "end with": "ends with", "is": "equals", "is not": "does not equal", "empty": "is empty",
    "not empty": "is not empty", "null": "is empty", "not null": "is not empty",
    "exists": "is not empty", "not exists": "is empty", "=": "equals", "≠": "does not equal",
    ">": ">", "<": "<", "≥": ">=", "≤": "<=",
}  # fmt: skip
_ONE = re.compile(r"\{\{#([^{}#\n]{1,200})#\}\}")


def condition_of(condition: Any) -> dict[str, Any] | None:
    """One condition; None where it cannot be said."""
    if not isinstance(condition, dict):
        return None
    test = TESTS.get(str(condition.get("comparison_operator")))
    look_at = reference(condition.get("variable_selector"))
    if test is None or not look_at:
        return None
    value, kind = condition.get("value"), str(condition.get("varType") or "string")
    row = {"look_at": look_at, "test": test, "type": kind}
    if test in ("is empty", "is not empty"):
        return row | {"operand": None}
    text = str(value if value is not None else "")
    if (match := _ONE.fullmatch(text.strip())) is not None:
        return row | {"operand_at": "{{#" + match[1] + "#}}"}
    if kind == "boolean" or isinstance(value, bool):
        return row | {"operand": text.strip().lower() == "true"}
    if kind != "number" and test not in ORDERED:
        return row | {"operand": text}
    number = READERS["number"](text)
    return None if number is MISSING else row | {"operand": number, "type": "number"}


def reference(selector: Any) -> str:
    """`["node", "field"]` as a reference in a text."""
    if isinstance(selector, list) and len(selector) >= 2:
        return "{{#" + ".".join(str(part) for part in selector[:3]) + "#}}"
    return ""
