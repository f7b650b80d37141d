"""`patchbay bundle`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug, EnvName
from patchbay.nodes.units import size_in_words

PLATFORM = "linux"
"""A usual Linux."""


def bundle(
    flow: Annotated[Path, typer.Argument(help="The flow file.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The archive, such as bundle.tar.")
    ],
    wheels: Annotated[
        bool,
        typer.Option("--wheels", help="Patchbay and its packages go along, for another Python."),
    ] = False,
    python: Annotated[
        str, typer.Option(metavar="3.12", help="Its version; this one's unless given.")
    ] = "",
    platform: Annotated[
        str,
        typer.Option(help="Its platform, such as manylinux_2_28_aarch64; a usual Linux."),
    ] = PLATFORM,
    env_name: EnvName = "",
    debug: Debug = False,
) -> None:
    """Put a flow and all that it needs into one file, for a machine without internet."""
    from patchbay.flows.batch.bundling import bundle as bundled
    from patchbay.flows.runs.api import load
    from patchbay.flows.runs.defaults import default_catalog
    from patchbay.flows.runs.subflows import prepare

    loaded = load(flow, env=env_name)
    ready = prepare(loaded.flow, default_catalog(), loaded.folder)
    other = None
    if not output.parent.is_dir():
        raise say.usage(f"There is no folder {output.parent}.", "Make it first.")
    if wheels or python or platform != PLATFORM:
        from patchbay.flows.batch.wheels import OtherPython

        other = OtherPython(python or "{}.{}".format(*sys.version_info), platform)
        say.err(f"Fetching wheels for Python {other.version}; this takes a while.")
    found = bundled(loaded, ready, output, other)
    own = [(name, size) for name, size in found if not name.startswith("wheels/")]
    for name, size in own:
        say.err(f"{size_in_words(size):>9}  {name}")
    if len(own) < len(found):
        taken = sum(size for name, size in found if name.startswith("wheels/"))
        say.err(f"{size_in_words(taken):>9}  {len(found) - len(own)} wheels")
    top = output.name.partition(".")[0]
    say.err(f"tar -xf {output.name} && {top}/run.sh")
