"""What runs when, as pure functions over plain data.

A node is ready when every node it is wired to has settled: finished, been skipped, or failed. Then
`settle_inputs` says what goes in, or why it does not run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from patchbay.flows.checks.resolve import Resolved, ResolvedNode
from patchbay.flows.document.model import Edge, RunPolicy
from patchbay.flows.runs.at_once import never_waits
from patchbay.nodes.contract import UNSET, InputField, Node, NodeParams, Ports


@dataclass(frozen=True, slots=True)
class Delivered:
    """A node's outputs. An output that is missing was not this branch."""

    outputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Absent:
    """A node without outputs, and why in words."""

    reason: str


Outcome = Delivered | Absent


@dataclass(frozen=True, slots=True)
class Skip:
    """The node does not run."""

    reason: str


@dataclass(frozen=True, slots=True)
class PlanStep:
    """A node of the plan: what it is, its wires by input port, and who waits for it."""

    id: str
    cls: type[Node]
    params: Any
    inputs: type[Ports]
    outputs: type[Ports]
    policy: RunPolicy
    disabled: bool
    flow_input: InputField | None
    flow_output: str | None
    subflows: tuple[str, ...]
    wires: Mapping[str, tuple[Edge, ...]]
    sources: tuple[str, ...]
    unproven: tuple[str, ...]
    """Input ports whose wires promise only "any": what arrives there has to be looked at."""
    reads_files: bool = False
    """Whether its result depends on files that its params name."""
    at_once: bool = False
    """Whether neither the node nor the engine ever waits while it runs: it needs no task."""
    pinned: bool = False
    """Whether it gives what it is pinned to: it is not run, and waits for nothing."""
    dependents: list[str] = field(default_factory=list)
    ends: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = field(init=False)
    """The wires as they are looked at for every run: input port, then node and output of each."""

    def __post_init__(self) -> None:
        ends = (
            (port, tuple((edge.source_node, edge.source_port) for edge in edges))
            for port, edges in self.wires.items()
        )
        object.__setattr__(self, "ends", tuple(ends))


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps by id, in document order."""

    steps: dict[str, PlanStep]
    waiting: Mapping[str, int]
    """How many others each step waits for."""
    roots: tuple[PlanStep, ...]
    """The steps that wait for nothing."""


def make_plan(resolved: Resolved, only: Collection[str] = (), pinned: Collection[str] = ()) -> Plan:
    """The steps of a valid flow, or of what the nodes in `only` need.

    Nodes in `pinned` give what they are pinned to. What only they need is not run.

    Raises:
        ValueError: a node could not be resolved; validate first.
    """
    wanted = wanted_nodes(resolved, only, pinned)
    steps = {
        node_id: _make_step(node_id, resolved) for node_id in resolved.nodes if node_id in wanted
    }
    for node_id in pinned:
        if node_id in steps:
            steps[node_id] = _as_pinned(steps[node_id])
    for step in steps.values():
        for source in step.sources:
            steps[source].dependents.append(step.id)
    waiting = {step.id: len(step.sources) for step in steps.values()}
    return Plan(steps, waiting, tuple(step for step in steps.values() if not step.sources))


def _as_pinned(step: PlanStep) -> PlanStep:
    return replace(
        step,
        flow_input=None,
        subflows=(),
        wires={},
        sources=(),
        unproven=(),
        reads_files=False,
        at_once=True,
        pinned=True,
        dependents=[],
    )


def _switched_off(node_id: str, resolved: Resolved) -> PlanStep:
    node = resolved.nodes[node_id]
    wires = {port: tuple(edges) for port, edges in resolved.incoming[node_id].items()}
    sources = dict.fromkeys(edge.source_node for edges in wires.values() for edge in edges)
    return PlanStep(
        id=node_id,
        cls=Node,  # type: ignore[type-abstract]
        params=NodeParams(),
        inputs=Ports,
        outputs=Ports,
        policy=node.instance.run,
        disabled=True,
        flow_input=None,
        flow_output=None,
        subflows=(),
        wires=wires,
        sources=tuple(sources),
        unproven=(),
    )


def _make_step(node_id: str, resolved: Resolved) -> PlanStep:
    node = resolved.nodes[node_id]
    if node.instance.disabled and node.cls is None:  # never runs, so it may be of any kind
        return _switched_off(node_id, resolved)
    if node.cls is None or node.params is None or node.inputs is None or node.outputs is None:
        raise ValueError(f"{node_id} is not a valid node; validate the flow first")
    wires = {port: tuple(edges) for port, edges in resolved.incoming[node_id].items()}
    sources = dict.fromkeys(edge.source_node for edges in wires.values() for edge in edges)
    reads_files = _reads_files(node.cls)
    return PlanStep(
        id=node_id,
        cls=node.cls,
        params=node.params,
        inputs=node.inputs,
        outputs=node.outputs,
        policy=node.instance.run,
        disabled=node.instance.disabled,
        flow_input=node.flow_input,
        flow_output=node.flow_output,
        subflows=tuple(use.flow for use in node.subflows),
        wires=wires,
        sources=tuple(sources),
        unproven=tuple(
            port for port, edges in wires.items() if _is_unproven(node, port, edges, resolved)
        ),
        reads_files=reads_files,
        at_once=not reads_files and _at_once(node.cls, node.instance.run),
    )


def _at_once(cls: type[Node], policy: RunPolicy) -> bool:
    """Whether nothing is waited for, where no file is read in a thread: no try after a pause."""
    if policy.retries or policy.timeout_s is not None:
        return False
    return cls.only_tells or never_waits(cls.run)


def _reads_files(cls: type[Node]) -> bool:
    """Whether the result of a node depends on files that its params name."""
    own = getattr(cls.content, "__func__", None)
    return own is not getattr(Node.content, "__func__", None)


def _is_unproven(
    node: ResolvedNode, port: str, edges: tuple[Edge, ...], resolved: Resolved
) -> bool:
    target = node.input(port)
    if target is None or "any" in target.type.ids:
        return False
    outputs = (resolved.nodes[edge.source_node].output(edge.source_port) for edge in edges)
    return any(output is not None and "any" in output.type.ids for output in outputs)


def wanted_nodes(
    resolved: Resolved, only: Collection[str], pinned: Collection[str]
) -> Collection[str]:
    """The nodes of a run: all, or what `only` need; without what only pinned nodes need."""
    if not pinned:
        return needed_by(resolved, only) if only else resolved.nodes.keys()
    ends = only or [i for i, wires in resolved.outgoing.items() if not any(wires.values())]
    return needed_by(resolved, ends, pinned)


def needed_by(
    resolved: Resolved, targets: Collection[str], pinned: Collection[str] = ()
) -> set[str]:
    """The nodes in `targets` and everything they are wired to, upstream, up to pinned nodes."""
    found: set[str] = set()
    stack = list(targets)
    while stack:
        node_id = stack.pop()
        if node_id not in found:
            found.add(node_id)
            if node_id in pinned:
                continue
            wires = resolved.incoming.get(node_id, {})
            stack.extend(edge.source_node for edges in wires.values() for edge in edges)
    return found


def settle_inputs(step: PlanStep, outcomes: Mapping[str, Outcome]) -> Ports | Skip:
    """The inputs of a step whose sources have all settled, or the reason to skip it.

    A required port that nothing was delivered to skips the node. So does a node all of whose wires
    stayed empty. Otherwise an empty optional port takes its default.
    """
    if step.disabled:
        return Skip("It is disabled.")
    values: dict[str, Any] = {}
    empty: list[str] = []
    declared = step.inputs.declared
    for name, ends in step.ends:
        arrived = []
        for node, port in ends:
            outcome = outcomes[node]
            if type(outcome) is Delivered:
                value = outcome.outputs.get(port, UNSET)
                if value is not UNSET:
                    arrived.append(value)
        if not arrived:
            empty.append(name)
        elif declared[name].type.many:
            values[name] = arrived
        else:
            values[name] = arrived[0]
    for name in empty:
        if declared[name].required or not values:
            return Skip(_why_empty(name, step.wires[name], outcomes))
    return step.inputs(**values)


def _why_empty(port: str, edges: tuple[Edge, ...], outcomes: Mapping[str, Outcome]) -> str:
    reasons = []
    for edge in edges:
        outcome = outcomes[edge.source_node]
        if isinstance(outcome, Absent):
            reasons.append(f'"{edge.source_node}" gave nothing ({outcome.reason.rstrip(".")})')
        else:
            reasons.append(f'"{edge.source}" is not this branch')
    return f'Nothing arrived at "{port}": {"; ".join(reasons)}.'
