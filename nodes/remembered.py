"""What outlives a run, as a node sees it: `Context.memory`. Implemented by the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Scope = Literal["thread", "flow", "person"]
"""Whose a fact is: one conversation's, one flow's, or one person's."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something remembered.

    `embeddings` says by which model its `vector` was made; "" where it has none. `at` is the Unix
    time in seconds at which it was stored.
    """

    text: str
    embeddings: str = ""
    vector: tuple[float, ...] = ()
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """A running summary of the first `covered` messages of a conversation.

    `digest` is of those messages: where it is another one, the summary is of something else.
    """

    covered: int
    digest: str
    text: str


class Remembered(Protocol):
    """What is kept of the run's thread, flow and person. Every method may block.

    Raises:
        NodeError: nothing is kept in this scope (the run is in no thread), or the disk refuses; so
            it goes with every method.
    """

    def store(self, scope: Scope, fact: Fact) -> bool:
        """Keep a fact. False where its text is kept already."""

    def facts(self, scope: Scope) -> list[Fact]:
        """All facts, the oldest first, as they are on the disk now."""

    def summary(self, node: str) -> Summary | None:
        """The summary that a node keeps of this thread; None where there is none, or no thread."""

    def keep_summary(self, node: str, summary: Summary) -> None:
        """Keep it, where there is a thread."""
