"""What a query gives: rows as JSON, within limits, whatever database they come from."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.cells import plain_cell
from patchbay.nodes.errors import NodeError
from patchbay.nodes.units import duration, size_in_words

_POLL_S = 0.1


@dataclass(frozen=True)
class SqlAnswer:
    """Columns and rows. `cut` says what was left out, in words; empty where nothing was."""

    columns: tuple[str, ...]
    rows: tuple[tuple[JsonValue, ...], ...]
    cut: str = ""
    no_numbers: int = 0
    """Cells that held NaN or infinity, which JSON cannot say: they are null."""

    def said(self) -> list[str]:
        """What a person is told of it."""
        told = [f"There are more rows; {self.cut}."] if self.cut else []
        if self.no_numbers:
            one = self.no_numbers == 1
            cells = "1 cell holds" if one else f"{self.no_numbers:,} cells hold"
            given = "it is" if one else "they are"
            told.append(f"{cells} NaN or infinity, which JSON cannot say; {given} given as null.")
        return told


def collected(
    columns: Sequence[str], fetch: Callable[[int], Sequence[Sequence[Any]]], rows: int, size: int
) -> SqlAnswer:
    """Rows until there are no more, or a limit is reached.

    Args:
        columns: their names; those that occur twice get a number.
        fetch: the next rows, at most so many; none at the end.
        rows: the most rows.
        size: the most characters.
    """
    taken: list[tuple[JsonValue, ...]] = []
    used = lost = 0

    def answer(cut: str = "") -> SqlAnswer:
        return SqlAnswer(_names(columns), tuple(taken), cut, lost)

    while True:
        batch = fetch(min(1000, rows - len(taken) + 1))
        if not batch:
            return answer()
        for row in batch:
            if len(taken) == rows:
                return answer(f"the first {rows:,} rows are given")
            cells = tuple(plain_cell(cell) for cell in row)
            used += sum(len(cell) if isinstance(cell, str) else 8 for cell in cells)
            if used > size:
                return answer(f"{len(taken):,} rows are given, which is {size_in_words(size)}")
            taken.append(cells)
            lost += sum(isinstance(cell, float) and not math.isfinite(cell) for cell in row)


def _names(columns: Sequence[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    names = []
    for column in columns:
        seen[column] = seen.get(column, 0) + 1
        names.append(column if seen[column] == 1 else f"{column}_{seen[column]}")
    return tuple(names)


@contextmanager
def stopping(
    interrupt: Callable[[], Any], seconds: float, stopped: Callable[[], bool]
) -> Iterator[None]:
    """Interrupt a query that takes too long, or that nobody wants any more.

    Raises:
        NodeError: it was interrupted.
    """
    over, why = threading.Event(), ""

    def watch() -> None:
        nonlocal why
        waited = 0.0
        while not over.wait(_POLL_S):
            waited += _POLL_S
            if stopped() or waited >= seconds:
                why = (
                    "the run was stopped"
                    if stopped()
                    else f"it took longer than {duration(seconds)}"
                )
                interrupt()  # again and again: a first one may come before the query has begun

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if why:
            raise _limit(why) from error
        raise
    finally:
        over.set()
        watcher.join()
    if why:
        raise _limit(why)


def _limit(why: str) -> NodeError:
    return NodeError(
        f"The query was stopped: {why}.",
        fix="Ask for less, or raise the limit of seconds.",
        code="sql/limit",
        retry=False,
    )


def one_statement(query: str) -> str:
    """A query without its last semicolon.

    Raises:
        NodeError: it is empty, or several statements, of which the second could end what keeps the
            first from writing.
    """
    text = query.strip()
    fence = re.fullmatch(r"```(?:sql)?\s*\n(.*?)\n?```", text, re.DOTALL | re.IGNORECASE)
    text = (fence[1] if fence else text).strip().rstrip(";").strip()
    if not text:
        raise refused("The query is empty.", "Write a query, or wire one.")
    return text


def refused(message: str, fix: str, code: str = "sql/refused") -> NodeError:
    """A query that is not run."""
    return NodeError(message, fix=fix, port="query", code=code, retry=False)


def failed(error: Exception, schema: str) -> NodeError:
    """A query that the database does not take, with what there is."""
    said = " ".join(str(error).split())[:500]
    return NodeError(
        f"The database does not take the query: {said}",
        fix=f"There is: {schema[:1000]}" if schema else "Correct the query.",
        port="query",
        code="sql/query",
        retry=False,
    )
