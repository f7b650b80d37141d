"""One row per measure, and how it is printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """A measured value, what it is compared with, and what it should be.

    `limit` bounds the value, or the ratio where `on` says so; `kind` tells from which side.
    """

    measure: str
    value: float
    unit: str
    limit: float | None = None
    kind: Literal["at most", "at least"] = "at most"
    on: Literal["value", "ratio"] = "value"
    against: str = ""
    other: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The value over what it is compared with."""
        return self.value / self.other if self.other else None

    @property
    def ok(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        seen = self.value if self.on == "value" else self.ratio
        if self.limit is None or seen is None:
            return None
        return seen <= self.limit if self.kind == "at most" else seen >= self.limit


HEAD = ("measure", "value", "floor or peer, same run", "ratio", "target", "")


def render(rows: Iterable[Row]) -> str:
    """The rows as an aligned table."""
    cells = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
    right = {1, 3}
    lines = [
        "  ".join(
            c.rjust(w) if i in right else c.ljust(w)
            for i, (c, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _cells(row: Row) -> tuple[str, ...]:
    other = f"{number(row.other)} {row.unit}  {row.against}" if row.other is not None else row.note
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    target = ""
    if row.limit is not None:
        what = "ratio " if row.on == "ratio" else ""
        unit = "" if row.on == "ratio" else f" {row.unit}"
        target = f"{what}{row.kind} {number(row.limit)}{unit}"
    verdict = {True: "ok", False: "NOT MET", None: ""}[row.ok]
    return (row.measure, f"{number(row.value)} {row.unit}", other, ratio, target, verdict)


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
