"""The commands of `patchbay`, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from patchbay.flows.cli import look, models, runs, studio
from patchbay.flows.cli.run import run
from patchbay.flows.cli.say import out

app = typer.Typer(
    name="patchbay",
    help="Draw flows of language models, run them anywhere.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from patchbay.flows.cli.version import line

        out(line())
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Say the version.")
    ] = False,
) -> None:
    """Options of `patchbay` itself. Its help is the one above."""


app.command()(run)
app.command()(look.validate)
app.command()(look.show)
app.command()(look.nodes)
app.add_typer(models.app, name="models")
app.command()(runs.runs)
app.command()(studio.studio)
