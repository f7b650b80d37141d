"""What a person should know of a run although it goes on, told from its events."""

from __future__ import annotations

from dataclasses import dataclass

from patchbay.flows.problems import Problem
from patchbay.flows.runs.events import (
    Event,
    NodeFailed,
    NodeRetrying,
    NodeWarned,
    RunFinished,
    RunWarned,
)
from patchbay.nodes.units import duration

NO_OUTPUT = "The run gave no output: every branch that leads to one was skipped."
WENT_ON = "It failed, and the run went on as it was told to"


@dataclass(frozen=True, slots=True)
class RunWarning:
    """A warning, and the node that it is of; "" where it is of the run itself."""

    node: str
    message: str


class Warnings:
    """Hears the events of one run, and says what is to be told of each."""

    def __init__(self) -> None:
        self._failed: dict[str, Problem] = {}

    def of(self, event: Event) -> list[RunWarning]:
        """The warnings in an event. Why a node failed is told when the run has gone on after it."""
        match event:
            case NodeWarned():
                return [RunWarning(event.node, event.message)]
            case RunWarned():
                return [RunWarning("", event.message)]
            case NodeRetrying():
                wait = f"Trying again in {duration(event.wait_s)}."
                return [RunWarning(event.node, f"{event.problem.message} {wait}")]
            case NodeFailed():
                self._failed[event.node] = event.problem
            case RunFinished():
                found = [RunWarning(node, self._why(node)) for node in event.failed]
                return found if event.outputs else [*found, RunWarning("", NO_OUTPUT)]
            case _:
                pass
        return []

    def _why(self, node: str) -> str:
        problem = self._failed.get(node)
        return f"{WENT_ON}." if problem is None else f"{WENT_ON}: {problem.message}"
