"""Do a training for a node, and give what every kind of it gives."""

from __future__ import annotations

import asyncio
from typing import Any

from patchbay.nodes.contract import Context
from patchbay.nodes.training.doing import Recipe, train
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.results import adapter_of, curve_of, model_of, report_of
from patchbay.nodes.training.watching import Watch
from patchbay.nodes.training.working import apart
from patchbay.nodes.weights.refs import Report


async def outcome_of(
    job: Job, recipe: Recipe, ctx: Context
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record of a training, and the outputs `model`, `adapter`, `curve` and `report`.

    Raises:
        NodeError: it cannot be trained, or was stopped.
    """
    watch = Watch(reporter(ctx), ctx.cancelled)
    record = await ctx.blocking(apart, watch, lambda: train(job, watch, recipe))
    if record["again"]:
        await ctx.progress("trained before, with the same numbers", 1, 1)
    outputs: dict[str, Any] = {
        "model": await ctx.blocking(model_of, job),
        "curve": curve_of(record),
        "report": report_of(job, record),
    }
    if job.settings.params.method != "all weights":
        outputs["adapter"] = await ctx.blocking(adapter_of, job)
    return record, outputs


def reporter(ctx: Context) -> Report:
    """Progress of a thread as that of the node."""
    loop = asyncio.get_running_loop()

    def report(label: str, done: float, total: float | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(lambda: asyncio.ensure_future(said(label, done, total)))

    async def said(label: str, done: float, total: float | None) -> None:
        await ctx.progress(label, done, total)

    return report
