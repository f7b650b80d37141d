"""What fixes a node by one edit: another kind, another value of a param, or without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.checks.rules.base import Facts
from patchbay.flows.document.model import Flow, FlowVariable, NodeInstance
from patchbay.flows.document.operations import (
    Batch,
    Disable,
    EditGroup,
    EditNote,
    NodeSlot,
    Operation,
    Patch,
    Remove,
    Rename,
    SetMeta,
    SetParams,
)
from patchbay.flows.problems import Problem
from patchbay.flows.secret_shapes import holds_secret, without_secrets
from patchbay.flows.wording import close_to
from patchbay.nodes.contract import Node
from patchbay.nodes.declaration import node_declaration
from patchbay.studio.inspector.declared import FieldSpec, fields_of
from patchbay.studio.inspector.fix import Fix

TAKE_OUT = "Take it out"
SHORTEST = 256
"""Tokens of context below which a model is of no use."""


def unknown_kind(facts: Facts, problem: Problem) -> list[Fix]:
    """The kind that was meant, if one is called almost so."""
    node = _node(facts, problem)
    if node is None:
        return []
    catalog = facts.resolved.catalog
    found = []
    for kind in close_to(node.kind, catalog.kinds(), 2):
        if (cls := catalog.get(kind)) is not None:
            other = node.model_copy(update={"kind": kind, "version": cls.version})
            slot = NodeSlot(key=node.id, value=other)
            found.append(Fix(f"Make it “{cls.title}”", Patch(nodes=(slot,))))
    return [*found, *_without(node)]


def not_here(facts: Facts, problem: Problem) -> list[Fix]:
    """What this machine cannot run may be skipped, and the rest looked at."""
    node = _node(facts, problem)
    return _without(node)[:1] if node else []


def other_version(facts: Facts, problem: Problem) -> list[Fix]:
    """The node as the version that is installed here: what it does not know is said then."""
    node = _node(facts, problem)
    cls = facts.resolved.catalog.get(node.kind) if node else None
    if node is None or cls is None:
        return []
    slot = NodeSlot(key=node.id, value=node.model_copy(update={"version": cls.version}))
    return [Fix(f"Take it as version {cls.version}", Patch(nodes=(slot,)))]


def refused(facts: Facts, problem: Problem) -> list[Fix]:
    """The param that is named, as it was at first."""
    node = _node(facts, problem)
    cls = facts.resolved.catalog.get(node.kind) if node else None
    if node is None or cls is None:
        return []
    return _unset(cls, node, problem.param or "", "Back to default")


def unreachable(facts: Facts, problem: Problem) -> list[Fix]:
    """Delete it; or skip it, and keep it."""
    node = _node(facts, problem)
    return _without(node)[::-1] if node else []


def invalid(facts: Facts, problem: Problem) -> list[Fix]:
    """A param that fits: the name that was meant, the nearest bound, or the default."""
    node = _node(facts, problem)
    cls = facts.resolved.catalog.get(node.kind) if node else None
    name = problem.param
    if node is None or cls is None or name is None or name not in node.params:
        return []
    if name not in cls.Params.model_fields:
        free = [known for known in cls.Params.model_fields if known not in node.params]
        renamed = [
            Fix(
                f"Call it {meant}",
                SetParams(node=node.id, params={meant: node.params[name]}, unset=(name,)),
            )
            for meant in close_to(name, free, 1)
        ]
        return [*renamed, Fix("Remove it", SetParams(node=node.id, unset=(name,)))]
    spec = next((one for one in fields_of(node_declaration(cls)) if one.name == name), None)
    bound = _within(spec, node.params[name]) if spec else None
    nearest = [Fix(f"Set it to {bound:g}", _set(node, name, bound))] if bound is not None else []
    return [*nearest, *_unset(cls, node, name, "Back to default")]


def plain_secret(facts: Facts, problem: Problem) -> list[Fix]:
    """The key out of the file: named where the param takes a name, else cut out of its text."""
    node = _node(facts, problem)
    if node is None:
        return [
            Fix(
                TAKE_OUT,
                Batch(ops=tuple(_without_keys(facts.resolved.flow)), label="take out keys"),
            )
        ]
    name = problem.param or ""
    if name not in node.params:
        return [Fix(TAKE_OUT, Rename(node=node.id, title=without_secrets(node.title)))]
    cls = facts.resolved.catalog.get(node.kind)
    declared = fields_of(node_declaration(cls)) if cls else []
    spec = next((one for one in declared if one.name == name), None)
    if spec is not None and spec.shape == "secret":
        secret = name.upper()
        return [Fix(f"Name it {secret} instead", _set(node, name, {"secret": secret}))]
    return [Fix(TAKE_OUT, _set(node, name, without_secrets(node.params[name])))]


def _without_keys(flow: Flow) -> Iterator[Operation]:
    """The edits that take keys out of what belongs to no node: names, notes, variables."""
    if holds_secret([flow.name, flow.description]):
        name, about = without_secrets(flow.name), without_secrets(flow.description)
        yield SetMeta(name=name, description=about)
    values = [[one.value, one.environments] for one in flow.variables]
    if holds_secret(values):
        cut = [
            one.model_copy(update={"value": value, "environments": others})
            for one, (value, others) in zip(flow.variables, without_secrets(values), strict=True)
        ]
        yield SetMeta(variables=tuple(cut))
    for note in flow.notes:
        if holds_secret(note.text):
            yield EditNote(note=note.id, text=without_secrets(note.text))
    for group in flow.groups:
        if holds_secret(group.title):
            yield EditGroup(group=group.id, title=without_secrets(group.title))


def variable(facts: Facts, problem: Problem) -> list[Fix]:
    """A variable that is there, or none; of two with one name the second gets another."""
    declared, node = facts.resolved.flow.variables, _node(facts, problem)
    if node is None:
        return _variables(declared)
    cls, name = facts.resolved.catalog.get(node.kind), problem.param or ""
    value = node.params.get(name)
    if cls is None or not isinstance(value, dict):
        return []
    asked = str(value.get("variable", ""))
    names = list(dict.fromkeys(one.name for one in declared))
    takes = [
        Fix(f"Take “{meant}”", _set(node, name, {"variable": meant}))
        for meant in close_to(asked, names, 1)
    ]
    new = Fix(
        f"Add the variable “{asked}”",
        SetMeta(variables=(*declared, FlowVariable(name=asked, value=_default(cls, name)))),
    )
    return [*takes, *_unset(cls, node, name, "Back to default"), *([new] if asked else [])]


def memory(facts: Facts, problem: Problem) -> list[Fix]:
    """Half the context, or a quarter: the longest with which all models fit."""
    from patchbay.flows.checks.rules.resources import fits

    flow = facts.resolved.flow
    for share in sorted(facts.memory.shares, key=lambda one: -(one.size or 0)):
        node = flow.by_id().get(share.node)
        context = _context(facts, node) if node else None
        while node is not None and context is not None and (context := context // 2) >= SHORTEST:
            lighter = flow.with_params({node.id: {**node.params, "context": context}})
            now = Facts(
                resolve_once(lighter, facts.resolved.catalog, facts.folder),
                facts.folder,
                facts.file,
            )
            if now.memory.total and fits(now.memory):
                title = node.title or facts.resolved.catalog.get(node.kind).title  # type: ignore[union-attr]
                label = f"A context of {context:,} for “{title}”"
                return [Fix(label, _set(node, "context", context))]
    return []


# --- parts ----------------------------------------------------------------------------------------


def _node(facts: Facts, problem: Problem) -> NodeInstance | None:
    return facts.resolved.flow.by_id().get(problem.node or "")


def _set(node: NodeInstance, name: str, value: Any) -> SetParams:
    return SetParams(node=node.id, params={name: value})


def _without(node: NodeInstance) -> list[Fix]:
    return [
        Fix("Switch it off", Disable(nodes=(node.id,))),
        Fix("Delete the node", Remove(nodes=(node.id,))),
    ]


def _unset(cls: type[Node], node: NodeInstance, name: str, label: str) -> list[Fix]:
    """A param without a value of its own, where it has a default."""
    field = cls.Params.model_fields.get(name)
    if field is None or field.is_required() or name not in node.params:
        return []
    return [Fix(label, SetParams(node=node.id, unset=(name,)))]


def _within(spec: FieldSpec, value: Any) -> float | None:
    """The bound that a number is beyond; None where it is beyond none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if spec.minimum is not None and value < spec.minimum:
        return spec.minimum
    if spec.maximum is not None and value > spec.maximum:
        return spec.maximum
    return None


