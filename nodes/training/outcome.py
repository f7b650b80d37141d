"""Do a training for a node, and give what every kind of it gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchbay.nodes.contract import Context, NodeError
from patchbay.nodes.far_work import hearing
from patchbay.nodes.training.doing import Recipe, trained
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.kept_figures import meanings
from patchbay.nodes.training.results import adapter_of, curve_of, held_out_of, model_of, report_of
from patchbay.nodes.training.watching import point_of
from patchbay.nodes.weights.reporter import reporter, warner


async def outcome_of(
    job: Job, recipe: Recipe, ctx: Context
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record of a training, and its outputs; `held_out` only where rows were measured.

    Raises:
        NodeError: it cannot be trained, or was stopped.
    """
    record = await _record(job, recipe, ctx)
    if record["again"]:
        points = [point_of(figures) for figures in record["figures"]]
        await ctx.progress("trained before, with the same numbers", 1, 1, points)
        for note in record.get("notes", ()):
            await ctx.warn(note)
        for name in record["left_out"]:
            await ctx.warn(
                f"This was trained when {name} was not yet {meanings(job.settings)[name]}; its "
                f"{name} is not shown. Another seed trains anew."
            )
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


async def _record(job: Job, recipe: Recipe, ctx: Context) -> dict[str, Any]:
    """The record of a training that is done here, or where the run has long work done."""
    hear: dict[str, Callable[..., None]] = {
        "report": reporter(ctx),
        "answer": lambda text: ctx.step("answer", text),
        "warn": warner(ctx),
    }
    if (far := ctx.far_work) is None:
        return await ctx.blocking(trained, job, recipe, hearing(hear), ctx.cancelled)
    record = await far.do(trained, job, recipe, hear=hear, cancelled=ctx.cancelled)
    if not await ctx.blocking(job.place.result.is_dir):
        raise NodeError(
            f"It was trained elsewhere, and the result is not in {job.place.folder} here.",
            fix="Set PATCHBAY_HOME to a folder that all machines see, and run it again.",
            code="training/not-here",
            retry=False,
        )
    return record
