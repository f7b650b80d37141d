"""`patchbay bundle`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from patchbay.flows.cli import say
from patchbay.nodes.units import size_in_words


def bundle(
    flow: Annotated[Path, typer.Argument(help="The flow file.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The archive, such as bundle.tar.")
    ],
    env_name: Annotated[
        str, typer.Option("--env", metavar="NAME", help="Whose values the flow's variables have.")
    ] = "",
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
) -> None:
    """Put a flow and all that it needs into one file, for a machine without internet."""
    from patchbay.flows.batch.bundling import bundle as bundled
    from patchbay.flows.runs.api import load
    from patchbay.flows.runs.defaults import default_catalog
    from patchbay.flows.runs.subflows import prepare

    loaded = load(flow, env=env_name)
    ready = prepare(loaded.flow, default_catalog(), loaded.folder)
    found = bundled(loaded, ready, output)
    for name, size in found:
        say.err(f"{size_in_words(size):>9}  {name}")
    top = output.name.partition(".")[0]
    say.err(f"tar -xf {output.name} && {top}/run.sh")
