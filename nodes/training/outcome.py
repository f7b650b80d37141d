"""Do a training for a node, and give what every kind of it gives."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import Context
from patchbay.nodes.training.doing import Recipe, train
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.results import adapter_of, curve_of, held_out_of, model_of, report_of
from patchbay.nodes.training.watching import Watch, point_of
from patchbay.nodes.training.working import apart
from patchbay.nodes.weights.reporter import reporter


async def outcome_of(
    job: Job, recipe: Recipe, ctx: Context
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record of a training, and its outputs; `held_out` only where rows were measured.

    Raises:
        NodeError: it cannot be trained, or was stopped.
    """
    report = reporter(ctx)
    watch = Watch(report, ctx.cancelled, report, lambda text: ctx.step("answer", text))
    record = await ctx.blocking(apart, watch, lambda: train(job, watch, recipe))
    if record["again"]:
        points = [point_of(figures) for figures in record["figures"]]
        await ctx.progress("trained before, with the same numbers", 1, 1, points)
    outputs: dict[str, Any] = {
        "model": await ctx.blocking(model_of, job),
        "curve": curve_of(record),
        "report": report_of(job, record),
    }
    if job.settings.params.method != "all weights":
        outputs["adapter"] = await ctx.blocking(adapter_of, job)
    if record["before"]:
        outputs["held_out"] = held_out_of(record, recipe.measures)
    return record, outputs
