"""The desk of a recorded run: its questions in the history, and what has been answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.asking import Together
from patchbay.flows.runs.environment import Stored
from patchbay.flows.runs.events import NodeAnswered, NodeAsked, RunWaiting
from patchbay.nodes.values import Value

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History


class RecordedDesk:
    """Keeps the questions of one run in the history. See `asking.Desk`.

    Args:
        history: where the run is recorded.
        run: its id.
        types: values that may be stored, beside those that everybody knows.
        again: whether the run has been under way before, so that there may be answers.
    """

    def __init__(
        self, history: History, run: str, types: Mapping[str, type[Value]], *, again: bool = False
    ) -> None:
        self._history, self._run, self._types = history, run, types
        self._digests: dict[str, str] = {}
        self._nodes: dict[str, str] = {}
        self._answers: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self.expected = again
        self.listeners: set[Callable[[], None]] = set()
        self.together = Together()
        if again:
            for question in history.inbox.of_run(run):
                self._digests[question.id] = question.digest
                self._nodes[question.id] = question.node
            self.refresh()

    def digest_of(self, question: str) -> str | None:
        """The digest of the question with this id."""
        return self._digests.get(question)

    def answer_to(self, question: str) -> dict[str, Any] | None:
        """The stored form of its answer, as far as this run has heard of it."""
        return self._answers.get(question)

    def put(self, event: NodeAsked, digest: str) -> None:
        """Keep a question."""
        self._history.settle()  # what came before it stands before it
        self._history.inbox.put(self._run, event, digest)
        self._digests[event.question], self._nodes[event.question] = digest, event.node

    def withdraw(self, question: str) -> None:
        """Nobody needs the answer any more."""
        if question not in self._answers:
            self._history.inbox.withdraw(self._run, question)

    def refresh(self) -> list[NodeAnswered]:
        """What has been answered since the last look, deadlines that have passed too."""
        with self._lock:
            self._history.inbox.take_due(time.time(), self._run)
            heard = self._history.inbox.hear(self._run, self._answers)
            # One that is being put just now is answered when it has been told of.
            found = {question: a for question, a in heard.items() if question in self._nodes}
            self._answers.update(found)
            return [
                NodeAnswered(
                    at=answer["at"],
                    node=self._nodes[question],
                    question=question,
                    author=answer["author"],
                    answer=answer,
                )
                for question, answer in found.items()
            ]

    def sleep(self, event: RunWaiting) -> bool:
        """Put the run to sleep, unless there is an answer that it has not heard of."""
        self._history.settle()
        return self._history.inbox.sleep(self._run, event)

    def stop(self) -> bool:
        """Stop the run that sleeps, unless somebody has gone on with it. Whether that was done."""
        from patchbay.flows.runs.stopping import stopped_asleep

        return stopped_asleep(self._history, self._run)

    def stored(self) -> Mapping[str, Stored]:
        """What the nodes of the run have given so far, by path."""
        self._history.settle()
        return self._history.stored(self._run, self._types)
