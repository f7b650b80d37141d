"""What all trainings have in common: from a job to an adapter or a model in its folder."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from patchbay.nodes.contract import NodeError
from patchbay.nodes.far_work import Tell
from patchbay.nodes.models.transformers.adapter import CONFIG
from patchbay.nodes.models.transformers.anatomy import anatomy
from patchbay.nodes.models.transformers.libraries import load_libraries
from patchbay.nodes.models.transformers.load import pick_device
from patchbay.nodes.models.transformers.lora import LoraModel
from patchbay.nodes.models.transformers.trained import ABOUT
from patchbay.nodes.training.base import reader_of, root_of
from patchbay.nodes.training.card import card
from patchbay.nodes.training.datasets import DataSet
from patchbay.nodes.training.handing_on import hand_on, is_handed_on, taking_part
from patchbay.nodes.training.held_out import RowLosses
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.kept_figures import meanings, read_again, steps_of
from patchbay.nodes.training.measure import (
    check_memory,
    estimate,
    in_words,
    operations_a_second,
)
from patchbay.nodes.training.row_notes import RowNotes
from patchbay.nodes.training.sampling import ask_on_the_way
from patchbay.nodes.training.seen_memory import SeenMemory
from patchbay.nodes.training.settings import LEADING
from patchbay.nodes.training.tokens import RowReader, RowTokens
from patchbay.nodes.training.watching import Watch
from patchbay.nodes.training.working import alone, apart, random_numbers_given_back
from patchbay.nodes.values import SecretRef, Spec
from patchbay.nodes.weights.refs import Report


@dataclass(frozen=True, slots=True)
class BaseOpening:
    """What opening adapters of the base asks for."""

    report: Report

    def secret(self, ref: SecretRef) -> str:
        """None is needed."""
        raise NodeError(f"Training has no secret {ref.secret!r}.")

    def open(self, spec: Spec) -> Any:
        """Nothing is shared: the network is changed."""
        return spec.open(self)


class Recipe(Protocol):
    """What one kind of training does in its own way."""

    measures: str
    """What `measured` tells of a row, in words."""

    def rows(
        self, job: Job, data: DataSet, reader: RowReader, notes: RowNotes | None = None
    ) -> list[Any]:
        """The rows of a set as tokens, cut to the limit; `notes` hears what becomes of them."""

    def sizes(self, rows: list[Any]) -> list[RowTokens]:
        """What is computed for each row, to estimate by."""

    def trainer(self, job: Job, tokenizer: Any, rows: list[Any], watch: Watch) -> Any:
        """The library's trainer, ready to begin."""

    def measured(self, trainer: Any, rows: list[Any]) -> RowLosses:
        """A figure for each row that nothing is trained on, and its weight."""


def train(job: Job, watch: Watch, recipe: Recipe) -> dict[str, Any]:
    """Train, or find what was trained before. Blocks for as long as it takes.

    Args:
        job: what is trained, on what.
        watch: hears of each step.
        recipe: how.

    Returns:
        The record: `figures` of all steps, `before` and `after` of rows held out, `seconds` a step,
        those that the process `worked` at steps, `memory` as it was estimated, in words, and the
        `peak` of it that was seen; `means`, what figures mean that meant something else before, and
        `left_out`, those that still do; `notes`, what became of some rows.

    Raises:
        NodeError: it cannot be trained, or was stopped; a checkpoint is left where there was a
            step.
    """
    if (known := _kept(job)) is not None:
        return known
    with taking_part(job), alone(job.place, watch):
        if (known := _kept(job)) is not None:  # somebody else has done it meanwhile
            return known
        return _train(job, watch, recipe)


def _kept(job: Job) -> dict[str, Any] | None:
    known = job.place.record()
    return None if known is None else read_again(job.settings, known) | {"again": True}


def trained(job: Job, recipe: Recipe, tell: Tell, cancelled: threading.Event) -> dict[str, Any]:
    """Likewise, as work that may be done in another process: see `patchbay.nodes.far_work`.

    It tells `report` as a `MeasuredReport` hears it, `answer`, an answer on the way, and `warn`,
    what the person should know before it begins.
    """
    report = partial(tell, "report")
    watch = Watch(report, cancelled, report, partial(tell, "answer"), partial(tell, "warn"))
    return apart(watch, lambda: train(job, watch, recipe))


