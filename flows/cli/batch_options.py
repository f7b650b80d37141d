"""The options of `patchbay batch` that no other command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

BatchFlow = Annotated[Path | None, typer.Argument(help="The flow file.")]

# What is read, and what is written.
BatchRows = Annotated[
    str,
    typer.Option(
        help=".csv, .jsonl, .parquet, .xlsx, a folder, sqlite:///file.db#table, - for stdin."
    ),
]
BatchOutput = Annotated[
    str,
    typer.Option("--output", "-o", help=".jsonl, .csv, .parquet, or sqlite:///file.db#new_table."),
]
Columns = Annotated[list[str] | None, typer.Option("--map", help="input=column. May be repeated.")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", "-i", help="name=value for all rows. May be repeated."),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(help="A column to write beside the outputs; all unless given."),
]
Query = Annotated[str, typer.Option(help="The SQL that gives the rows.")]
Params = Annotated[
    list[str] | None, typer.Option("--set", help="node.param=value. May be repeated.")
]

# How many at once, how often, and when it ends.
AtOnce = Annotated[int, typer.Option(min=1, help="Rows at work at once.")]
Unordered = Annotated[bool, typer.Option(help="Write rows as they are done.")]
Retries = Annotated[int, typer.Option(min=0, help="Further tries of a row that failed.")]
Limit = Annotated[float | None, typer.Option(min=0.001, help="Seconds that a try may take.")]
MostTokens = Annotated[int | None, typer.Option(min=1, help="Stop after so many tokens.")]
MostMoney = Annotated[
    float | None, typer.Option(min=0, help="Stop after so much money, by your prices.")
]
StopAtFailure = Annotated[
    bool, typer.Option("--stop-at-failure", help="End at the first row that fails.")
]

# What was begun or made before.
Resume = Annotated[bool, typer.Option("--resume", help="Go on with what was begun.")]
Replay = Annotated[
    Path | None,
    typer.Option(metavar="MANIFEST", help="Make a batch again, and list what differs."),
]
Anyway = Annotated[bool, typer.Option("--anyway", help="Replay although things changed.")]
AskAnew = Annotated[bool, typer.Option("--no-cache", help="Ask every model anew.")]

# Where it runs.
RayProcesses = Annotated[int, typer.Option(min=0, help="Processes on Ray; its cores unless given.")]
GpusEach = Annotated[float, typer.Option(min=0, help="GPUs that each of them needs.")]
Tasks = Annotated[int, typer.Option(min=0, help="Slurm: how many tasks share the rows.")]
TaskTime = Annotated[str, typer.Option("--time", help="Slurm: how long each may take.")]
PrintScripts = Annotated[bool, typer.Option("--print", help="Slurm: show the scripts.")]

# What tasks of Slurm are told.
TaskPart = Annotated[str, typer.Option(hidden=True)]
GoOn = Annotated[bool, typer.Option("--go-on", hidden=True)]
Collected = Annotated[Path | None, typer.Option("--collect", hidden=True)]

NoProgress = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
