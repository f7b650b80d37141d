"""What a training gives on wires: the model, the adapter, curves and figures."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.models.transformers.adapter import WEIGHTS
from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse
from patchbay.nodes.models.transformers.trained import TrainedAdapter
from patchbay.nodes.training.base import TrainableModel, root_of
from patchbay.nodes.training.held_out import compared
from patchbay.nodes.training.job import Job
from patchbay.nodes.units import duration, size_in_words
from patchbay.nodes.weights.digest import memo_path, sha256_of
from patchbay.nodes.weights.refs import quiet


def model_of(job: Job) -> TrainableModel:
    """The trained model as a description."""
    result = str(job.place.result)
    if job.settings.params.method == "all weights":
        return root_of(job.base).model_copy(update={"weights": result})
    use = LoraUse(weights=result)
    base = job.base
    if isinstance(base, LoraModel) and not base.merge:
        return base.model_copy(update={"adapters": (*base.adapters, use)})
    return LoraModel(base=base, adapters=(use,))


def adapter_of(job: Job) -> TrainedAdapter:
    """The adapter alone. Reads its file once."""
    path = job.place.result / WEIGHTS
    return TrainedAdapter(
        path=str(job.place.result),
        sha256=sha256_of(path, quiet, memo_path(path)),
        method=job.settings.params.method,
        base=job.base_name,
        base_sha256=job.base_id,
    )


def curve_of(record: dict[str, Any], y: str = "loss") -> Chart:
    """A figure over the steps; empty, and saying so, where it was computed otherwise then."""
    rows = tuple({"step": f["step"], y: f[y]} for f in record["figures"] if y in f)
    title = f"{y} by step"
    if y in record.get("left_out", ()):
        title += f": left out, since this was trained when {y} was computed otherwise"
    return Chart(kind="line", rows=rows, x="step", y=y, title=title)


def curve_over(record: dict[str, Any], x: str, y: str) -> Chart:
    """One figure over another, a point a step; empty, and saying so, where one was not computed."""
    rows = tuple(
        {"step": f["step"], x: f[x], y: f[y]} for f in record["figures"] if x in f and y in f
    )
    title = f"{y} over {x}"
    if not rows:
        title += f": {x} was not computed"
    return Chart(kind="line", rows=rows, x=x, y=y, title=title)


def samples_of(record: dict[str, Any]) -> Table:
    """Answers on the way; with their rewards, where they have some."""
    held = record.get("samples", [])
    columns: tuple[str, ...] = ("step", "prompt", "answer")
    if any(one["reward"] is not None for one in held):
        columns += ("reward",)
    rows: tuple[tuple[JsonValue, ...], ...] = tuple(
        tuple(one[column] for column in columns) for one in held
    )
    return Table(columns=columns, rows=rows, title="Answers while it trained")


def report_of(job: Job, record: dict[str, Any]) -> Table:
    """What was trained, and what it took."""
    params, figures = job.settings.params, record["figures"]
    size = sum(p.stat().st_size for p in job.place.result.glob("*.safetensors"))
    rows: list[tuple[str, JsonValue]] = [
        ("base", job.base_name),
        ("base, content", job.base_id),
        ("rows", f"{job.data.rows:,} of {job.data.name or 'unnamed rows'}"),
        ("rows, content", job.data.sha256),
        ("method", params.method),
        ("steps", len(figures)),
        ("first loss", figures[0]["loss"] if figures else None),
        ("last loss", figures[-1]["loss"] if figures else None),
        ("time of a step", duration(record["seconds"])),
        ("estimated before", record["memory"]),
        *([("memory that was seen", size_in_words(peak))] if (peak := record.get("peak")) else []),
        *(
            (f"answer, step {one['step']}", f"{one['prompt']} → {one['answer']}")
            for one in record.get("samples", [])
            if job.settings.more.get("sample_every")
        ),
        ("size", size_in_words(size)),
        ("folder", str(job.place.result)),
    ]
    return Table(columns=("what", "value"), rows=tuple(rows), title="The training")


def held_out_of(record: dict[str, Any], what: str) -> Table:
    """Base and trained, on rows that nothing was trained on."""
    before = [(float(loss), int(count)) for loss, count in record["before"]]
    after = [(float(loss), int(count)) for loss, count in record["after"]]
    return compared(before, after, what)
