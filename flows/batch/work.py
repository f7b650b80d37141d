"""The work of a batch: rows in, runs, results kept; in order where that is wanted."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from patchbay.flows.batch.held_rows import DoneRow, HeldRows
from patchbay.flows.batch.known_rows import KnownRows
from patchbay.flows.batch.plain_cells import plain_cell
from patchbay.flows.batch.progress import BatchProgress
from patchbay.flows.batch.row_map import RowMap
from patchbay.flows.batch.rows import Row, RowCells, Rows
from patchbay.flows.batch.runner import RowJob, RowResult, RowRunner
from patchbay.flows.batch.spool import BatchDone, Spool
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.events import Tokens
from patchbay.flows.runs.prices import Prices
from patchbay.nodes.values import encode

COMMIT_S = 0.25
"""How often what is kept is put on the disk, in seconds: so much is run again after a kill, and
where order is kept the rows that wait for an earlier one."""


class Budget:
    """What a batch may use: tokens, and money in one currency. None is no bound."""

    def __init__(
        self, tokens: int | None = None, money: float | None = None, prices: Prices | None = None
    ) -> None:
        self.tokens, self.money, self.prices = tokens, money, prices or Prices()

    def spent(self, done: BatchDone, held: HeldRows) -> str:
        """Why no further row may begin; "" where one may."""
        used = done.prompt_tokens + done.completion_tokens + held.tokens
        if self.tokens is not None and used >= self.tokens:
            return f"It has used {used:,} tokens of {self.tokens:,}."
        cost = sum(done.cost.values()) + held.cost
        if self.money is not None and cost >= self.money:
            return f"It has cost {cost:.4g} of {self.money:g}."
        return ""

    def cost(self, tokens: Tokens) -> tuple[Mapping[str, float], Problem | None]:
        """What tokens cost by currency; why no further row may begin, where that is not known."""
        cost = self.prices.cost(tokens)
        if self.money is None or not cost.unknown:
            return cost.amounts, None
        message = f"It may cost {self.money:g}, and {', '.join(cost.unknown)} has no price."
        fix = "Write it into [prices.models] of settings.toml, or bound the tokens; then --resume."
        return cost.amounts, Problem("batch/prices", message, fix)


class BatchWork:
    """One go at a batch: until all rows are done, or something stops it.

    Args:
        rows: where rows come from.
        row_map: what of a row goes where.
        runner: runs them.
        spool: keeps what they gave.
        ordered: whether results are kept in the order of the rows.
        shard: which part of how many: rows whose number, divided by the second, leaves the first.
        known: whether what the rows are is known without reading them; if not, those that were
            read before are compared.
        budget: what may be used.
        stop_at_failure: whether the first row that fails ends it.
        watch: is told how far it is, whenever something was put on the disk.
    """

    def __init__(
        self,
        rows: Rows,
        row_map: RowMap,
        runner: RowRunner,
        spool: Spool,
        *,
        ordered: bool = True,
        shard: tuple[int, int] = (0, 1),
        known: bool = True,
        budget: Budget | None = None,
        stop_at_failure: bool = False,
        watch: Callable[[BatchProgress], None] | None = None,
    ) -> None:
        self._rows, self._map, self._runner, self._spool = rows, row_map, runner, spool
        self._ordered, self._shard = ordered, shard
        rows.below = spool.done.below * shard[1] if known else 0
        self._budget, self._stop_at_failure = budget or Budget(), stop_at_failure
        self._watch = watch or (lambda _: None)
        self._known = None if known else KnownRows(iter(rows.each), spool, shard)
        self._source: Iterator[Row] = iter(rows.each if self._known is None else self._known)
        self._next = spool.done.below if ordered else 0
        self._held = HeldRows()
        self._at_work: dict[int, RowCells] = {}
        self._exhausted = False
        self._room = asyncio.Event()
        self._committed = self._began = time.monotonic()
        self._before_s = spool.done.seconds
        self._progress = BatchProgress(spool.done, rows)
        self.stopped: Problem | None = None
        """Why it ended before the last row; None where it did not."""

    async def run(self) -> None:
        """Go over all rows. What is done is on the disk in the end, whatever ended it.

        Raises:
            OSError: the disk refuses.
            FlowError: the rows cannot be read any further.
        """
        ended = False
        try:
            async with asyncio.TaskGroup() as group:
                slots = [group.create_task(self._slot()) for _ in range(self._runner.slots)]
                group.create_task(self._commits(slots))
            ended = self.stopped is None
        except* (OSError, FlowError) as errors:
            raise errors.exceptions[0] from None
        finally:
            self._spool.done.whole = ended
            try:
                self._commit()
            finally:
                self._rows.close()
                await self._runner.close()

    async def _slot(self) -> None:
        while not self._exhausted:
            if jobs := self._take():
                for result in await self._runner.run(jobs):
                    self._put(result)
            if time.monotonic() - self._committed > COMMIT_S:
                self._commit()
                await asyncio.sleep(0)
            while self._is_full():
                self._room.clear()
                await self._room.wait()

    async def _commits(self, slots: list[asyncio.Task[None]]) -> None:
        """Have what is kept on the disk, also while every slot is at a slow row."""
        while any(not slot.done() for slot in slots):
            await asyncio.wait(slots, timeout=COMMIT_S)
            if time.monotonic() - self._committed > COMMIT_S:
                self._commit()

    def _is_full(self) -> bool:
        """Whether too much waits for an earlier row, which another slot is at."""
        return self.stopped is None and self._held.is_full

    def _take(self) -> list[RowJob]:
        """The next rows for one slot. None where there are no more, none may begin, or too much
        waits for an earlier row."""
        jobs: list[RowJob] = []
        if self.stopped is None and (spent := self._budget.spent(self._spool.done, self._held)):
            fix = "Go on with --resume and a larger budget."
            self.stopped = Problem("batch/budget", spent, fix)
        index, parts = self._shard
        while len(jobs) < self._runner.chunk and not (jobs and self._is_full()):
            row = next(self._source, None) if self.stopped is None else None
            if row is None:
                self._exhausted = True
                break
            number, cells = row
            if number % parts != index:
                continue
            number //= parts
            if self._spool.has(number):
                continue
            if isinstance(cells, Problem):
                self._at_work[number] = {}
                self._put(RowResult(number, None, cells))
                if self._is_full():
                    break
                continue
            self._at_work[number] = cells
            try:
                jobs.append((number, self._map.given(cells)))
            except FlowError as error:
                self._put(RowResult(number, None, error.problems[0]))
            except (OSError, UnicodeDecodeError) as error:  # the text of a file of a folder
                problem = Problem("batch/row", f"It cannot be read: {error}.", "Check the file.")
                self._put(RowResult(number, None, problem))
        return jobs

    def _put(self, result: RowResult) -> None:
        number = result.number
        cells = self._at_work.pop(number)
        cost: Mapping[str, float] = {}
        if result.tokens.total:
            cost, unknown = self._budget.cost(result.tokens)
            if unknown is not None and self.stopped is None:
                self.stopped = unknown
                self._room.set()
        line, failed = self._line(number, cells, result)
        row = DoneRow(line, failed, result.tokens, cost)
        if not self._ordered:
            self._keep(number, row)
        elif number != self._next:
            self._held.add(number, row)
        else:
            following: DoneRow | None = row
            while following is not None:
                self._keep(self._next, following)
                self._next += 1
                following = self._held.pop(self._next)
            self._room.set()
        if failed and self._stop_at_failure and self.stopped is None:
            self.stopped = result.problem
            self._room.set()

    def _keep(self, number: int, row: DoneRow) -> None:
        self._spool.put(number, row.line, failed=row.failed)
        if row.tokens.total:
            done = self._spool.done
            done.prompt_tokens += row.tokens.prompt
            done.completion_tokens += row.tokens.completion
            for currency, amount in row.cost.items():
                done.cost[currency] = done.cost.get(currency, 0.0) + amount

    def _line(self, number: int, cells: RowCells, result: RowResult) -> tuple[bytes, bool]:
        """What is kept of a row, as a line of JSON, and whether it failed."""
        if result.outputs is not None:
            try:
                return _json({**self._map.kept(cells), **result.outputs}), False
            except (OSError, UnicodeDecodeError) as error:  # the text of a file that has gone
                problem = Problem("batch/row", f"It cannot be read: {error}.", "Check the file.")
                result = RowResult(number, None, problem)
            except Exception as error:  # whatever a node gave: it is one row's
                why = f"What it gave cannot be written as JSON: {error}."
                result = RowResult(number, None, Problem("batch/row", why, ""))
        index, parts = self._shard
        problem = result.problem or Problem("batch/row", "It gave nothing.", "")
        said = {
            "row": number * parts + index, "code": problem.code, "node": problem.node,
            "message": problem.message, "fix": problem.fix, "cells": _writable(cells),
        }  # fmt: skip
        return _json(said), True

    def _commit(self) -> None:
        done = self._spool.done
        done.seconds = self._before_s + time.monotonic() - self._began
        if self._known is not None:
            self._known.mark()
        self._spool.commit()
        self._committed = time.monotonic()
        self._watch(self._progress)


_encoder = json.JSONEncoder(ensure_ascii=False, default=encode, allow_nan=False)


def _json(value: Any) -> bytes:
    return _encoder.encode(value).encode("utf-8", "backslashreplace") + b"\n"


def _writable(cells: RowCells) -> RowCells:
    """Cells of a row that failed, long ones cut."""
    found: RowCells = {}
    for name, value in cells.items():
        try:
            plain = plain_cell(value)
            text = plain if isinstance(plain, str) else _encoder.encode(plain)
        except Exception:  # whatever it is: the others are told
            plain = text = f"<{type(value).__name__}>"
        found[str(name)] = plain if len(text) <= 10_000 else text[:10_000] + "…"
    return found