def _train(job: Job, watch: Watch, recipe: Recipe) -> dict[str, Any]:
    load_libraries()
    _check_start(job)
    reader = reader_of(job.base, watch.report)
    notes: list[str] = []
    rows = _rows(job, job.data, recipe, reader, "to train on", notes)
    held = []
    if job.held_out is not None:
        held = _rows(job, job.held_out, recipe, reader, "held out", notes)
    if watch.warned is not None:
        for note in notes:
            watch.warned(note)
    thought = _estimated(job, recipe.sizes(rows), len(rows), watch)
    device = pick_device(root_of(job.base).device)
    watch.memory = SeenMemory(device != "cpu")
    # The network of a training before this one is there already, and would not be counted.
    looked = contextlib.nullcontext() if is_handed_on(job) else watch.memory.looking()
    with random_numbers_given_back(), looked:
        trainer = recipe.trainer(job, reader.tokenizer, rows, watch)
        ask_on_the_way(job, trainer, reader, watch)
        # Matrices change nothing at first, whatever they begin with; what stands before a prompt
        # does.
        leads = job.settings.params.method in LEADING
        with trainer.model.disable_adapter() if leads else contextlib.nullcontext():
            before = recipe.measured(trainer, held)
        start = job.place.last_checkpoint()
        if start is not None:
            watch.go_on(_figures_until(job, start), f"going on from {start.name}")
        trainer.train(resume_from_checkpoint=None if start is None else str(start))
        if watch.stopped:
            step = trainer.state.global_step
            raise NodeError(
                f"The training was stopped after step {step} of {trainer.state.max_steps}.",
                fix="Run it again to go on from there.",
                code="training/stopped",
                retry=False,
            )
        after = recipe.measured(trainer, held)
        record = {
            "figures": watch.figures,
            "means": meanings(job.settings),
            "left_out": [],
            "measures": recipe.measures,
            "before": before,
            "after": after,
            "samples": watch.samples,
            "seconds": watch.each,
            "worked": sum(watch.seconds),
            "memory": thought,
            "peak": watch.memory.peak,
            "notes": notes,
            **job.about(),
        }
        made = job.place.folder / "making"
        shutil.rmtree(made, ignore_errors=True)
        _save(job, trainer, reader.tokenizer, made, record)
        job.place.end(made, record)
        hand_on(job, trainer.model)
    return record | {"again": False}


def _rows(
    job: Job, data: DataSet, recipe: Recipe, reader: RowReader, for_what: str, notes: list[str]
) -> list[Any]:
    """The rows of a set; what becomes of some is added to the notes."""
    counted = RowNotes()
    found = recipe.rows(job, data, reader, counted)
    notes += counted.sentences(job.settings.params.limit, for_what)
    return found


def _check_start(job: Job) -> None:
    start = job.settings.params.start
    if start != "zero" and isinstance(job.base, LoraModel):
        raise NodeError(
            f"{start} takes a part out of the layers, and the model that is wired has adapters on "
            "them; what is left could not be told apart later.",
            fix='Set the start to "zero", or wire the model without adapters.',
            param="start",
            code="training/start",
            retry=False,
        )


def arguments(job: Job, total: int) -> dict[str, Any]:
    """The arguments that every trainer takes, in the words of Transformers."""
    params = job.settings.params
    return {
        "per_device_train_batch_size": params.batch,
        "gradient_accumulation_steps": params.accumulate,
        "learning_rate": job.settings.rate,
        "lr_scheduler_type": job.settings.schedule,
        "warmup_steps": job.settings.warmup_steps(total),
        "max_steps": total,
        "logging_steps": 1,
        "save_steps": params.keep_every,
        "save_total_limit": 2,
        "seed": params.seed,
        "bf16": params.precision == "bfloat16",
        "gradient_checkpointing": params.checkpointing,
        "use_cpu": pick_device(root_of(job.base).device) == "cpu",
        "dataloader_pin_memory": False,
        "report_to": [],
        "disable_tqdm": True,
    }


def _estimated(job: Job, rows: list[RowTokens], count: int, watch: Watch) -> str:
    made = anatomy(root_of(job.base).weights)
    if made is None:
        return ""
    known = estimate(made, job.settings, rows)
    root = root_of(job.base)
    check_memory(known, job.settings, made, rows, root.gpu)
    rate = operations_a_second(pick_device(root.device))
    words = in_words(known, job.settings.total_steps(count), rate)
    watch.report(words, 0, None)
    return words


def _figures_until(job: Job, checkpoint: Path) -> list[dict[str, float]]:
    """What the steps before a checkpoint said, from the trainer's own record."""
    state = json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
    known = [entry for entry in steps_of(job.settings, state) if "loss" in entry]
    return [{k: float(v) for k, v in entry.items() if v is not None} for entry in known]


def _save(job: Job, trainer: Any, tokenizer: Any, made: Path, record: dict[str, Any]) -> None:
    network = trainer.model
    if job.settings.params.method == "all weights":
        network.config.use_cache = True
        network.save_pretrained(made)
        tokenizer.save_pretrained(made)
    else:
        network.save_pretrained(made)
        if job.settings.params.method == "Houlsby":
            from patchbay.nodes.training.houlsby import renamed

            renamed(made, job.settings)
        # Given the name while it saves, PEFT would look for its config on a hub.
        config = json.loads((made / CONFIG).read_text("utf-8"))
        config["base_model_name_or_path"] = job.base_name
        (made / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")
    (made / ABOUT).write_text(json.dumps(job.about(), indent=1) + "\n", "utf-8")
    (made / "README.md").write_text(card(job, record), "utf-8")
