"""What a rule is, and the facts about a flow that the rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from flows.problems import Problem, Severity
from flows.resolve import Resolved, ResolvedNode
from flows.words import printable, quoted

Check = Callable[["Facts"], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong. The docstring of `check` is its page in docs/problems.md."""

    code: str
    severity: Severity
    check: Check

    @property
    def doc(self) -> str:
        """What the rule says, why, and what to do."""
        import inspect

        return inspect.getdoc(self.check) or ""


@dataclass(frozen=True)
class Facts:
    """A resolved flow and the folder it lies in, with what several rules derive from it."""

    resolved: Resolved
    folder: Path | None = None

    @cached_property
    def order(self) -> dict[str, int]:
        """Node id → its place in the document."""
        return {node_id: index for index, node_id in enumerate(self.resolved.nodes)}

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
        "node/unknown-kind", "node/missing-package", "node/version", "params/invalid",
        "node/ports", "wiring/required", "subflow/missing", "subflow/unreadable",
        "subflow/inputs", "subflow/outputs", "subflow/broken", "subflow/name",
    }
)  # fmt: skip
"""What only matters when the node runs."""
