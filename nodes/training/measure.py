"""Memory and time of a training, before it starts: from the heads of files and a short product."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from patchbay.nodes import gpus
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.errors import out_of_memory
from patchbay.nodes.models.transformers.anatomy import Anatomy
from patchbay.nodes.models.transformers.precision import BYTES
from patchbay.nodes.training.methods import bits_of
from patchbay.nodes.training.settings import LAST, TrainingSettings
from patchbay.nodes.training.tokens import RowTokens
from patchbay.nodes.units import duration, size_in_words

ADAM = 8
"""Bytes of the optimizer for each number that is trained: two moments of 32 bits."""
WORKSPACE = 300 * 2**20
"""Bytes that torch and the trainer take besides."""
SCORES = 3
"""How often a row's scores of all tokens are there at the end: they, their logarithms of
probabilities, and the gradient."""


@dataclass(frozen=True, slots=True)
class TrainingEstimate:
    """What a training is thought to take. Bytes, numbers, and floating-point operations a step."""

    weights: int
    trained: int
    activations: int
    work: float

    @property
    def memory(self) -> int:
        """Bytes at its peak: weights, gradients and optimizer of what is trained, activations."""
        return self.weights + self.trained * (4 + ADAM) + self.activations + WORKSPACE

    def seconds(self, rate: float) -> float:
        """Seconds of a step at so many operations a second."""
        return self.work / rate if rate else 0.0

    def __str__(self) -> str:
        return (
            f"{size_in_words(self.memory)} of memory ({size_in_words(self.weights)} weights, "
            f"{self.trained:,} numbers trained)"
        )


def estimate(
    made: Anatomy, settings: TrainingSettings, tokens: Sequence[RowTokens]
) -> TrainingEstimate:
    """What a training takes.

    Args:
        made: of the base.
        settings: how it is trained.
        tokens: the rows, cut.
    """
    params = settings.params
    width = BYTES[params.precision]
    weights = made.parameters * width
    if (bits := bits_of(settings)) is not None:
        weights -= made.linear_parameters * width
        weights += sum(bits.weight_bytes(*shape) for shape in made.linears.values())
    trained = trained_numbers(made, settings)
    longest = max(len(one.ids) for one in tokens)
    mean = sum(len(one.ids) for one in tokens) / len(tokens)
    # What a layer keeps for the way back: its linear layers' inputs and outputs, and the norms.
    per_token = made.linear_parameters and sum(
        rows + columns for rows, columns in made.linears.values()
    ) + 6 * made.hidden * made.layers  # fmt: skip
    if params.checkpointing:  # a number for each layer; one layer at a time is computed anew
        anew = per_token // max(1, made.layers)
        per_token = made.hidden * made.layers + max(anew, SCORES * made.vocabulary)
    activations = round(params.batch * longest * per_token * 4)
    # Forward twice the weights, back the same for inputs; once more for what is trained.
    passes = 6 if params.method == "all weights" else 4
    passes += 2 if params.checkpointing else 0
    work = passes * made.parameters * params.batch * mean * params.accumulate
    return TrainingEstimate(weights, trained, activations, work)


def trained_numbers(made: Anatomy, settings: TrainingSettings) -> int:
    """How many numbers are trained."""
    if settings.params.method == "all weights":
        return made.parameters
    if settings.params.method == "prompt tuning":
        return settings.params.virtual_tokens * made.hidden
    if settings.params.method == "prefix tuning":
        return settings.params.virtual_tokens * made.cache_values
    targets = set(settings.targets(bool(made.encoder)))
    chosen = {n: s for n, s in made.linears.items() if n.rsplit(".", 1)[-1] in targets}
    if settings.params.method == "IA3":
        return sum(s[1] if n.rsplit(".", 1)[-1] in LAST else s[0] for n, s in chosen.items())
    shapes = list(chosen.values())
    if settings.params.method == "Houlsby":
        rank = settings.params.rank
        return sum(2 * rank * rows + rank + rows for rows, _ in shapes)
    extra = sum(rows for rows, _ in shapes) if settings.params.method == "DoRA" else 0
    return sum(settings.params.rank * (rows + columns) for rows, columns in shapes) + extra


def operations_a_second(device: str = "cpu") -> float:
    """What a device does in 32-bit floats, from a product of some milliseconds."""
    import torch

    one, other = torch.ones(256, 576, device=device), torch.ones(576, 1536, device=device)
    best = 0.0
    for _ in range(4):
        began = time.perf_counter()
        torch.mm(one, other)[0, 0].item()  # a graphics card answers once it is done
        spent = time.perf_counter() - began
        best = max(best, 2 * 256 * 576 * 1536 / spent if spent else 0.0)
    return best


def check_memory(
    known: TrainingEstimate,
    settings: TrainingSettings,
    made: Anatomy,
    tokens: list[RowTokens],
    gpu: int | None = None,
) -> None:
    """Refuse a training for which there is no room, and say what would fit.

    Args:
        known: what it is thought to take.
        settings: how it is trained.
        made: of the base.
        tokens: the rows, cut.
        gpu: the graphics card that it is trained on; None for the processor.

    Raises:
        NodeError: the estimate is more than the memory that is free.
    """
    import psutil

    free: int | None = int(psutil.virtual_memory().available)
    if gpu is not None:
        gpus.give_back()
        free = gpus.free_on(gpu)
    if free is None or known.memory <= free:
        return
    ways = []
    for change, words in (
        ({"batch": 1, "accumulate": settings.params.batch}, "a batch of 1, accumulated"),
        ({"checkpointing": True}, "checkpointing"),
        ({"method": "LoRA"}, "the method LoRA"),
        ({"method": "QLoRA", "batch": 1}, "QLoRA with a batch of 1"),
    ):
        other = settings.model_copy(update={"params": settings.params.model_copy(update=change)})
        if estimate(made, other, tokens).memory <= free:
            ways.append(words)
    error = out_of_memory("This training", known.memory, free, gpu=gpu is not None)
    fits = f"What would fit: {'; '.join(ways)}." if ways else "Take a smaller model."
    raise NodeError(error.message, fix=fits, code=error.code, port="model", retry=False)


def in_words(known: TrainingEstimate, steps: int, rate: float) -> str:
    """What is thought before the start."""
    each = known.seconds(rate)
    time_ = f", about {duration(each)} a step, {duration(each * steps)} in all" if each else ""
    return f"needs about {known}{time_}; {steps} steps"
