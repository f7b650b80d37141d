"""Values on a terminal: tables in aligned columns, charts as bars, pictures by their size."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.data import is_number
from patchbay.nodes.figures import Chart, Picture, Table, cell_text
from patchbay.nodes.units import size_in_words
from patchbay.nodes.values import Document, as_text

BAR = 30
"""Letters of the longest bar."""
GAP = "  "


def text_of(value: Any, widest: int | None = None) -> str:
    """A value as text for people.

    Args:
        value: an output of a node.
        widest: letters after which a cell is cut; None where nobody minds long lines.
    """
    if isinstance(value, Table):
        return _headed(value.title, table_text(value, widest))
    if isinstance(value, Chart):
        return _headed(value.title, chart_text(value, widest))
    if isinstance(value, Picture):
        alt = f" {value.alt}" if value.alt else ""
        return f"[picture {value.media}, {size_in_words(value.size)}]{alt}"
    if isinstance(value, Document):
        return documents_text([value])
    if isinstance(value, list) and value and all(isinstance(item, Document) for item in value):
        return documents_text(value)
    return as_text(value)


def documents_text(documents: Sequence[Document]) -> str:
    """Each with its number, how well it matched and where it came from, and its text below."""
    parts = []
    for number, document in enumerate(documents, 1):
        score = "" if document.score is None else f"score {document.score:.3f}"
        facts = " · ".join(part for part in (score, _place(document)) if part)
        head = f"[{number}] {facts}".rstrip()
        parts.append(f"{head}\n{document.text.strip()}")
    return "\n\n".join(parts)


def _place(document: Document) -> str:
    """Where a document came from: `hive.pdf, page 3`."""
    known = document.metadata
    parts = [str(known["source"])] if known.get("source") else []
    parts += [f"{name} {known[name]}" for name in ("page", "row") if name in known]
    parts += [str(known["heading"])] if known.get("heading") else []
    return ", ".join(" ".join(part.split()) for part in parts)


def table_text(table: Table, widest: int | None = None) -> str:
    """The table in columns of one width, columns of numbers to the right."""
    shown = [[_cell(cell, widest) for cell in row] for row in table.rows]
    right = [_numbers([row[place] for row in table.rows]) for place in range(len(table.columns))]
    head = [_cut(" ".join(name.split()), widest) for name in table.columns]
    widths = [
        max(_width(row[place]) for row in [head, *shown]) for place in range(len(table.columns))
    ]
    lines = [head, ["-" * width for width in widths], *shown]
    return "\n".join(
        GAP.join(
            _padded(cell, width, to_right)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def chart_text(chart: Chart, widest: int | None = None) -> str:
    """Bars as bars, a line or points as the table of their numbers."""
    values = [row.get(chart.y) for row in chart.rows]
    if chart.kind != "bar" or not all(is_number(value) for value in values):
        return table_text(chart.as_table(), widest)
    largest = max((abs(float(str(value))) for value in values), default=0.0) or 1.0
    rows = []
    for row in chart.rows:
        number = row.get(chart.y)
        length = round(abs(float(str(number))) / largest * BAR)
        labels = [row.get(field) for field in (chart.x, chart.color) if field is not None]
        rows.append((*labels, number, "█" * length + _spread(chart, row)))
    names = [chart.x_title or chart.x] + ([chart.color] if chart.color else [])
    return table_text(Table(columns=(*names, chart.y_title or chart.y, ""), rows=tuple(rows)))


def _spread(chart: Chart, row: dict[str, JsonValue]) -> str:
    low, high = (row.get(field) if field else None for field in (chart.low, chart.high))
    return "" if low is None or high is None else f" ({cell_text(low)} to {cell_text(high)})"


def _headed(title: str, body: str) -> str:
    return f"{title}\n\n{body}" if title else body


def _cell(cell: JsonValue, widest: int | None) -> str:
    return _cut(" ".join(cell_text(cell).split()), widest)


def _cut(text: str, widest: int | None) -> str:
    return text if widest is None or len(text) <= widest else text[: widest - 1] + "…"


def _numbers(cells: Sequence[JsonValue]) -> bool:
    given = [cell for cell in cells if cell is not None]
    return bool(given) and all(is_number(cell) for cell in given)


def _width(text: str) -> int:
    """Columns of a terminal: Chinese and Japanese letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _padded(text: str, width: int, to_right: bool) -> str:
    gap = " " * (width - _width(text))
    return gap + text if to_right else text + gap
