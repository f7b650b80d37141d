"""`patchbay export`: a flow in other words."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug
from patchbay.flows.document.reading import read_flow


class ExportForm(StrEnum):
    """What a flow can be exported to."""

    python = "python"
    notebook = "notebook"
    langgraph = "langgraph"
    haystack = "haystack"
    crewai = "crewai"
    mermaid = "mermaid"


def export(
    flow: Annotated[Path, typer.Argument(help="The flow file.")],
    to: Annotated[ExportForm, typer.Option(help="What to write.")] = ExportForm.python,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The file to write; for crewai a folder."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Write a flow as a Python script, a notebook, a LangGraph graph, or a file of another builder.

    Where a flow cannot be said in that form, the nodes that stand in the way are named.
    """
    from patchbay.flows.exchange.exports import exported
    from patchbay.flows.runs.defaults import default_catalog

    files = exported(read_flow(flow), to.value, default_catalog(), flow.stem)
    if output is None:
        for name, text in files.items():
            if len(files) > 1:
                say.out(f"# {name}")
            say.out(text, end="")
        return
    if len(files) > 1:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (output / name).write_text(text, encoding="utf-8")
    else:
        output.write_text(next(iter(files.values())), encoding="utf-8")
    say.err(f"wrote {output}")
