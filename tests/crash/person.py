"""The person of a killed run: answers at random moments, twice now and then, or lets it be late."""

from __future__ import annotations

import random
import zlib
from typing import Any

from patchbay.flows.runs.answers import give
from patchbay.flows.runs.asking import DEADLINE
from patchbay.flows.runs.history import History
from patchbay.flows.runs.inbox import AlreadyAnsweredError, OpenQuestion
from tests.crash.faults import Ledger


class Person:
    """Answers questions of one run, always to the same question the same.

    Args:
        history: where the run is recorded.
        run: its id.
        chance: what it does when; without it, everything is answered at once and in order.
    """

    def __init__(self, history: History, run: str, chance: random.Random | None) -> None:
        self._history, self._run, self._chance = history, run, chance
        self._times = 0
        self.claimed = False
        """Whether the run was asleep when this person answered, and is theirs to go on with."""

    def happens(self, share: float) -> bool:
        """Whether something happens that does so in this share of the moments."""
        return self._chance is not None and self._chance.random() < share

    def answers(self) -> bool | None:
        """Answer a question, or let a deadline pass.

        Returns:
            Whether the run is now this process's to go on with; None where nothing is asked.
        """
        inbox = self._history.inbox
        asked = inbox.open(self._run)
        if not asked:
            return None
        one = asked[0] if self._chance is None else self._chance.choice(asked)
        Ledger.fault.moment()
        if one.until is not None and self.happens(0.5):
            inbox.take_due(one.until + 1, self._run)
            Ledger.fault.moment()
            return False
        try:
            mine = self._give(one)
        except AlreadyAnsweredError as error:
            if error.author != DEADLINE:  # it passed between the look and the answer
                raise
            mine = False
        Ledger.fault.moment()
        if self.happens(0.3):
            self._again(one)
        return mine

    def _give(self, asked: OpenQuestion) -> bool:
        self._times += 1
        author = f"{asked.id} {self._times}"
        value = answer_to(asked.asks, asked.id)
        comment = "Say it in fewer words." if value is False else ""
        return give(self._history, asked, value, author=author, comment=comment)

    def _again(self, asked: OpenQuestion) -> None:
        try:
            self._give(asked)
        except AlreadyAnsweredError:
            return
        raise AssertionError(f"{asked.id} was answered twice")

    def judge(self) -> None:
        """What nodes have heard is what is recorded.

        Raises:
            AssertionError: it is not, or a question is left.
        """
        given = self._history.inbox.answers_of(self._run)
        authors = {answer["author"] for answer in given.values()} | {DEADLINE}
        assert authors >= Ledger.heard, (Ledger.heard, authors)
        assert self._history.inbox.open(self._run) == []


def answer_to(asks: dict[str, Any], name: str) -> Any:
    """The answer to the question of that id; the same as its default, where it has one."""
    if "default" in asks:
        return asks["default"]
    wants = asks["wants"]
    if wants["kind"] == "approval":
        return asks["whom"] != EDITOR or "#" in name  # who edits wants it once more
    if wants["kind"] == "edit":
        return ["edited", asks["title"]]
    assert wants["kind"] == "decision", wants
    return DECISIONS[zlib.crc32(repr(wants["arguments"]).encode()) % len(DECISIONS)]


EDITOR = "the editor"
"""Rejects what is shown first."""

DECISIONS: tuple[dict[str, Any], ...] = (
    {"decision": "approve"},
    {"decision": "edit", "arguments": {"text": "something else"}},
    {"decision": "reject", "message": "Not this one."},
    {"decision": "respond", "message": "It is done already."},
)
