"""What becomes of the rows of a set in a training: counted, and said before it begins."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from patchbay.nodes.training.tokens import LOST_CALL, LOST_TOOLS, LOST_WHOLE, LOST_WORDS

CUT, CUT_WHOLE, ALIKE, NO_ROOM = "cut", "cut whole", "alike", "no room"
_WORDS = {
    CUT: "{are} longer than {limit:,} tokens; the end of an answer is cut off",
    CUT_WHOLE: "{are} left out: no word of an answer is within {limit:,} tokens",
    ALIKE: "{say} nothing: within {limit:,} tokens both answers are the same",
    NO_ROOM: "{are} left out: beside {limit:,} tokens there is no room for an answer",
    LOST_CALL: "{have} a tool call that the model's chat template does not write",
    LOST_TOOLS: "{have} tools that the model's chat template does not tell of",
    LOST_WORDS: "{have} words that the model's chat template leaves out or changes",
}
_VERBS = {"are": "is", "have": "has", "say": "says"}


@dataclass(slots=True)
class RowNotes:
    """Counts rows of a set by what becomes of them."""

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, what: str) -> None:
        """Take one in."""
        self.counts[LOST_CALL if what == LOST_WHOLE else what] += 1

    def sentences(self, limit: int, for_what: str) -> list[str]:
        """One for each kind.

        Args:
            limit: tokens that a row may have.
            for_what: what the rows are for, such as "to train on".
        """
        said = []
        for what, count in (+self.counts).items():
            verbs = {many: one if count == 1 else many for many, one in _VERBS.items()}
            told = _WORDS[what].format(limit=limit, **verbs)
            said.append(f"Of {self.rows:,} rows {for_what} {count:,} {told}.")
        return said
