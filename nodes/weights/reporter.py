"""Progress of a thread that fetches or computes, as that of the node it works for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from patchbay.nodes.context import Context


class MeasuredReport(Protocol):
    """A `Report` that takes figures as well."""

    def __call__(
        self,
        label: str,
        done: float,
        total: float | None,
        points: Sequence[Mapping[str, float]] = (),
    ) -> None:
        """Say how far it is, and what was measured: see `Context.progress`."""


def reporter(ctx: Context) -> MeasuredReport:
    """Tells the loop that runs now, for as long as it does."""
    loop = asyncio.get_running_loop()

    def report(
        label: str,
        done: float,
        total: float | None,
        points: Sequence[Mapping[str, float]] = (),
    ) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(
                lambda: asyncio.ensure_future(said(label, done, total, points))
            )

    async def said(
        label: str, done: float, total: float | None, points: Sequence[Mapping[str, float]]
    ) -> None:
        await ctx.progress(label, done, total, points)

    return report


def warner(ctx: Context) -> Callable[[str], None]:
    """Says on the loop that runs now what the person should know, for as long as it does."""
    loop = asyncio.get_running_loop()

    def warn(message: str) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(lambda: asyncio.ensure_future(ctx.warn(message)))

    return warn
