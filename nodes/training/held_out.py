"""How well rows are foreseen that nothing was trained on: before, after, and the difference."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.figures import Table
from patchbay.nodes.training.tokens import RowTokens

MOST = 200
"""Rows that are measured, the first of them."""
DRAWS = 2000
"""Samples of the bootstrap."""

RowLosses = list[tuple[float, int]]
"""Of each row: the sum over its learned tokens, and how many there are."""


@contextlib.contextmanager
def measuring(network: Any) -> Iterator[Any]:
    """A network that learns nothing and leaves nothing out meanwhile; then it is as it was."""
    import torch

    was = network.training
    network.eval()
    try:
        with torch.no_grad():
            yield network
    finally:
        network.train(was)


def losses(trainer: Any, tokens: Sequence[RowTokens]) -> RowLosses:
    """The loss of each row under the network of a trainer, one row at a time."""
    found: RowLosses = []
    try:
        with measuring(trainer.model) as network:
            for row in tokens[:MOST]:
                batch = trainer.data_collator([{"input_ids": list(row.ids), "labels": row.labels}])
                loss = trainer.compute_loss(network, trainer._prepare_inputs(batch))
                taught = sum(label != -100 for label in row.labels[1:])
                found.append((float(loss) * taught, taught))
    finally:
        trainer._metrics["eval"].clear()
    return found


def mean(found: RowLosses) -> float:
    """The loss of a token."""
    return sum(loss for loss, _ in found) / max(1, sum(count for _, count in found))


def compared(before: RowLosses, after: RowLosses, what: str, seed: int = 0) -> Table:
    """Both with percentile intervals over rows, and their paired difference.

    Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    places = range(len(before))
    samples = [draw.choices(places, k=len(before)) for _ in range(DRAWS)]
    rows: list[tuple[JsonValue, ...]] = []
    for name, found in (("base", before), ("trained", after)):
        drawn = sorted(mean([found[i] for i in sample]) for sample in samples)
        rows.append((name, mean(found), *_ends(drawn)))
    apart = sorted(
        mean([after[i] for i in sample]) - mean([before[i] for i in sample]) for sample in samples
    )
    rows.append(("trained - base", mean(after) - mean(before), *_ends(apart)))
    title = f"{what} on {len(before)} rows held out, with 95% intervals"
    return Table(columns=("model", "mean", "low", "high"), rows=tuple(rows), title=title)


def _ends(drawn: Sequence[float]) -> tuple[float, float]:
    at = round(len(drawn) * 0.025)
    return drawn[at], drawn[-1 - at]
