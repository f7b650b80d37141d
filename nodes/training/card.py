"""The model card that goes with what was trained: base and rows by name and hash, and figures."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.training.held_out import mean
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.settings import LEADING, RANKED, TrainingParams


def sized(params: TrainingParams) -> str:
    """The size of what is trained, with a comma before it; empty where it has none."""
    if params.method in LEADING:
        return f", {params.virtual_tokens} virtual tokens"
    if params.method == "Houlsby":
        return f", {params.rank} wide"
    return f", rank {params.rank}, alpha {params.alpha:g}" if params.method in RANKED else ""


def card(job: Job, record: dict[str, Any]) -> str:
    """Markdown with the head that hubs read."""
    params = job.settings.params
    figures = record["figures"]
    whole = params.method == "all weights"
    ranked = sized(params)
    head = [
        "---",
        f"base_model: {job.base_name}",
        f"library_name: {'transformers' if whole else 'peft'}",
        f"pipeline_tag: {'text2text' if job.encodes else 'text'}-generation",
        "---",
    ]
    lines = [
        f"# {'A model' if whole else 'An adapter'} trained with Patchbay",
        "",
        f"- Base: {job.base_name}, content {job.base_id}",
        f"- Rows: {job.data.name or 'unnamed'}, {job.data.rows}, content {job.data.sha256}",
        f"- Method: {params.method}{ranked}",
        f"- Steps: {len(figures)} of {params.batch} x {params.accumulate} rows, rate "
        f"{job.settings.rate:g} ({params.schedule}), seed {params.seed}",
    ]
    if figures:
        lines.append(
            f"- Loss: {figures[0]['loss']:.4g} in the first step, {figures[-1]['loss']:.4g} in "
            "the last"
        )
    if record["before"]:
        lines.append(
            f"- {record['measures']}: {mean(record['before']):.4g} before, "
            f"{mean(record['after']):.4g} after, on {len(record['before'])} rows held out"
        )
    return "\n".join([*head, "", *lines]) + "\n"
