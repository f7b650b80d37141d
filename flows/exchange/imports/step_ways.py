"""What is known where a step begins, in the order in which steps follow each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from patchbay.flows.exchange.imports.references import Output, ValueSource

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.draft import Draft


@dataclass(frozen=True, slots=True)
class StepWords:
    """What a step has said, for the steps after it."""

    step: str
    name: str
    end: str
    role: str
    text: str = ""
    """A template around it, with `{it}`; empty: the words alone."""


@dataclass(slots=True)
class StepWay:
    """What is known where a step begins."""

    gate: str = ""
    """The end that gives the question on this way; "" for the flow's own."""
    said: list[StepWords] = field(default_factory=list)
    whole: bool = False
    """Whether the gate gives the whole conversation so far, and not the question alone."""
    state: dict[str, ValueSource] = field(default_factory=dict)
    """The shared state: key → where its value comes from."""

    def after(self, *said: StepWords) -> StepWay:
        """The way once these words were said."""
        return StepWay(self.gate, [*self.said, *said], self.whole, self.state)

    def through(self, gate: str) -> StepWay:
        """The way behind a switch."""
        return StepWay(gate, self.said, self.whole, self.state)


def merge(draft: Draft, ends: list[str], carries: str = "text") -> str:
    """One end of several that exclude each other."""
    ends = list(dict.fromkeys(ends))
    if len(ends) == 1:
        return ends[0]
    made = draft.add("merge", "logic.merge", {} if carries == "text" else {"carries": carries})
    for end in ends:
        draft.wire(end, f"{made}.values")
    return f"{made}.value"


def merged_state(draft: Draft, ways: list[StepWay]) -> dict[str, ValueSource]:
    """The state where ways meet: of a key that several set, what was set on the way taken."""
    found: dict[str, ValueSource] = {}
    for key in dict.fromkeys(key for way in ways for key in way.state):
        sources = list(dict.fromkeys(way.state[key] for way in ways if key in way.state))
        if len(sources) == 1:
            found[key] = sources[0]
            continue
        # What was set last comes first: earlier values are there on every way.
        ends = [source.end for source in sources if isinstance(source, Output)]
        places = list(draft.nodes)
        ends.sort(key=lambda end: -places.index(end.partition(".")[0]))
        found[key] = Output("", "", merge(draft, ends)) if ends else sources[-1]
    return found
