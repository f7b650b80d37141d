"""Options that several commands have, each declared in one place."""

from __future__ import annotations

from typing import Annotated

import typer

EnvName = Annotated[
    str, typer.Option("--env", metavar="NAME", help="Whose values the flow's variables have.")
]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds that a run may take.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Run every node.")]

# What is printed.
AnswerJson = Annotated[bool, typer.Option("--json", help="One JSON object at the end.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
JsonList = Annotated[bool, typer.Option("--json", help="One JSON list.")]
AsEvents = Annotated[bool, typer.Option(help="One JSON event a line, as they happen.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the answers.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="A line a node.")]
Debug = Annotated[bool, typer.Option("--debug", hidden=True)]

# Traces, of one run and of all that a program runs.
SendTrace = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Send a trace of it there (OTLP over HTTP).")
]
RunTraceContent = Annotated[
    bool, typer.Option("--trace-content", help="Prompts, answers and values go with it.")
]
SendTraces = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Send traces of runs there (OTLP over HTTP).")
]
TraceContent = Annotated[
    bool, typer.Option("--trace-content", help="Prompts, answers and values go with them.")
]

# Where a command runs, all of it or its models and items.
Where = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="WHERE",
        help="here, ray (of this machine), ray://head:10001, slurm, or a cluster of settings.",
    ),
]
Workers = Annotated[int, typer.Option(min=0, help="Processes on Ray.")]
Gpus = Annotated[float, typer.Option(min=0, help="GPUs for each model, or for the job.")]
Machines = Annotated[int, typer.Option(min=0, help="Slurm: machines, one Ray over them.")]
JobTime = Annotated[str, typer.Option("--time", help="Slurm: how long it may take.")]
Container = Annotated[str, typer.Option(help="Slurm: an Apptainer image to run in.")]
Profile = Annotated[str, typer.Option(help="Slurm: clusters/NAME.toml, or ai-lab.")]
PrintOnly = Annotated[bool, typer.Option("--print", help="Slurm: show the script.")]
