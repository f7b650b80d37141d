"""The report's tables and charts."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.quantization.errors import Loss, storage
from patchbay.nodes.quantization.schemes import SCHEMES
from patchbay.nodes.quantization.tensors import Tensor
from patchbay.nodes.units import MEGABYTE

GIGABYTE = 1e9


@dataclass(slots=True)
class SchemeResult:
    """What came of one scheme: the loss of each matrix, and the perplexity if it was measured."""

    name: str
    width: int
    losses: dict[str, Loss] = field(default_factory=dict)
    perplexity: float | None = None

    @property
    def total(self) -> Loss:
        """Over all matrices."""
        total = Loss()
        for loss in self.losses.values():
            total.merge(loss)
        return total

    @property
    def megabytes(self) -> float:
        """What all matrices take, scales included."""
        return self.total.stored_bits / 8 / MEGABYTE


def precisions_table(rows: list[SchemeResult]) -> Table:
    """Each precision: bits, size, error and perplexity."""
    columns = (
        "precision", "bits", "bits with scales", "size (MB)", "mean error", "RMS error",
        "largest error", "perplexity",
    )  # fmt: skip
    shown: list[tuple[JsonValue, ...]] = []
    for row in rows:
        total = row.total
        errors = (total.mean, total.rms, total.largest)
        figures = (row.width, total.bits, row.megabytes, *map(finite, errors))
        shown.append((row.name, *figures, finite(row.perplexity)))
    count = rows[0].total.count
    title = f"{len(rows[0].losses)} matrices, {count:,} numbers"
    return Table(columns=columns, rows=tuple(shown), title=title)


def layers_table(rows: list[SchemeResult]) -> Table:
    """The error of every matrix in each precision that loses something by design."""
    columns = ("matrix", "precision", "mean error", "RMS error", "largest error", "numbers")
    shown = tuple(
        (name, row.name, finite(loss.mean), finite(loss.rms), finite(loss.largest), loss.count)
        for name in rows[0].losses
        for row in rows
        if row.width <= 16
        for loss in (row.losses[name],)
    )
    return Table(columns=columns, rows=shown, title="Error by matrix")


def values_table(tensor: Tensor, scheme: str, corner: int) -> Table:
    """Single numbers of a matrix's corner: as they were, as they are stored, as they come back."""
    apply = next(known.apply for known in SCHEMES if known.name == scheme)
    numbers = tensor.read()
    made = apply(numbers)
    places = list(product(*(range(min(corner, size)) for size in numbers.shape)))
    rows = tuple(
        (
            ", ".join(str(index + 1) for index in place),
            _plain(numbers[place]),
            _plain(made.codes[place]),
            finite(_plain(made.restored[place])),
            finite(_plain(numbers[place] - made.restored[place])),
        )
        for place in places
    )
    columns = ("place", "original", "stored", "comes back", "original − comes back")
    return Table(columns=columns, rows=rows, title=f"{tensor.name} as {scheme}")


def storage_table(parameters: int) -> Table:
    """What so many parameters take at each width."""
    rows = tuple((width, size / GIGABYTE) for width, size in storage(parameters).items())
    columns = ("bits", "size (GB)")
    return Table(columns=columns, rows=rows, title=f"Storage of {parameters:,} parameters")


def errors_chart(rows: list[SchemeResult]) -> Chart:
    """The RMS error of every matrix in each precision."""
    points = tuple(
        {"matrix": name, "RMS error": finite(loss.rms), "precision": row.name}
        for row in rows
        if row.width <= 16
        for name, loss in row.losses.items()
    )
    return Chart(
        kind="point", rows=points, x="matrix", y="RMS error", color="precision",
        title="Error by matrix",
    )  # fmt: skip


def sizes_chart(rows: list[SchemeResult]) -> Chart:
    """The size in each precision, scales included."""
    bars = tuple({"precision": row.name, "size (MB)": row.megabytes} for row in rows)
    return Chart(kind="bar", rows=bars, x="precision", y="size (MB)", title="Size by precision")


def perplexity_chart(rows: list[SchemeResult]) -> Chart:
    """Perplexity by the bits that a number takes."""
    points = tuple(
        {"bits": row.total.bits, "perplexity": finite(row.perplexity), "precision": row.name}
        for row in rows
    )
    return Chart(
        kind="point", rows=points, x="bits", y="perplexity", color="precision",
        title="Perplexity by bits per number (lower is better)",
    )  # fmt: skip


def finite(number: float | None) -> JsonValue:
    """A number that JSON can say; infinity (an overflow) in words."""
    if number is None or number - number == 0:
        return number
    return "too large"


def _plain(number: Any) -> float | int:
    value: float | int = number.item()
    return value if isinstance(value, int) else float(f"{value:.6g}")
