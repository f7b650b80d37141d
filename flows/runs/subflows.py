"""Flows made ready to run: checked and planned; those that nodes run are found beside the flow."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from patchbay.flows.checks.locate import read_once, subflow_path
from patchbay.flows.checks.resolve import Resolved, resolve_once
from patchbay.flows.checks.validate import validate_resolved
from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError, Problem, errors
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.inputs import accept, flow_inputs
from patchbay.flows.runs.plan import Plan, make_plan, wanted_nodes
from patchbay.flows.runs.secrets import secret_names
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import InputField, NodeError
from patchbay.nodes.values import Spec, content_hash

MAX_DEPTH = 20
"""How many flows may be inside one another."""


@dataclass(frozen=True, slots=True)
class Subflow:
    """A flow that a node runs, ready to be run."""

    resolved: Resolved
    plan: Plan
    path: Path
    subflows: Subflows

    @property
    def folder(self) -> Path:
        """Where the flows and files lie that it names."""
        return self.path.parent

    @property
    def prepared(self) -> Prepared:
        """It as a flow of its own; whom it asks and its secrets are the outer flow's affair."""
        return Prepared(self.resolved, self.plan, self.subflows, (), ())

    def environment(self, env: Environment) -> Environment:
        """The outer run's environment, with this flow's folder."""
        return replace(env, folder=self.folder)

    @property
    def asks_people(self) -> bool:
        """Whether a node in it, or in a flow that it runs, may ask a person."""
        return next(asking(self.plan, self.subflows), None) is not None

    def asks(self) -> tuple[InputField, ...]:
        """The inputs that the flow asks for."""
        return tuple(field for _, field in flow_inputs(self.resolved))

    def accept(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Values for the flow's inputs.

        Raises:
            NodeError: they do not fit; the message lists everything.
        """
        try:
            return accept(self.resolved, given, self.plan.steps, from_person=False)
        except FlowError as error:
            raise as_node_error(error) from error


class Subflows:
    """The sub-flows of one flow. Each file is read once in a run."""

    def __init__(self, catalog: Catalog, folder: Path | None, variables: str = "") -> None:
        self._catalog, self._folder, self._variables = catalog, folder, variables
        self._open: dict[str, Subflow] = {}
        self._digests: dict[str, str] = {}

    def opened(self, name: str, depth: int) -> Subflow | None:
        """The flow of this name where it is open already, which reads nothing."""
        return self.open(name, depth) if name in self._open else None

    def open(self, name: str, depth: int) -> Subflow:
        """The flow of this name, `depth` flows deep. Reads its file: blocks.

        Raises:
            NodeError: there is none, it is broken, or flows are nested too deeply.
        """
        if depth > MAX_DEPTH:
            raise NodeError(
                f"Flows are nested more than {MAX_DEPTH} deep.",
                fix="Look for a flow that runs itself.",
                code="subflow/depth",
                retry=False,
            )
        if name not in self._open:
            try:
                self._open[name] = self._read(name)
            except FlowError as error:
                raise as_node_error(error) from error
        return self._open[name]

    def files(self) -> Iterator[Path]:
        """The files of the flows that have been opened, of those inside them too."""
        for sub in self._open.values():
            yield sub.path
            yield from sub.subflows.files()

    def digest(self, name: str, depth: int = 1) -> str:
        """A hash of the flow and of the flows it runs. Made once in a run."""
        if name not in self._digests:
            self._digests[name] = self._digest(name, depth)
        return self._digests[name]

    def _digest(self, name: str, depth: int) -> str:
        sub = self.open(name, depth)
        inner = [
            sub.subflows.digest(used, depth + 1)
            for step in sub.plan.steps.values()
            for used in step.subflows
        ]
        flow = sub.resolved.flow.model_copy(update={"layout": {}, "notes": (), "groups": ()})
        return content_hash([canonical_text(flow), *inner])

    def _read(self, name: str) -> Subflow:
        if self._folder is None:
            raise NodeError(
                f'The flow "{name}" cannot be found: the flow that runs it has no folder.',
                fix="Save it first, or load it from a file.",
                code="subflow/missing",
                retry=False,
            )
        path = subflow_path(self._folder, name)
        resolved = resolve_once(self._settled(read_once(path)), self._catalog, path.parent)
        problems = tuple(errors(validate_resolved(resolved, path.parent)))
        if problems:
            raise FlowError(problems)
        plan = make_plan(resolved)
        inner = Subflows(self._catalog, path.parent, self._variables)
        return Subflow(resolved, plan, path, inner)

    def _settled(self, flow: Flow) -> Flow:
        """With the values of the run's environment, where the flow has it."""
        if not flow.variables:
            return flow
        from patchbay.flows.document.variables import settled

        return settled(flow, self._variables, strict=False)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A flow that is checked and planned, for as many runs as there are of it.

    `asks` are the paths of the nodes that may ask a person, `secrets` the names of the secrets that
    the flow names itself.
    """

    resolved: Resolved
    plan: Plan
    subflows: Subflows
    asks: tuple[str, ...]
    secrets: tuple[str, ...]
    opens: tuple[Spec, ...] = ()
    """What several of its nodes describe, so that what they can share is opened once for all."""

    def refuse_to_ask(self) -> None:
        """Check that nothing in a run asks a person, where nobody can be asked.

        Raises:
            FlowError: these nodes do, themselves or in a flow that they run.
        """
        if self.asks:
            from patchbay.flows.runs.asking import NOBODY_FIX

            raise FlowError(
                Problem(
                    "question/nobody",
                    "It asks a person, and nobody can be asked: the run is not recorded.",
                    NOBODY_FIX,
                    node=path,
                )
                for path in self.asks
            )


def prepare(
    flow: Flow,
    catalog: Catalog,
    folder: Path | None,
    only: Collection[str] = (),
    variables: str = "",
    pinned: Collection[str] = (),
) -> Prepared:
    """Check and plan a flow.

    Args:
        flow: the flow.
        catalog: the kinds of nodes that there are.
        folder: where the flows and files lie that it names.
        only: ids of nodes; just these and what they need are looked at.
        variables: the environment whose values the variables have, of flows that it runs.
        pinned: ids of nodes that give what they are pinned to; what only they need is left out.

    Raises:
        FlowError: the flow has errors.
    """
    resolved = resolve_once(flow, catalog, folder)
    pinned = {node.id for node in flow.nodes if node.id in pinned and not node.disabled}
    _check(resolved, folder, only, pinned)
    plan, subflows = make_plan(resolved, only, pinned), Subflows(catalog, folder, variables)
    secrets = {name for node in resolved.nodes.values() for name in secret_names(node.params)}
    asks = tuple(asking(plan, subflows))
    opens = _opens(resolved, folder)
    return Prepared(resolved, plan, subflows, asks, tuple(sorted(secrets)), opens)


def _opens(resolved: Resolved, folder: Path | None) -> tuple[Spec, ...]:
    """What a run will open, where more than one node may describe it; else nothing to be said."""
    from patchbay.nodes.contract import DescribingNode

    nodes = resolved.nodes.values()
    describing = sum(
        node.cls is not None and issubclass(node.cls, DescribingNode) for node in nodes
    )
    if describing < 2 and not (describing and any(node.subflows for node in nodes)):
        return ()
    from patchbay.flows.checks.memory import memory_plan

    return tuple(share.spec for share in memory_plan(resolved, folder).shares)


def _check(
    resolved: Resolved, folder: Path | None, only: Collection[str], pinned: Collection[str]
) -> None:
    unknown = [node_id for node_id in only if node_id not in resolved.nodes]
    if unknown:
        ids = ", ".join(resolved.nodes)
        raise FlowError(
            Problem("run/unknown-node", f'There is no node "{node_id}".', f"There are: {ids}.")
            for node_id in unknown
        )
    found = list(errors(validate_resolved(resolved, folder)))
    if only or pinned:
        given = {i for i in pinned if resolved.nodes[i].outputs is not None}
        needed = {"", *wanted_nodes(resolved, only, pinned)} - given
        found = [p for p in found if p.node in needed]
    if found:
        raise FlowError(found)


def asking(plan: Plan, subflows: Subflows, prefix: str = "", depth: int = 1) -> Iterator[str]:
    """The paths of the nodes that may ask a person, in flows inside as well."""
    for step in plan.steps.values():
        if step.disabled or step.pinned:
            continue
        if step.cls.asks(step.params):
            yield prefix + step.id
        for name in step.subflows:
            with contextlib.suppress(NodeError):  # a broken flow says so when it is run
                inner = subflows.open(name, depth)
                yield from asking(inner.plan, inner.subflows, f"{prefix}{step.id}/", depth + 1)


def as_node_error(error: FlowError) -> NodeError:
    """What is wrong with a flow, for the node that runs it."""
    first = error.problems[0]
    return NodeError(
        " ".join(f"{problem.place}: {problem.message}".lstrip(": ") for problem in error.problems),
        fix=first.fix,
        code=first.code,
        retry=False,
    )


def item_failed(flow: str, problem: Problem) -> NodeError:
    """Why a flow that a node runs gave nothing, for that node."""
    message = f'In the flow "{flow}", {problem.place}: {problem.message}'
    return NodeError(message, fix=problem.fix, code=problem.code, retry=False)
