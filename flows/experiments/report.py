"""The grid for people: a table, sentences on what it can tell, and pages that hold both."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Sequence

from pydantic import JsonValue

from patchbay.flows.experiments.cases import FlowCase
from patchbay.flows.experiments.checking import OutputCheck
from patchbay.flows.experiments.grid import Scored
from patchbay.flows.experiments.running import Experiment
from patchbay.flows.runs.prices import amount_text
from patchbay.nodes.figures import Table, cell_text
from patchbay.nodes.units import duration, size_in_words
from patchbay.nodes.values import as_text

COLUMNS = (
    "variant", "check", "score", "95% interval", "from the first", "interval", "differ", "failed",
    "time", "tokens", "cost", "memory",
)  # fmt: skip


def grid_table(grid: Sequence[Scored], title: str) -> Table:
    """A row for each variant and check."""
    return Table(columns=COLUMNS, rows=tuple(_row(one) for one in grid), title=title)


def _row(one: Scored) -> tuple[JsonValue, ...]:
    known, apart = one.interval, one.difference
    return (
        one.variant.name,
        one.check,
        "" if known is None else f"{known.mean:.3f}",
        "" if known is None else f"{known.low:.3f} … {known.high:.3f}",
        "" if apart is None else f"{apart.interval.mean:+.3f}",
        "" if apart is None else f"{apart.interval.low:+.3f} … {apart.interval.high:+.3f}",
        "" if apart is None else f"{apart.better} better, {apart.worse} worse of {apart.cases}",
        one.failed,
        duration(one.seconds),
        round(one.tokens, 1),
        " + ".join(f"{amount_text(n)} {name}" for name, n in one.cost.items()),
        size_in_words(one.memory) if one.memory else "",
    )


def cases_table(experiment: Experiment, checks: Sequence[OutputCheck]) -> Table:
    """Every case, and what each variant said, with its score under the first check."""
    names = [variant.name for variant in experiment.variants]
    rows = tuple(_case_row(experiment, case, checks) for case in experiment.cases)
    return Table(columns=("case", "inputs", "expected", *names), rows=rows, title="Every case")


def _case_row(
    experiment: Experiment, case: FlowCase, checks: Sequence[OutputCheck]
) -> tuple[JsonValue, ...]:
    shown: list[JsonValue] = []
    for variant in experiment.variants:
        cell = experiment.cell(variant, case)
        if cell is None:
            shown.append("")
        elif cell.error:
            shown.append(f"failed: {cell.error}")
        else:
            mark = ""
            if checks and (score := checks[0].of(cell, case)) is not None:
                mark = f"[{score:g}] "
            shown.append(mark + as_text(cell.output))
    asked = "; ".join(f"{name}: {as_text(value)}" for name, value in case.inputs.items())
    expected = "" if case.expected is None else as_text(case.expected)
    return (case.number, asked, expected, *shown)


def as_markdown(tables: Sequence[Table], said: Sequence[str]) -> str:
    """A page in Markdown."""
    first, *more = tables
    parts = [first.as_markdown(), *(f"- {line}" for line in said)]
    return "\n".join([parts[0], "", *parts[1:], "", *(t.as_markdown() for t in more)]) + "\n"


def as_csv(table: Table) -> str:
    """One table, as spreadsheets read it; a cell that would be a formula there is quoted."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(cell_text(cell)) for cell in row] for row in table.rows)
    return made.getvalue()


def _cell(text: str) -> str:
    numeric = text.lstrip("+-").replace(".", "", 1).isdigit()
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") and not numeric else text


def as_html(tables: Sequence[Table], said: Sequence[str], title: str) -> str:
    """A page of its own, without scripts and without anything fetched; dark and light."""
    body = [f"<h1>{html.escape(title)}</h1>", _html(tables[0])]
    body.append("<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in said) + "</ul>")
    body += [f"<h2>{html.escape(t.title)}</h2>{_html(t)}" for t in tables[1:]]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>"
        + "".join(body)
        + "</body></html>\n"
    )


def _html(table: Table) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell_text(cell))}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    inner = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<div class="wide"><table>{inner}</table></div>'


_STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;"
    "max-width:75rem;padding:0 1rem}.wide{overflow-x:auto}table{border-collapse:collapse}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .7rem;border-bottom:1px solid "
    "color-mix(in srgb,currentColor 25%,transparent);white-space:pre-wrap}"
)
