"""What is seen of a training while it works: loss, seconds a step, time left; and how it stops."""

from __future__ import annotations

import json
import logging
import statistics
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.json_lines import add_json_line, json_lines
from patchbay.nodes.models.transformers.libraries import making_networks
from patchbay.nodes.training.seen_memory import SeenMemory
from patchbay.nodes.units import duration, size_in_words
from patchbay.nodes.weights.refs import Report
from patchbay.nodes.weights.reporter import MeasuredReport

SURE = 10
"""Steps after which the memory that was seen stands in the place of the estimate."""
RECENT = 20
"""Steps over which the seconds of one are taken; the first of a process is left out."""


@dataclass(slots=True)
class Watch:
    """Keeps the figures of a training and says them.

    Args:
        report: takes a label, the steps done and all steps.
        cancelled: set when the person stops the run.
        drawn: takes these, and figures that are drawn as curves; None: nobody draws.
        said: takes an answer on the way, in words.
        warned: takes what the person should know before it begins; None: it is only kept.
    """

    report: Report
    cancelled: threading.Event
    drawn: MeasuredReport | None = None
    said: Callable[[str], None] | None = None
    warned: Callable[[str], None] | None = None
    figures: list[dict[str, float]] = field(default_factory=list)
    """One for each step: `step`, `loss`, and whatever else the trainer says."""
    seconds: list[float] = field(default_factory=list)
    """Of each step that this process made."""
    samples: list[dict[str, Any]] = field(default_factory=list)
    """Answers on the way: `step`, `prompt`, `answer`, `reward`."""
    kept: Path | None = None
    """A file that holds them too, for a training that is killed to have them when it goes on."""
    stopped: bool = False
    memory: SeenMemory = field(default_factory=SeenMemory)
    """What the training takes, as far as it was seen."""
    _began: float = 0.0

    def begin(self) -> None:
        """A step begins."""
        self._began = time.perf_counter()

    def over(self) -> None:
        """A step is over."""
        self.seconds.append(time.perf_counter() - self._began)

    def log(self, step: int, total: int, figures: dict[str, float]) -> None:
        """The trainer says the figures of a step."""
        self.figures = [known for known in self.figures if known["step"] < step]
        self.figures.append({"step": step, **figures})
        label = f"{self.line(step, total)}, step"
        if self.drawn is None:
            self.report(label, step, total)
        else:
            self.drawn(label, step, total, [point_of(self.figures[-1])])

    def go_on(self, figures: list[dict[str, float]], where: str) -> None:
        """A training goes on that has these figures already."""
        self.figures = figures
        if self.drawn is None:
            self.report(where, len(figures), None)
        else:
            self.drawn(where, len(figures), None, [point_of(one) for one in figures])

    def sample(
        self, prompt: str, answer: str, reward: float | None = None, step: int | None = None
    ) -> None:
        """An answer on the way; without a step, at the one after the last."""
        if step is None:
            step = int(self.figures[-1]["step"]) + 1 if self.figures else 1
        elif self.said is not None:
            self.said(f"Step {step}. {prompt}\n{answer}")
        held = {"step": step, "prompt": prompt, "answer": answer, "reward": reward}
        self.samples.append(held)
        if self.kept is not None:
            add_json_line(self.kept, held)

    def keep_samples(self, path: Path, step: int) -> None:
        """Take the answers that a file has of the steps up to one, and keep further ones there."""
        found = [held for held in json_lines(path) if held["step"] <= step]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, "".join(json.dumps(held) + "\n" for held in found))
        self.samples, self.kept = found, path

    def line(self, step: int, total: int) -> str:
        """The step in words."""
        known = point_of(self.figures[-1]) if self.figures else {}
        parts = [f"{name} {value:.4g}" for name, value in known.items() if name != "step"]
        if each := self.each:
            left = duration(each * (total - step))
            parts += [f"{duration(each)} a step", f"{left} left" if total > step else "done"]
        if self.memory.peak and len(self.seconds) >= SURE:
            parts.append(f"{size_in_words(self.memory.peak)} of memory")
        return ", ".join(parts)

    @property
    def each(self) -> float:
        """Seconds of a step; 0 before there was one."""
        known = self.seconds[1:] or self.seconds
        return statistics.median(known[-RECENT:]) if known else 0.0


CURVES = {
    "loss": "loss",
    "reward": "reward",
    "margins": "margin",
    "margin": "margin",
    "accuracies": "accuracy",
    "accuracy": "accuracy",
    "mean_token_accuracy": "accuracy",
    "kl": "KL",
}
"""Figures of the trainers that people see while one works, the telling ones first, and what they
are called. Where two are one curve the first that a trainer has counts: of pairs, DPO says how many
are in order, and how many of the tokens were foreseen."""


def point_of(figures: Mapping[str, float]) -> dict[str, float]:
    """What is seen of the figures of a step."""
    point = {"step": figures["step"]}
    for name, shown in CURVES.items():
        if name in figures and shown not in point:
            point[shown] = figures[name]
    return point


def callback(watch: Watch) -> Any:
    """A callback of Transformers that feeds a watch."""
    from transformers import TrainerCallback

    class Watching(TrainerCallback):
        """Feeds the watch, and stops the training when the run is cancelled."""

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watch.begin()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watch.over()
            if watch.cancelled.is_set():
                watch.stopped = True
                control.should_save = control.should_training_stop = True

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                numbers = {
                    k.removeprefix("rewards/"): float(v)
                    for k, v in logs.items()
                    if isinstance(v, (int, float))
                }
                watch.log(state.global_step, state.max_steps, numbers)

    return Watching()


def made_trainer(kind: Any, watch: Watch, **given: Any) -> Any:
    """A trainer of Transformers that feeds a watch, prints nothing, and tells nobody.

    Args:
        kind: its class.
        watch: hears of each step.
        given: its other arguments.
    """
    from huggingface_hub import constants
    from transformers import PrinterCallback

    # TRL tells Hugging Face of each trainer: its kind, the network's, the accelerator's name.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    # Several cards would have each step computed on all of them, with as many times the rows.
    if given["args"].n_gpu > 1:
        given["args"]._n_gpu = 1
    with making_networks():
        trainer = kind(**given, callbacks=[callback(watch)])
    trainer.remove_callback(PrinterCallback)  # it prints to where answers go
    return trainer


def hush() -> None:
    """Leave out what the libraries say of each other's old names, on every training."""
    for what in ("gradient_checkpointing", "is_gradient_checkpointing"):
        warnings.filterwarnings("ignore", f".{what}. is deprecated", FutureWarning)
    warnings.filterwarnings("ignore", ".past_key_values. is deprecated", FutureWarning)
    # Of the biases of our own layers, which PEFT takes for parts of matrices.
    warnings.filterwarnings("ignore", ".*LoRA tensor.s. have invalid shape")
    # At every layer of every step, that 8 bits are computed with 16.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
