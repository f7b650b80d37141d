"""The journal of a recorded run: its events, and the steps inside its nodes.

A step is something that must not happen twice, such as a call of a model or of a tool. Its result
is committed before anybody sees it. When its node runs again in the same run (after a kill, after a
failure, after an answer), the step with the same place and fingerprint gives its stored result.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from patchbay.flows.runs.context import SLOW_S
from patchbay.flows.runs.events import (
    Event,
    NodeFailed,
    NodeFinished,
    NodeProgress,
    NodeRetrying,
    NodeStarted,
    NodeStepped,
    NodeStopped,
    NodeStreamed,
    NodeWarned,
)
from patchbay.nodes.values import Value

StepPlace = tuple[str, int]
"""Where in a node a step is: the path of its lanes, and its number within the lane."""


PASSING = {NodeStreamed, NodeProgress}
"""Events that matter while they happen only; what they add up to is in `node_finished`."""
NOTABLE = {NodeFinished, NodeFailed, NodeStopped, NodeWarned, NodeStepped, NodeRetrying}
"""Events inside an item of a loop that are worth a record of their own, if they took long."""


class StepRecord(NamedTuple):
    """A step that was made. `value` is the JSON text of what it gave, `at` Unix time in seconds.

    `maker` is kind, version and edition of the node. With `replay` False what it gave counts only
    as long as a later step was built on it. `remade` steps are made anew by a retry of a node that
    failed for another reason than a step.
    """

    node: str
    lane: str
    count: int  # type: ignore[assignment]
    fingerprint: str
    label: str
    value: str
    key: str
    at: float
    maker: str = ""
    replay: bool = True
    remade: bool = False

    @property
    def place(self) -> StepPlace:
        """Where in its node it is."""
        return self.lane, self.count


BareStep = tuple[Any, ...]
"""A `StepRecord` as a plain tuple. A loop keeps very many, and Python's collector of garbage does
not look through plain tuples of texts and numbers."""


class Log(Protocol):
    """Where a journal is written."""

    def event(self, event: Event) -> None:
        """Write an event; committed with others, a moment later.

        Raises whatever the disk refused since the last call.
        """

    def step(self, record: StepRecord, *, instead: bool, waits: bool) -> Awaitable[None] | None:
        """Write a step; with `waits`, what is returned ends when it is on the disk.

        Args:
            record: the step.
            instead: whether another step may stand at its place, which goes.
            waits: whether somebody waits for it.
        """

    def forget(self, node: str, places: Iterable[StepPlace]) -> None:
        """Delete steps of a node."""

    def ended(self) -> None:
        """Its end is written already, by whoever stopped it: write no other."""

    def hear_stop(self, stop: Callable[[], None]) -> None:
        """Call this, on another thread, when somebody elsewhere wants the run to stop."""

    def settle(self) -> None:
        """Wait until all is on the disk.

        Raises whatever the disk refused.
        """


class Journal:
    """A sink of a run's events that keeps the steps of its nodes as well.

    Args:
        run: the id of the run.
        log: where it is written.
        types: the types of values that plugins bring, by tag.
    """

    keeps_steps = True
    """What tells a journal from other sinks."""

    def __init__(self, run: str, log: Log, types: Mapping[str, type[Value]] | None = None) -> None:
        self.run, self.log, self.types = run, log, types
        self.broken = False
        """Whether the disk has refused: then steps are given again but no more are written."""
        self._known: dict[str, dict[str, dict[StepPlace, BareStep]]] = {}
        self._loops: set[str] = set()
        self._unwritten: dict[str, list[NodeFinished]] = {}
        """What nodes inside items have given that have not ended, by the item."""

    def load(self, steps: Iterable[StepRecord]) -> None:
        """Take in the steps of nodes that had not finished, in the order of their making."""
        for step in steps:
            self.of(step.node)[step.place] = tuple(step)

    def of(self, node: str) -> dict[StepPlace, BareStep]:
        """The steps that a node has made, in order; the node adds to them.

        They are kept until the node of the whole run has ended that it is, or is inside of: when
        that runs again, so do the nodes inside.
        """
        top = node.partition("/")[0]
        return self._known.setdefault(top, {}).setdefault(node, {})

    def __call__(self, event: Event) -> None:
        """Record an event."""
        kind = type(event)
        if kind in PASSING:
            return
        node = getattr(event, "node", "")
        if self._loops and (item := self._in_loop(node)):
            if kind is not NodeStarted:
                self._inside(item, event)
            return
        if type(event) is NodeFinished:
            if "/" not in node:
                self._known.pop(node, None)
            if event.source == "resumed":
                return  # it stands here already
        self.log.event(event)

    # --- loops ------------------------------------------------------------------------------

    def _inside(self, item: str, event: Event) -> None:
        """An event inside an item."""
        if type(event) is NodeFinished and not _is_long(event):
            if event.source != "resumed":
                self._unwritten.setdefault(item, []).append(event)
        elif type(event) in NOTABLE:
            self.log.event(event)

    def enter(self, path: str) -> None:
        """An item of a loop begins: it is one record, made at its end."""
        self._loops.add(path)

    def leave(self, path: str) -> None:
        """An item of a loop has ended."""
        self._loops.discard(path)
        self._unwritten.pop(path, None)

    def write(self, path: str) -> None:
        """An item waits for a person: what is done inside it must not be done again."""
        for event in self._unwritten.pop(path, []):
            self.log.event(event)

    def ended(self, path: str) -> None:
        """The steps inside an item that is recorded are of no use any more."""
        nodes = self._known.get(path.partition("/")[0], {})
        if len(nodes) > 1:  # else there is only the node whose item it is
            within = f"{path}/"
            for node in [node for node in nodes if node.startswith(within)]:
                del nodes[node]

    def _in_loop(self, node: str) -> str:
        """The item that a node is inside of; "" for none."""
        at = node.rfind("/")
        while at > 0:
            outer = node[:at]
            if outer in self._loops:
                return outer
            at = node.rfind("/", 0, at)
        return ""


def _is_long(event: NodeFinished) -> bool:
    """Whether a node inside an item took so long that it is worth a record of its own."""
    return event.source == "run" and event.seconds >= SLOW_S
