"""What Dify's iterations, loops, assigners and aggregators say, as plain rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from patchbay.flows.exchange.imports.dify_conditions import condition_of, reference
from patchbay.flows.exchange.imports.params import MISSING, READERS

KINDS = {"string": "text", "number": "number"}
"""Types of variables → kinds of values here; all others are JSON."""
_ERRORS = {
    "terminated": "fail", "continue-on-error": "keep going",
    "remove-abnormal-output": "keep going",
}  # fmt: skip
_EMPTY: Mapping[str, Any] = {"text": "", "number": 0, "json": []}
HOW = {
    "over-write": "set", "set": "set", "clear": "clear", "+=": "add", "-=": "subtract",
    "append": "append", "extend": "extend", "remove-first": "first", "remove-last": "last",
}  # fmt: skip
"""What an assigner does → our word; all others cannot be said."""


def round_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    """What one node adds to its settings."""
    match data.get("type"):
        case "iteration":
            return _iteration(data)
        case "loop":
            return _loop(data)
        case "assigner":
            return {"$assigned": list(_assigned(data))}
        case "variable-aggregator":
            listed = data.get("variables")
            found = [reference(one) for one in listed] if isinstance(listed, list) else []
            return {"$values": [one for one in found if one]}
    return {}


def _iteration(data: Mapping[str, Any]) -> dict[str, Any]:
    parallel = data.get("parallel_nums") if data.get("is_parallel") is True else 1
    told = str(data.get("error_handle_mode") or "terminated")
    nested = str(data.get("output_type") or "").startswith("array[array")
    return {
        "result": reference(data.get("output_selector")),
        "parallel": min(100, parallel) if isinstance(parallel, int) else 1,
        "on_error": _ERRORS.get(told, "fail"),
        "drops": told == "remove-abnormal-output",
        "flattens": nested and data.get("flatten_output") is not False,
    }


def _loop(data: Mapping[str, Any]) -> dict[str, Any]:
    rows = []
    listed = data.get("loop_variables")
    for row in listed if isinstance(listed, list) else ():
        if not isinstance(row, dict) or not isinstance(row.get("label"), str):
            continue
        kind = KINDS.get(str(row.get("var_type") or "string"), "json")
        made: dict[str, Any] = {"name": row["label"], "kind": kind}
        at = reference(row.get("value")) if row.get("value_type") == "variable" else ""
        value = None if row.get("value_type") == "variable" else row.get("value")
        made |= {"at": at} if at else {"value": constant(value, kind)}
        rows.append(made)
    found = data.get("break_conditions")
    conditions = [condition_of(one) for one in found] if isinstance(found, list) else []
    count = READERS["positive"](data.get("loop_count"))
    return {
        "$variables": rows,
        "$until": {
            "rows": [one for one in conditions if one],
            "all": data.get("logical_operator") != "or",
        },
        "$unsaid": None in conditions,
        "most": 10 if count is MISSING else count,
    }


def constant(value: Any, kind: str) -> Any:
    """A value that is written down, as its kind."""
    if kind == "text":
        return value if isinstance(value, str) else "" if value is None else str(value)
    if kind == "number":
        number = READERS["number"](value)
        return 0 if number is MISSING else number
    made = READERS["json"](value) if isinstance(value, str) else value
    return [] if made is MISSING or made is None else made


def _assigned(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What an assigner writes: where, how, and what."""
    rows = data.get("items")
    if not isinstance(rows, list):  # the first version
        source = data.get("input_variable_selector")
        rows = [
            {
                "variable_selector": data.get("assigned_variable_selector"),
                "operation": data.get("write_mode"),
                "input_type": "variable",
                "value": source,
            }
        ]
    for row in rows:
        selector = row.get("variable_selector") if isinstance(row, dict) else None
        if not isinstance(selector, list) or len(selector) < 2:
            yield {"node": "", "name": "", "how": ""}
            continue
        made = {"node": str(selector[0]), "name": str(selector[1])}
        how = HOW.get(str(row.get("operation")), "")
        if row.get("input_type") == "variable" and how not in ("clear", "first", "last"):
            at = reference(row.get("value"))
            yield made | {"how": how if at and how != "subtract" else "", "at": at}
        else:
            yield made | {"how": how, "value": row.get("value")}


def empty(kind: str) -> Any:
    """What a variable of a kind is once it is cleared."""
    return _EMPTY.get(kind, [])


SEARCHES = {
    "arxiv": "arxiv", "brave": "brave", "google": "serpapi", "searxng": "searxng",
    "serper": "serper", "tavily": "tavily", "wikipedia": "wikipedia",
}  # fmt: skip
"""Tools of Dify that search the web, by their providers → the service here that they ask."""


def search_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a search of the web is asked; nothing for other tools."""
    provider = str(data.get("provider_id") or data.get("provider_name") or "").rpartition("/")[2]
    service = SEARCHES.get(provider)
    given = data.get("tool_parameters")
    query = given.get("query") if isinstance(given, Mapping) else None
    value = query.get("value") if isinstance(query, Mapping) else query
    text = reference(value) if isinstance(value, list) else value
    if service is None or not isinstance(text, str) or not text.strip():
        return {}
    found: dict[str, Any] = {"search_service": service, "search_query": text}
    most = data.get("tool_configurations")
    for name in ("max_results", "result_num", "num_results"):
        if isinstance(most, Mapping) and isinstance(most.get(name), int):
            found["search_results"] = most[name]
    return found
