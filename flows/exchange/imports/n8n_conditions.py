"""If, Switch and Filter of n8n in the neutral form, in the shape of each of their versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from patchbay.flows.exchange.imports.graph import ForeignNode
from patchbay.flows.exchange.imports.n8n_expressions import EXPRESSION, LEFT_OUT, field_of
from patchbay.flows.exchange.imports.params import MISSING, READERS

TESTS = {
    "equals": "equals", "notEquals": "does not equal", "contains": "contains",
    "notContains": "does not contain", "startsWith": "starts with", "endsWith": "ends with",
    "notStartsWith": "does not start with", "notEndsWith": "does not end with",
    "empty": "is empty", "notEmpty": "is not empty", "exists": "is there",
    "notExists": "is not there", "isEmpty": "is empty", "isNotEmpty": "is not empty",
    "equal": "equals", "notEqual": "does not equal", "gt": ">", "lt": "<", "gte": ">=",
    "lte": "<=", "larger": ">", "smaller": "<", "largerEqual": ">=", "smallerEqual": "<=",
    "true": "equals", "false": "equals",
}  # fmt: skip
WITHOUT_OPERAND = ("is empty", "is not empty", "is there", "is not there")
JAVASCRIPT = "It looks at a value by JavaScript, which is never run here."
OTHER_TEST = "It looks at a value by a test that has no equal here."
_FIRST = {"string": "equal", "number": "smaller", "boolean": "equal"}
"""What the first version tests where it does not say."""


def ways_of(node: ForeignNode) -> dict[str, Any]:
    """A condition in the neutral form."""
    if node.type == "textClassifier":
        return _classes(node.settings)
    try:
        return _conditions(node)
    except _RefusalError as error:
        return {"refused": str(error)}


class _RefusalError(ValueError):
    """Why a condition cannot be said here."""


def main(index: int) -> str:
    """The output of that number, as wires call it."""
    return "main" if index == 0 else f"main{index}"


def _classes(settings: Mapping[str, Any]) -> dict[str, Any]:
    held = settings.get("categories")
    rows = held.get("categories") if isinstance(held, dict) else None
    found = [
        {"name": str(row["category"]), "about": row.get("description"), "handle": main(index)}
        for index, row in enumerate(rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and row.get("category")
    ]
    if not found:
        return {"refused": "It names no categories."}
    return {
        "by": "model",
        "rows": found,
        "look_at": str(settings.get("inputText") or "{{question}}"),
    }


def _conditions(node: ForeignNode) -> dict[str, Any]:
    settings = node.settings
    options = settings.get("options")
    options = options if isinstance(options, dict) else {}
    fallback: Any = None
    if node.type != "switch":
        groups = [settings.get("conditions")]
        cases = [_case(groups[0], settings, 0)]
        fallback = 1
    else:
        if settings.get("mode") == "expression":
            raise _RefusalError(JAVASCRIPT)
        cases, groups = _switch_cases(settings)
        told = options.get("fallbackOutput", settings.get("fallbackOutput"))
        fallback = len(cases) if told == "extra" else told
    sensitive = options.get("ignoreCase")
    if not isinstance(sensitive, bool):
        stored = _at(groups[0] if groups else None, "options", "caseSensitive")
        sensitive = stored is False
    index = fallback if isinstance(fallback, int) and fallback >= 0 else len(cases)
    return {
        "by": "conditions",
        "cases": cases,
        "otherwise": main(index),
        "case_sensitive": not sensitive,
        "all_that_hold": options.get("allMatchingOutputs") is True and len(cases) > 1,
    }


def _switch_cases(settings: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[Any]]:
    rules = settings.get("rules")
    rules = rules if isinstance(rules, dict) else {}
    values = rules.get("values")
    if isinstance(values, list):
        groups = [row.get("conditions") if isinstance(row, dict) else None for row in values]
        return [_case(group, settings, index) for index, group in enumerate(groups)], groups
    rows, cases = rules.get("rules"), []
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if not isinstance(row, dict):
            raise _RefusalError("A case of it holds no conditions.")
        kind = str(settings.get("dataType") or "number")
        told = {**row, "value1": settings.get("value1")}
        output = row.get("output", row.get("outputKey", index))
        place = output if isinstance(output, int) and not isinstance(output, bool) else index
        cases.append({"handle": main(place), "all": False, "rows": [_old_row(kind, told)]})
    return cases, []


def _case(group: Any, settings: Mapping[str, Any], index: int) -> dict[str, Any]:
    """The conditions of one way."""
    if isinstance(group, dict) and not isinstance(group.get("conditions"), list):
        rows = list(_old_rows(group))
        every = settings.get("combineOperation", "all") != "any"
    else:
        listed = group.get("conditions") if isinstance(group, dict) else None
        rows = [_row(row) for row in listed or ()]
        every = isinstance(group, dict) and group.get("combinator") != "or"
    if not rows:
        raise _RefusalError("A case of it holds no conditions.")
    return {"handle": main(index), "all": every and len(rows) > 1, "rows": rows}


def _old_rows(group: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The first version keeps its conditions by type."""
    for kind, rows in group.items():
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict):
                yield _old_row(str(kind), row)


def _old_row(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    operator = {"type": kind, "operation": row.get("operation") or _FIRST.get(kind, "equal")}
    return _row(
        {"leftValue": row.get("value1"), "rightValue": row.get("value2"), "operator": operator}
    )


def _row(row: Any) -> dict[str, Any]:
    operator = row.get("operator") if isinstance(row, dict) else None
    operator = operator if isinstance(operator, dict) else {}
    word, kind = str(operator.get("operation")), str(operator.get("type") or "string")
    test = TESTS.get(word)
    if test is None or kind == "dateTime":
        raise _RefusalError(OTHER_TEST)
    look_at, right = row.get("leftValue"), row.get("rightValue")
    if LEFT_OUT in f"{look_at}{right}":
        raise _RefusalError(JAVASCRIPT)
    if not isinstance(look_at, str) or not _places(look_at):
        raise _RefusalError("It looks at nothing that can change.")
    made: dict[str, Any] = {"look_at": _typed(look_at), "test": test, "type": kind}
    made["operand"] = None
    if test in WITHOUT_OPERAND:
        return made
    if kind == "boolean":
        made["operand"] = _flag(word, right)
    elif isinstance(right, str) and _places(right):
        made["operand_at"] = _typed(right)
    elif kind == "number" or test in ("<", "<=", ">", ">="):
        made["operand"] = READERS["number"](right)
        if made["operand"] is MISSING:
            raise _RefusalError("It compares with a number, and names none.")
    else:
        made["operand"] = right if isinstance(right, str) else "" if right is None else str(right)
    return made


def _flag(word: str, right: Any) -> bool:
    if word in ("true", "false"):
        return word == "true"
    return right is not False and str(right).strip().lower() not in ("false", "")


def _places(text: str) -> bool:
    return any(field_of(m[1]) or m[1] == "question" for m in EXPRESSION.finditer(text))


def _typed(text: str) -> str:
    """A text that is one place alone keeps the type of what is there."""
    match = EXPRESSION.fullmatch(text.strip())
    field = field_of(match[1]) if match else None
    return "{{" + field._replace(typed=True).written() + "}}" if field else text


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
