"""Variables of a flow: values that params name, which may differ from environment to environment.

    "variables": [{"name": "language", "value": "Danish", "environments": {"production": "German"}}]

A param takes one by `{"variable": "language"}`, as it takes a secret by `{"secret": "NAME"}`; the
value stands in its place before the param is checked. Which environment is meant is chosen when a
flow is run, and a recorded run keeps the values that it had. Variables are never secrets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import JsonValue

from patchbay.flows.document.model import Flow, FlowVariable, NodeInstance
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.wording import listed, quoted
from patchbay.nodes.data import same_json
from patchbay.nodes.errors import NodeError

REFERENCE = "variable"
"""The key of a reference."""
CHOSEN_BY = "PATCHBAY_ENV"
"""The variable of the process's environment that names the environment of a flow's variables."""


def environments(flow: Flow) -> list[str]:
    """The environments that a flow's variables have values for, in order of appearance."""
    return list(dict.fromkeys(name for one in flow.variables for name in one.environments))


def usual_environment(env: Mapping[str, str] = os.environ) -> str:
    """The environment that this machine is: `PATCHBAY_ENV`, or `environment` of `[flows]` in
    `settings.toml` below the home folder. "" where neither says.

    Raises:
        FlowError: the settings cannot be read, or say something else there.
    """
    if given := env.get(CHOSEN_BY, "").strip():
        return given
    from patchbay.nodes.settings import section, settings_file

    try:
        said = section("flows", settings_file(env))
    except NodeError as error:
        raise FlowError(
            [Problem(error.code or "settings/file", error.message, error.fix)]
        ) from None
    chosen = said.get("environment", "")
    if not isinstance(chosen, str) or said.keys() - {"environment"}:
        what = "settings.toml: [flows] holds environment, a text, and nothing else."
        raise FlowError([Problem("settings/file", what, 'Write environment = "production".')])
    return chosen


def settled(flow: Flow, environment: str = "", *, strict: bool = True) -> Flow:
    """The flow with the values of one environment, and no others left to choose from.

    Args:
        flow: the flow.
        environment: by its name; "" for the one that this machine is, where the flow has it.
        strict: whether an environment that the flow does not have is refused; else its variables
            have their usual values.

    Raises:
        FlowError: the flow has no such environment.
    """
    if strict and environment and environment not in environments(flow):
        there = environments(flow)
        raise FlowError([
            Problem(
                "input/variables",
                f"The flow has no values for the environment {quoted(environment)}.",
                f"It has {listed(there)}." if there else "None of its variables has values for "
                "an environment; declare them in the flow's settings.",
            )
        ])  # fmt: skip
    chosen = environment or usual_environment()
    variables = tuple(
        one.model_copy(update={"value": one.environments.get(chosen, one.value),
                               "environments": {}})
        for one in flow.variables
    )  # fmt: skip
    return flow.model_copy(update={"variables": variables})


def filled(node: NodeInstance, variables: tuple[FlowVariable, ...]) -> NodeInstance:
    """A node with the values of variables in the place of references to them."""
    values = {one.name: one.value for one in variables}
    params = {name: _filled(value, values) for name, value in node.params.items()}
    same = all(params[name] is value for name, value in node.params.items())
    return node if same else node.model_copy(update={"params": params})


def _filled(value: Any, values: Mapping[str, JsonValue]) -> Any:
    name = reference(value)
    if name is not None:
        return values.get(name, value)
    if isinstance(value, dict):
        made = {key: _filled(item, values) for key, item in value.items()}
        return made if any(made[key] is not value[key] for key in value) else value
    if isinstance(value, list):
        items = [_filled(item, values) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value


def reference(value: Any) -> str | None:
    """The name of the variable that a value refers to; None where it is no reference."""
    if isinstance(value, dict) and len(value) == 1:
        name = value.get(REFERENCE)
        return name if isinstance(name, str) else None
    return None


def references(value: Any) -> Iterator[str]:
    """The variables that params refer to, at any depth."""
    stack = [value]
    while stack:
        item = stack.pop()
        name = reference(item)
        if name is not None:
            yield name
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def changed_variables(old: Flow, new: Flow) -> list[str]:
    """What happened to the variables, in sentences."""
    before = {one.name: one for one in old.variables}
    after = {one.name: one for one in new.variables}
    lines = [f'Variable "{name}" added.' for name in after if name not in before]
    lines += [f'Variable "{name}" removed.' for name in before if name not in after]
    return lines + [
        f'Variable "{name}" changed.'
        for name in after
        if name in before and not same_json(after[name].model_dump(), before[name].model_dump())
    ]
