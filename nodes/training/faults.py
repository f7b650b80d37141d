"""What is wrong with rows before anything is trained on them: named, with their numbers."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from patchbay.nodes.figures import Table
from patchbay.nodes.training.datasets import DataRow
from patchbay.nodes.training.tokens import (
    LOST_CALL,
    LOST_TOOLS,
    LOST_WHOLE,
    LOST_WORDS,
    RowReader,
)

SHOWN = 8
"""Numbers of rows that a message names."""

UNNAMED = "an answer without another name"
NO_LABEL, OTHER_LABEL = "without a text or a label", "another label than before"
MEANINGS: Mapping[str, str] = {
    "without an answer": "nothing could be learned from them; left out",
    "without a prompt": "nothing is asked before the answer; kept",
    "twice": "the same as an earlier row; left out",
    "asked before": "another answer to the same prompt as an earlier row; kept",
    "cut off": "longer than the limit of tokens, so that the end of the answer is lost; kept",
    "answer cut off whole": "the prompt alone fills the limit, so that nothing is learned; left "
    "out",
    UNNAMED: "none of those that its wording renames, so it stands as it is; kept",
    LOST_WHOLE: "the model's chat template does not write tool calls, and the answer has no words, "
    "so that saying nothing would be learned; left out",
    LOST_CALL: "the model's chat template does not write tool calls; kept",
    LOST_TOOLS: "the model's chat template does not tell of tools; kept",
    LOST_WORDS: "the model's chat template leaves out or changes some of what is said; kept",
    NO_LABEL: "there is nothing to label, or no label; left out",
    OTHER_LABEL: "the same text as an earlier row has, which has another label; kept",
}
"""What is found → what it means, and what became of such rows."""

DROPPED = ("without an answer", "twice", "answer cut off whole", LOST_WHOLE)
WITH = (UNNAMED, OTHER_LABEL, LOST_WHOLE, LOST_CALL, LOST_TOOLS, LOST_WORDS)
"""What rows have, and not what they are."""


@dataclass(slots=True)
class Faults:
    """Rows by what is wrong with them, numbered from 1."""

    found: dict[str, list[int]] = field(default_factory=dict)

    def add(self, what: str, number: int) -> None:
        """Take one in."""
        self.found.setdefault(what, []).append(number)

    @property
    def dropped(self) -> set[int]:
        """The rows that are left out."""
        return {number for what in DROPPED for number in self.found.get(what, ())}

    def sentences(self) -> list[str]:
        """One for each kind of fault."""
        return [
            f"{_rows(what, numbers)} {what}: {MEANINGS[what]}."
            for what, numbers in self.found.items()
        ]

    def table(self) -> list[tuple[JsonValue, ...]]:
        """A row for each kind of fault: what, how many, which, what it means."""
        return [
            (what, len(numbers), _listed(numbers), MEANINGS[what])
            for what, numbers in self.found.items()
        ]


def faults_of(
    rows: Sequence[DataRow], reader: RowReader | None, limit: int, unnamed: Collection[int] = ()
) -> Faults:
    """What is wrong with rows.

    Args:
        rows: of instruction data.
        reader: reads them as the model does, where that is known.
        limit: tokens that a row may have.
        unnamed: the numbers of those whose answer was to have another name, and has none.
    """
    faults = Faults()
    seen: set[str] = set()
    asked: set[str] = set()
    for number, row in enumerate(rows, 1):
        turns = [m for m in row["messages"] if m["role"] == "assistant"]
        if not any(m["content"].strip() or m.get("tool_calls") for m in turns):
            faults.add("without an answer", number)
            continue
        whole = _said([row["messages"], row.get("tools")])
        prompt = prompt_of(row)
        if whole in seen:
            faults.add("twice", number)
            continue
        if prompt in asked:
            faults.add("asked before", number)
        seen.add(whole)
        asked.add(prompt)
        if not any(m["content"].strip() for m in row["messages"] if m["role"] != "assistant"):
            faults.add("without a prompt", number)
        if number in unnamed:
            faults.add(UNNAMED, number)
        if reader is not None:
            _read(faults, row, number, reader, limit)
    return faults


def _read(faults: Faults, row: DataRow, number: int, reader: RowReader, limit: int) -> None:
    tokens = reader.tokens(row, number)
    if len(tokens.ids) > limit:
        whole_cut = not tokens.cut(limit).taught
        faults.add("answer cut off whole" if whole_cut else "cut off", number)
    for what in reader.lost(row, tokens, number):
        faults.add(what, number)


def prompt_of(row: DataRow) -> str:
    """All that is said besides the last answer, as JSON text; all where there is no answer."""
    turns = [m for m in row["messages"] if m["role"] == "assistant"]
    return _said([m for m in row["messages"] if not turns or m is not turns[-1]])


def faults_table(faults: Faults, rows: int, kept: int, title: str) -> Table:
    """All of it, with the counts that it leads to."""
    columns = ("what", "rows", "which", "meaning")
    head: list[tuple[JsonValue, ...]] = [("given", rows, "", "")]
    return Table(
        columns=columns,
        rows=(*head, *faults.table(), ("kept", kept, "", "")),
        title=title,
    )


def _said(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _rows(what: str, numbers: Sequence[int]) -> str:
    one = len(numbers) == 1
    verb = ("has" if one else "have") if what in WITH else ("is" if one else "are")
    return f"{'Row' if one else 'Rows'} {_listed(numbers)} {verb}"


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN]))
    rest = len(numbers) - SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
