"""`patchbay answer`: an answer to a question of a recorded run, which then goes on."""

from __future__ import annotations

from typing import Annotated

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.changed import changed_lines
from patchbay.flows.cli.given import Given, read
from patchbay.flows.cli.options import (
    AnswerJson,
    AsEvents,
    Debug,
    Quiet,
    RunTraceContent,
    SendTrace,
    Verbose,
)
from patchbay.flows.cli.run import leave, open_history, show_traced, view_of
from patchbay.flows.runs.answers import find, give, gone_on_with, refused
from patchbay.flows.runs.defaults import default_environment


def answer(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run that asks.")],
    question: Annotated[
        str | None, typer.Option(help="Which of its questions, where it asks several.")
    ] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Yes.")] = False,
    reject: Annotated[
        str | None, typer.Option(metavar="WHY", help='No, and why; "" for no reason.')
    ] = None,
    choose: Annotated[str | None, typer.Option(metavar="WORD", help="One of the choices.")] = None,
    value: Annotated[
        str | None,
        typer.Option(help="The edited value, or @file; new arguments for a call of a tool."),
    ] = None,
    respond: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What a tool is said to have given.")
    ] = None,
    form: Annotated[
        list[str] | None, typer.Option(help="name=value, a field of a form. May be repeated.")
    ] = None,
    comment: Annotated[str, typer.Option(help="A comment beside the answer.")] = "",
    author: Annotated[str, typer.Option("--as", metavar="NAME", help="Who answers.")] = "",
    as_json: AnswerJson = False,
    events: AsEvents = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    trace: SendTrace = None,
    trace_content: RunTraceContent = False,
    debug: Debug = False,
) -> None:
    """Answer a question of a recorded run. Where nobody has the run, it goes on here."""
    given = Given(approve, reject, choose, value, respond, tuple(form or ()))
    history = open_history()
    asked = find(history, run_id, question)
    env = default_environment(folder=history.get(run_id).folder)
    types = env.catalog.value_types
    wanted = asked.question(types)
    try:
        said, why = read(given, wanted)
    except ValueError as error:
        raise refused(wanted, asked.id, str(error)) from None
    mine = give(history, asked, said, author=author, comment=comment or why, types=types)
    if not quiet:
        for line in changed_lines(wanted, said):
            say.err(f"  {line}")
    if not mine:
        if not quiet:
            say.err(f"Answered. The run {run_id} goes on where it is at work.")
        return
    if not quiet:
        say.err(f"Answered. The run {run_id} goes on.")
    run = gone_on_with(history, run_id, env)
    view = view_of(run.resolved, as_json, events, quiet, verbose)
    leave(show_traced(run, view, trace, trace_content, quiet))
