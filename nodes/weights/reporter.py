"""Progress of a thread that fetches or computes, as that of the node it works for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from patchbay.nodes.weights.refs import Report

if TYPE_CHECKING:
    from patchbay.nodes.context import Context


def reporter(ctx: Context) -> Report:
    """Tells the loop that runs now, for as long as it does."""
    loop = asyncio.get_running_loop()

    def report(label: str, done: float, total: float | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(lambda: asyncio.ensure_future(said(label, done, total)))

    async def said(label: str, done: float, total: float | None) -> None:
        await ctx.progress(label, done, total)

    return report
