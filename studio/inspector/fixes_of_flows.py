"""What fixes a node that runs another flow: which one, and what goes in and comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from patchbay.flows.checks.locate import read_once, subflow_path
from patchbay.flows.checks.resolve import Resolved, resolve_once
from patchbay.flows.checks.rules.base import Facts
from patchbay.flows.document.model import NodeInstance
from patchbay.flows.document.operations import SetParams
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.wording import close_to
from patchbay.studio.inspector.fix import Fix

FEW = 3
"""How many flows are offered where any may be meant."""


def choose(facts: Facts, problem: Problem) -> list[Fix]:
    """A flow beside this one: what was meant by the name; else each, where there are few."""
    node = _runner(facts, problem)
    if node is None or facts.folder is None:
        return []
    own = Path(facts.file).stem
    names = sorted({path.stem for path in facts.folder.glob("*.json")} - {own})
    asked = str(node.params.get("flow", "")).removesuffix(".json")
    meant = close_to(asked, names, 2) if asked else []
    offered = meant or (names if len(names) <= FEW else [])
    return [
        Fix(f"Run “{name}”", SetParams(node=node.id, params={"flow": name})) for name in offered
    ]


def look_inside(facts: Facts, problem: Problem) -> list[Fix]:
    """What is wrong is wrong in there."""
    node = _runner(facts, problem)
    name = str(node.params.get("flow", "")).removesuffix(".json") if node else ""
    return [Fix(f"Open “{name}”", opens=name)] if name else []


def inputs(facts: Facts, problem: Problem) -> list[Fix]:
    """The inputs that the other flow has, those that it needs; and no others."""
    node, sub = _runner(facts, problem), _sub(facts, problem)
    given = node.params.get("inputs", {"question": "text"}) if node else None
    if node is None or sub is None or not isinstance(given, dict):
        return []
    fields = {
        inner.flow_input.name: inner.flow_input for inner in sub.nodes.values() if inner.flow_input
    }
    if problem.port in given:
        return _other(node, "inputs", given, str(problem.port), list(fields))
    left = [name for name, field in fields.items() if field.required and name not in given]
    strange = [name for name in given if name not in fields]
    if left and strange:  # most likely it is one and the same
        return _other(node, "inputs", given, strange[0], left)
    added = {name: getattr(fields[name], "kind", "text") or "text" for name in left}
    if not left:
        return []
    wanted = SetParams(node=node.id, params={"inputs": {**given, **added}})
    return [Fix(f"Give it {' and '.join(left)}", wanted)]


def outputs(facts: Facts, problem: Problem) -> list[Fix]:
    """The outputs that the other flow gives."""
    node, sub = _runner(facts, problem), _sub(facts, problem)
    taken = node.params.get("outputs", {"answer": "text"}) if node else None
    if node is None or sub is None or not isinstance(taken, dict):
        return []
    there = [inner.flow_output for inner in sub.nodes.values() if inner.flow_output is not None]
    return _other(node, "outputs", taken, str(problem.port), there)


def _other(
    node: NodeInstance, param: str, now: dict[str, Any], name: str, there: list[str]
) -> list[Fix]:
    """A name that is there in place of one that is not; or without it."""
    free = [one for one in there if one not in now]
    found = []
    for meant in close_to(name, free, 1) or (free if len(free) == 1 else []):
        renamed = {meant if key == name else key: kind for key, kind in now.items()}
        found.append(Fix(f"Call it {meant}", SetParams(node=node.id, params={param: renamed})))
    rest = {key: kind for key, kind in now.items() if key != name}
    if rest or param == "inputs":
        found.append(Fix("Remove it", SetParams(node=node.id, params={param: rest})))
    return found


def _runner(facts: Facts, problem: Problem) -> NodeInstance | None:
    """The node, if it says by its param `flow` which flow it runs."""
    node = facts.resolved.flow.by_id().get(problem.node or "")
    cls = facts.resolved.catalog.get(node.kind) if node else None
    return node if cls is not None and "flow" in cls.Params.model_fields else None


def _sub(facts: Facts, problem: Problem) -> Resolved | None:
    node = _runner(facts, problem)
    if node is None or facts.folder is None:
        return None
    try:
        path = subflow_path(facts.folder, str(node.params.get("flow", "")))
        return resolve_once(read_once(path), facts.resolved.catalog)
    except FlowError:
        return None
