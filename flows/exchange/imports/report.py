"""What became of a file: mapped, approximated, to be named, refused. Every import ends in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from patchbay.flows.wording import printable

ImportStatus = Literal["mapped", "approximated", "name", "refused"]

HEADINGS: dict[ImportStatus, str] = {
    "mapped": "Mapped",
    "approximated": "Approximated: this differs from the original",
    "name": "For you to name",
    "refused": "Not taken over; a switched-off stub keeps the place",
}


class Entry(NamedTuple):
    """One line of the report."""

    status: ImportStatus
    what: str
    """The node there: its title and its type."""
    words: str = ""
    """What it became, how it differs, what to name, or why it was refused."""
    node: str = ""
    """The id of the node here, where there is one."""


@lru_cache(maxsize=1024)
def _printable(words: str) -> str:
    """Words of a table, which come again and again."""
    return printable(words, 700)


@dataclass(slots=True)
class ImportReport:
    """What became of one file."""

    builder: str
    entries: list[Entry] = field(default_factory=list)
    _known: set[Entry] = field(default_factory=set, repr=False, compare=False)

    def add(self, status: ImportStatus, what: str, words: str = "", node: str = "") -> None:
        """Add a line, once."""
        entry = Entry(status, printable(what, 160), _printable(words), node)
        if entry not in self._known:
            self._known.add(entry)
            self.entries.append(entry)

    def of(self, status: ImportStatus) -> list[Entry]:
        """The lines of one status."""
        return [entry for entry in self.entries if entry.status == status]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"builder": self.builder, "entries": [entry._asdict() for entry in self.entries]}

    def summary(self) -> str:
        """`12 mapped, 1 approximated, 2 to name, 1 refused`."""
        words = {"mapped": "mapped", "approximated": "approximated", "name": "to name"}
        words["refused"] = "refused"
        return ", ".join(f"{len(self.of(s))} {words[s]}" for s in HEADINGS if self.of(s))

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Imported from {self.builder}: {self.summary() or 'nothing'}"
        for status, heading in HEADINGS.items():
            entries = self.of(status)
            if not entries:
                continue
            yield f"{heading}:"
            for entry in entries:
                place = f" [{entry.node}]" if entry.node else ""
                yield f"  {entry.what}{place}" + (f": {entry.words}" if entry.words else "")
