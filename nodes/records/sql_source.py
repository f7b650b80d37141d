"""Something that answers SQL, for reading only: what is the same whatever stands behind it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from patchbay.nodes.errors import NodeError
from patchbay.nodes.records.sql_answer import SqlAnswer, collected, one_statement, stopping

Statement = TypeVar("Statement")
FetchRows = Callable[[int], Sequence[Sequence[Any]]]
"""Gives the next rows, at most so many; none at the end."""

VALUE = re.compile(r"(?<![:\w$])[:$]([A-Za-z_]\w{0,63})\b")
"""A value in a query: `:name` or `$name`."""


@dataclass(frozen=True, slots=True)
class SqlLimits:
    """How much may come back, and how long that may take.

    `rows` is a number of rows, `size` one of characters, `seconds` of the query; `stopped` says
    whether anybody still wants it.
    """

    rows: int
    size: int
    seconds: float
    stopped: Callable[[], bool]


class SqlSource(ABC, Generic[Statement]):
    """A connection that reads. All of it blocks."""

    def ask(self, query: str, values: Mapping[str, Any], limits: SqlLimits) -> SqlAnswer:
        """What a query gives. `values` stand for its `:name`, and are never pasted in.

        Raises:
            NodeError: it is several statements, does more than read, is not taken, or took too
                long.
        """
        statement = self._checked(one_statement(query), values)
        try:
            with stopping(self._interrupt, limits.seconds, limits.stopped):
                columns, fetch = self._executed(statement, values)
                answer = collected(columns, fetch, limits.rows, limits.size)
            self._left(answer)
            return answer
        except NodeError:
            raise
        except Exception as error:
            raise self._in_words(error) from error
        finally:
            self._done()

    @abstractmethod
    def schema(self) -> str:
        """The tables with their columns and types, a line for each."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""

    @abstractmethod
    def _checked(self, query: str, values: Mapping[str, Any]) -> Statement:
        """The query as it may be run. Raises `NodeError` where it may not."""

    @abstractmethod
    def _executed(
        self, statement: Statement, values: Mapping[str, Any]
    ) -> tuple[Sequence[str], FetchRows]:
        """The columns of its answer, and what gives the rows."""

    @abstractmethod
    def _interrupt(self) -> None:
        """Stop the query that runs. Called from another thread, and more than once."""

    @abstractmethod
    def _in_words(self, error: Exception) -> Exception:
        """What the database said, as a `NodeError`; what it did not say as it is."""

    def _left(self, answer: SqlAnswer) -> None:
        """The answer is taken, and there may be more rows that nobody asks for."""

    def _done(self) -> None:
        """The query is over, however it ended."""
