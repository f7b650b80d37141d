"""Rows that are done before an earlier one, where their order is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from patchbay.flows.runs.events import Tokens

WINDOW = 2_000
"""How many rows may be done before one that is not: they are in memory where order is kept."""

LARGE = 16_000_000
"""So many bytes of results that wait for an earlier row hold back further rows."""


class DoneRow(NamedTuple):
    """What is kept of a row, and what it used.

    That counts when the row is kept: once, however often the row is run.
    """

    line: bytes
    failed: bool
    tokens: Tokens
    cost: Mapping[str, float]


class HeldRows:
    """Rows that are done and wait in memory for an earlier one, by number."""

    def __init__(self) -> None:
        self._rows: dict[int, DoneRow] = {}
        self._bytes = self.tokens = 0
        self.cost = 0.0

    def add(self, number: int, row: DoneRow) -> None:
        """Hold one."""
        self._rows[number] = row
        self._bytes += len(row.line)
        self.tokens += row.tokens.total
        self.cost += sum(row.cost.values())

    def pop(self, number: int) -> DoneRow | None:
        """Let one go, where it is here."""
        row = self._rows.pop(number, None)
        if row is not None:
            self._bytes -= len(row.line)
            self.tokens -= row.tokens.total
            self.cost = self.cost - sum(row.cost.values()) if self._rows else 0.0
        return row

    @property
    def is_full(self) -> bool:
        """Whether so much waits that no further row should begin."""
        return len(self._rows) >= WINDOW or self._bytes >= LARGE
