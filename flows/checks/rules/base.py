"""What a rule is, and the facts about a flow that the rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from patchbay.flows.checks.conditions import Conditions
from patchbay.flows.checks.described import Described, describe_flow
from patchbay.flows.checks.memory import MemoryPlan, memory_plan
from patchbay.flows.checks.resolve import Resolved, ResolvedNode
from patchbay.flows.checks.rules.offers import Offers
from patchbay.flows.document.graph import generations
from patchbay.flows.document.model import Edge
from patchbay.flows.problems import Problem, Severity
from patchbay.flows.wording import printable, quoted


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: words and a place. The rule's code and severity are stamped on it."""

    message: str
    fix: str = ""
    node: str | None = None
    port: str | None = None
    param: str | None = None

    @staticmethod
    def of(problem: Problem) -> Finding:
        """What somebody else found, without its stamp."""
        return Finding(problem.message, problem.fix, problem.node, problem.port, problem.param)


Check = Callable[["Facts"], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong. The docstring of `check` is its page in docs/problems.md.

    Code and severity are said here and nowhere else.
    """

    code: str
    severity: Severity
    check: Check

    def problems(self, facts: Facts) -> Iterator[Problem]:
        """All that the rule finds wrong."""
        for found in self.check(facts):
            yield Problem(
                self.code,
                found.message,
                found.fix,
                found.node,
                found.port,
                found.param,
                self.severity,
            )

    @property
    def doc(self) -> str:
        """What the rule says, why, and what to do."""
        import inspect

        return inspect.getdoc(self.check) or ""


@dataclass
class Facts:
    """A resolved flow and the folder it lies in, with what several rules derive from it."""

    resolved: Resolved
    folder: Path | None = None
    file: str = ""
    """The flow's own file name, so that it is noticed when it runs itself."""
    subflow_problems: list[Problem] | None = None
    """What was found about the flows that this one runs, once looked at."""

    @cached_property
    def order(self) -> dict[str, int]:
        """Node id → its place in the document."""
        return {node_id: index for index, node_id in enumerate(self.resolved.nodes)}

    @cached_property
    def conditions(self) -> Conditions:
        """What must hold for each node and wire."""
        return Conditions(self.resolved)

    @cached_property
    def offers(self) -> Offers:
        """What would fit where."""
        return Offers(self.resolved, self.generations)

    @cached_property
    def generations(self) -> dict[str, int]:
        """Node id → length of the longest way to it; none on and behind cycles."""
        return generations(self.resolved.links)

    @cached_property
    def described(self) -> Described:
        """What travels on the wires of nodes that only describe."""
        return describe_flow(self.resolved, self.generations)

    @cached_property
    def memory(self) -> MemoryPlan:
        """What its models take, with those of the flows that it runs."""
        return memory_plan(self.resolved, self.folder, self.described)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Node id → the flow output that it stands for."""
        found = self.resolved.nodes.items()
        return {i: node.flow_output for i, node in found if node.flow_output is not None}

    @cached_property
    def dead(self) -> dict[str, str]:
        """Nodes that cannot run because a node is disabled → that node."""
        if not any(node.instance.disabled for node in self.nodes()):
            return {}
        found: dict[str, str] = {}
        for node_id in self.generations:
            cause = node_id if self.resolved.nodes[node_id].instance.disabled else None
            cause = cause or self._starved_by(node_id, found)
            if cause:
                found[node_id] = cause
        return found

    def _starved_by(self, node_id: str, dead: dict[str, str]) -> str | None:
        wires = self.wires_of(node_id)
        for port, edges in self.resolved.incoming[node_id].items():
            declared = self.resolved.nodes[node_id].input(port)
            needed = len(wires) == 1 or (declared is not None and declared.required)
            if needed and all(edge.source_node in dead for edge in edges):
                return dead[edges[0].source_node]
        return None

    def wires_of(self, node_id: str) -> list[list[Edge]]:
        """The wires into a node, port by port."""
        return list(self.resolved.incoming[node_id].values())

    def nodes(self) -> Iterator[ResolvedNode]:
        """All nodes, in document order."""
        return iter(self.resolved.nodes.values())

    def name(self, node_id: str) -> str:
        """What to call a node in a message: its id, with its title where it has one."""
        node = self.resolved.nodes.get(node_id)
        title = node.instance.title if node else None
        return f"{quoted(title)} ({node_id})" if title else quoted(node_id)

    def end(self, node_id: str, port: str) -> str:
        """What to call one end of a wire: `"node.port"`, with the node's title."""
        node = self.resolved.nodes.get(node_id)
        title = node.instance.title if node else None
        return quoted(f"{node_id}.{port}", 140) + (f" ({printable(title)})" if title else "")

    def in_order(self, problems: Iterable[Problem]) -> list[Problem]:
        """By place: the flow as a whole, then node by node; errors before warnings.

        What is wrong inside a disabled node does not keep the rest from running: a warning.
        """
        last = len(self.order)

        def place(problem: Problem) -> tuple[int, str, str, str]:
            index = -1 if problem.node is None else self.order.get(problem.node, last)
            inner = problem.port or problem.param or ""
            return (index, inner, problem.severity, problem.code)

        return sorted((self._eased(problem) for problem in problems), key=place)

    def _eased(self, problem: Problem) -> Problem:
        node = self.resolved.nodes.get(problem.node or "")
        if node is None or not node.instance.disabled or problem.severity != "error":
            return problem
        if problem.code in INSIDE:
            return replace(problem, severity="warning")
        return problem


INSIDE = frozenset(
    {
        "node/missing-package", "node/description", "wiring/required", "subflow/name",
        "subflow/missing", "subflow/unreadable", "subflow/inputs", "subflow/outputs",
        "subflow/broken",
    }
)  # fmt: skip
"""What only matters when the node runs."""
