"""What a caller gives to a flow, checked against what the flow asks for."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from patchbay.flows.checks.resolve import Resolved
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.arrivals import half
from patchbay.nodes.contract import InputField, NodeError
from patchbay.nodes.values import MAX_DEPTH, Value, has_half, is_too_deep, type_in_words


def flow_inputs(
    resolved: Resolved, among: Container[str] | None = None
) -> Iterator[tuple[str, InputField]]:
    """The flow's inputs with the ids of their nodes; `among` limits them to some nodes."""
    for node_id, field in resolved.flow_inputs:
        if among is None or node_id in among:
            yield node_id, field


def flow_outputs(resolved: Resolved) -> dict[str, str]:
    """The ids of the output nodes, by the output's name."""
    return {n.flow_output: i for i, n in resolved.nodes.items() if n.flow_output is not None}


def accept(
    resolved: Resolved,
    given: Mapping[str, Any],
    among: Container[str] | None = None,
    *,
    from_person: bool = True,
) -> dict[str, Any]:
    """The values for the wires, defaults filled in.

    Args:
        resolved: the flow.
        given: what the caller gave, by input name.
        among: only the inputs of these nodes are needed.
        from_person: whether a person gave the values. A text then may name a file to read; one that
            comes over a wire, perhaps written by a model, may not.

    Raises:
        FlowError: every input that is unknown, missing or does not fit.
    """
    problems = list(_unknown(resolved, given))
    accepted: dict[str, Any] = {}
    for node_id, field in flow_inputs(resolved, among):
        if field.name not in given and field.required:
            problems.append(_missing(node_id, field))
            continue
        try:
            value = given.get(field.name, field.default)
            if not from_person and field.name in given:
                _refuse_paths(field, value)
            if is_too_deep(value):
                raise NodeError(
                    f'The input "{field.name}" is nested deeper than {MAX_DEPTH} levels.',
                    fix="Give a flatter value, or pass it on as text.",
                )
            accepted[field.name] = parsed = field.parse(value)
            if has_half(parsed):
                raise half(f'The input "{field.name}"')
        except NodeError as error:
            problems.append(Problem("input/invalid", error.message, error.fix, node=node_id))
    if problems:
        raise FlowError(problems)
    return accepted


def _refuse_paths(field: InputField, value: Any) -> None:
    items = value if isinstance(value, list) else [value]
    if field.kind in ("file", "documents") and not all(isinstance(i, Value) for i in items):
        raise NodeError(
            f'The input "{field.name}" takes {field.kind}, but {type_in_words(value)} arrived. '
            "A text on a wire does not name a file.",
            fix="Wire documents or a file into it.",
        )


def _missing(node_id: str, field: InputField) -> Problem:
    what = f" ({field.description.rstrip('.')})" if field.description else ""
    return Problem(
        "input/missing",
        f'The input "{field.name}"{what} has no value and no default.',
        f'Give one: "{field.name}" (on the command line --input {field.name}=…).',
        node=node_id,
    )


def _unknown(resolved: Resolved, given: Mapping[str, Any]) -> Iterator[Problem]:
    names = [field.name for _, field in resolved.flow_inputs]
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, 1)
            known = ", ".join(names) or "none"
            yield Problem(
                "input/unknown",
                f'The flow has no input "{name}"; it has: {known}.',
                f'Did you mean "{near[0]}"?' if near else "Leave it out.",
            )
