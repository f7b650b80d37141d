"""Rows of a source that nothing is known of but what it gives: a database, standard input.

When a batch is gone on with, the rows that it had read must come again as they were, else rows
would be lost and others be there twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from patchbay.flows.batch.rows import Row, bad
from patchbay.flows.batch.spool import Spool
from patchbay.flows.problems import Problem


class KnownRows:
    """Hands rows on, and keeps a hash of all that it has handed on.

    Args:
        each: the rows from the first one on.
        spool: says how many were read before, and their hash; gets both on `mark`.
        parts: the shard that this batch does of how many; the rows of others are not kept.
    """

    def __init__(self, each: Iterator[Row], spool: Spool, parts: tuple[int, int]) -> None:
        self._each, self._spool, self._parts = each, spool, parts
        self._hash = hashlib.sha256()
        self._read = 0
        self._checked = False

    def __iter__(self) -> Iterator[Row]:
        yield from self._again()
        for row in self._each:
            self._add(row)
            yield row

    def mark(self) -> None:
        """Have the spool say how far the rows are known; nothing before they have been checked."""
        if self._checked:
            self._spool.done.read, self._spool.done.digest = self._read, self._hash.hexdigest()

    def _again(self) -> list[Row]:
        """The rows that were read before and are not done, once all are known to be as they were.

        Raises:
            FlowError: they are not.
        """
        done = self._spool.done
        left: list[Row] = []
        while self._read < done.read and (row := next(self._each, None)) is not None:
            self._add(row)
            if self._is_left(row):
                left.append(row)
        if done.read and (self._read, self._hash.hexdigest()) != (done.read, done.digest):
            message = f"The first {done.read:,} rows are not those that the batch was begun with."
            fix = "Give the same rows in the same order (order by, in a query), or begin anew."
            raise bad("batch/changed", message, fix)
        self._checked = True
        return left

    def _is_left(self, row: Row) -> bool:
        number, part = divmod(row[0], self._parts[1])
        return part == self._parts[0] and not self._spool.has(number)

    def _add(self, row: Row) -> None:
        cells = row[1]
        said: Any = cells.message if isinstance(cells, Problem) else list(cells.items())
        self._hash.update(json.dumps(said, default=repr).encode() + b"\n")
        self._read += 1