def _default(cls: type[Node], name: str) -> Any:
    spec = next((one for one in fields_of(node_declaration(cls)) if one.name == name), None)
    return spec.default if spec else None


def _variables(declared: tuple[FlowVariable, ...]) -> list[Fix]:
    """Each name once; and without those that hold secrets, which are named in params."""
    taken, own, plain = set[str](), list[FlowVariable](), list[FlowVariable]()
    for one in declared:
        name, number = one.name, 2
        while name in taken:
            name, number = f"{one.name}_{number}", number + 1
        taken.add(name)
        own.append(one.model_copy(update={"name": name}))
        values = (one.value, *one.environments.values())
        if not any(isinstance(value, dict) and set(value) == {"secret"} for value in values):
            plain.append(one)
    found = []
    if [one.name for one in own] != [one.name for one in declared]:
        found.append(Fix("Give each its own name", SetMeta(variables=tuple(own))))
    if len(plain) < len(declared):
        found.append(Fix("Remove what names a secret", SetMeta(variables=tuple(plain))))
    return found


def _context(facts: Facts, node: NodeInstance) -> int | None:
    cls = facts.resolved.catalog.get(node.kind)
    value = node.params.get("context", _default(cls, "context") if cls else None)
    return value if isinstance(value, int) and value > 0 else None
