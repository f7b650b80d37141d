"""Params that callers may change, where the server was started so: `--override FLOW:NODE.PARAM`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.subflows import prepare
from patchbay.flows.server.core.caller_schemas import pattern_in
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.core.shelf import ServedFlow, Shelf
from patchbay.flows.wording import did_you_mean, printable

if TYPE_CHECKING:
    from patchbay.flows.server.core.service import FlowService


def declared(overrides: Iterable[str], flow: str) -> list[str]:
    """The params of a flow that callers may change, as `node.param`."""
    pairs = (text.partition(":") for text in overrides)
    return [place for name, _, place in pairs if name == flow]


def check_declared(overrides: Iterable[str], shelf: Shelf) -> None:
    """See that what is declared is there.

    Raises:
        FlowError: a flow, node or param of that name is not.
    """
    flows = {flow.name: flow for flow in shelf.all()}
    for text in overrides:
        name, _, place = text.partition(":")
        node, _, param = place.partition(".")
        found = flows[name].prepared.resolved.nodes.get(node) if name in flows else None
        if found is None or not hasattr(found.params, param):
            fix = "Write FLOW:NODE.PARAM, such as --override ask:model.temperature."
            message = f"--override {text[:100]}: there is no such param of a served flow."
            raise FlowError([Problem("usage", message, fix)])


def overridden(service: FlowService, flow: ServedFlow, given: Mapping[str, Any]) -> ServedFlow:
    """The flow with params as a caller wants them.

    Raises:
        RefusedError: one may not be changed, or does not take the value.
    """
    if not given:
        return flow
    may = declared(service.settings.overrides, flow.name)
    changes: dict[str, dict[str, Any]] = {}
    for place, value in given.items():
        if place not in may:
            fix = did_you_mean(place, may, "The server lets none of its params be changed.")
            message = f'"{printable(place)[:100]}" of this flow cannot be changed by callers.'
            raise refused(403, "serve/override", message, fix)
        node, _, param = place.partition(".")
        changes.setdefault(node, {})[param] = value
    return with_params(service, flow, changes, "The params do not fit")


def with_params(
    service: FlowService, flow: ServedFlow, changes: Mapping[str, Mapping[str, Any]], what: str
) -> ServedFlow:
    """The flow with params changed, for one run.

    Raises:
        RefusedError: it cannot be run so; `what` says what does not go.
    """
    for params in changes.values():
        for param, value in params.items():
            if param.endswith("schema"):
                _check_patterns(value, what)
    loaded = flow.loaded
    changed = loaded.flow.with_params(changes)
    try:
        env = service.environment
        prepared = prepare(changed, env.catalog, loaded.folder, variables=env.variables)
    except FlowError as error:
        problem = error.problems[0]
        message = f"{what}: {problem.message}"
        raise refused(400, "input/invalid", message, problem.fix) from None
    return replace(flow, loaded=LoadedFlow(changed, loaded.folder, loaded.path), prepared=prepared)


def _check_patterns(schema: Any, what: str) -> None:
    """Refuse regular expressions of callers: one can be made to take as long as the universe has
    existed (Cox 2007, "Regular Expression Matching Can Be Simple And Fast"), and all would wait."""
    if (found := pattern_in(schema)) is not None:
        message = (
            f'{what}: the pattern "{printable(found)[:100]}" is not taken: callers may not have '
            "this server search for regular expressions."
        )
        fix = "Leave pattern and patternProperties out; enum, format and lengths are taken."
        raise refused(400, "input/invalid", message, fix)
