"""The options of `patchbay experiment` that no other command has."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ReportForm(StrEnum):
    """How the grid is written."""

    text = "text"
    md = "md"
    csv = "csv"
    html = "html"
    json = "json"


VariedFlow = Annotated[Path, typer.Argument(help="The flow file.")]

# What is compared, on what, by what.
Cases = Annotated[
    Path, typer.Option(help="CSV, JSON list or JSON Lines of cases, or the name of a set.")
]
Vary = Annotated[
    list[str] | None,
    typer.Option(help="node.param=one,other or node.param=[…]: an axis. May be repeated."),
]
Checks = Annotated[
    list[str] | None,
    typer.Option(
        "--check",
        help="exact, contains, number[:DISTANCE], schema:FILE, similarity, judge:RUBRIC, "
        "versus:RUBRIC, flow:FILE, or a limit: seconds:2, tokens:100, cost:0.01, memory:1GB. "
        "May be repeated.",
    ),
]
Expected = Annotated[str, typer.Option(help="The column of what should come out.")]
OutputName = Annotated[
    str, typer.Option("--output-name", help="The flow's output that is checked.")
]

# What is written.
ReportAs = Annotated[ReportForm, typer.Option(help="How the grid is written.")]
ReportFile = Annotated[
    Path | None, typer.Option("-o", "--output", help="The file to write the report to.")
]
KeptAs = Annotated[str, typer.Option(help="What it is kept as; by default the flow's.")]
UseBest = Annotated[
    bool, typer.Option("--use-best", help="Write the best variant into the flow file.")
]
Preferences = Annotated[
    Path | None,
    typer.Option(
        "--preferences",
        metavar="FILE",
        help="Write what the judges among the checks prefer, as JSON Lines for *Preference data*.",
    ),
]

# What is good enough.
AtLeast = Annotated[
    float | None, typer.Option(min=0, max=1, help="Exit 1 where no variant scores so much.")
]
NoWorseThan = Annotated[
    str,
    typer.Option(
        metavar="LAST|FILE", help="Exit 1 where a variant is worse than then, beyond noise."
    ),
]

# How it runs.
Jobs = Annotated[int, typer.Option("--jobs", min=1, max=256, help="Runs at once.")]
EnvOfVariants = Annotated[str, typer.Option("--env", metavar="NAME", help="See run.")]
OnlyReport = Annotated[bool, typer.Option("--quiet", "-q", help="Only the report.")]
