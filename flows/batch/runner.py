"""What runs rows: in this process. Others (Ray) have the same face."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.events import NO_TOKENS, Tokens
from patchbay.flows.runs.failures import RunError, explain
from patchbay.flows.runs.prepared import PreparedFlow
from patchbay.flows.runs.secrets import Secrets
from patchbay.nodes.units import duration

RowJob = tuple[int, dict[str, Any]]
"""The number of a row, and the inputs of its run."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What the run of a row gave: its outputs, or why there are none."""

    number: int
    outputs: dict[str, Any] | None
    problem: Problem | None = None
    tokens: Tokens = NO_TOKENS
    """Those of all its tries, also of the ones that failed."""


class RowRunner(Protocol):
    """Runs rows, some at a time.

    `slots` calls of `run` may be at work at once, each with at most `chunk` rows.
    """

    slots: int
    chunk: int

    async def run(self, rows: Sequence[RowJob]) -> list[RowResult]:
        """What each row gave. What is wrong with a row is said in its result, never raised."""

    async def close(self) -> None:
        """Let go of everything."""


class HereRunner:
    """Runs rows in this process.

    Args:
        flow: what is run.
        slots: how many rows may be at work at once.
        retries: how often a row that failed is tried again.
        limit_s: how long a try may take, in seconds.
    """

    chunk = 1

    def __init__(
        self, flow: PreparedFlow, slots: int, retries: int = 0, limit_s: float | None = None
    ) -> None:
        self._flow, self.slots = flow, slots
        self._retries, self._limit_s = retries, limit_s

    async def run(self, rows: Sequence[RowJob]) -> list[RowResult]:
        """See `RowRunner`."""
        return [await self._row(number, given) for number, given in rows]

    async def close(self) -> None:
        """Have what the cache holds on the disk."""
        self._flow.settle()

    async def _row(self, number: int, given: dict[str, Any]) -> RowResult:
        problem: Problem | None = None
        spent: list[Tokens] = []
        for attempt in range(self._retries + 1):
            if attempt:
                await asyncio.sleep(min(30.0, 0.5 * 2 ** (attempt - 1)))
            try:
                if self._limit_s is None:
                    found = await self._flow.run(given, None, spent.append)
                else:
                    async with asyncio.timeout(self._limit_s):
                        found = await self._flow.run(given, None, spent.append)
            except FlowError as error:  # the inputs do not fit, and will not the next time
                return RowResult(number, None, error.problems[0], sum(spent, NO_TOKENS))
            except Exception as error:
                problem = row_problem(error, self._limit_s, self._flow.env.secrets)
                continue
            return RowResult(number, found.outputs, None, sum(spent, NO_TOKENS))
        return RowResult(number, None, problem, sum(spent, NO_TOKENS))


def row_problem(error: Exception, limit_s: float | None, secrets: Secrets) -> Problem:
    """Why a row gave nothing."""
    if isinstance(error, RunError):
        return error.problem
    if isinstance(error, TimeoutError) and limit_s is not None:
        return Problem(
            "batch/timeout",
            f"It took longer than {duration(limit_s)}.",
            "Give rows more time (--limit), or less to do.",
        )
    return explain(error, "", secrets)
