"""`patchbay threads`: the conversations that are kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug, Json
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.forgetting import Forgotten, forget_person, forget_thread
from patchbay.flows.runs.thread_export import as_data, as_markdown
from patchbay.flows.runs.threads import Thread, Threads
from patchbay.flows.wording import plural
from patchbay.nodes.units import timestamp

app = typer.Typer(
    help="List, show, rename, move, branch, export and delete conversations.", rich_markup_mode=None
)
ThreadId = Annotated[str, typer.Argument(help="The id of the thread.")]


@app.callback(invoke_without_command=True)
def threads(
    context: typer.Context,
    search: Annotated[str, typer.Option("--search", "-s", help="A text that was said.")] = "",
    person: Annotated[str | None, typer.Option(help="Only those of this person.")] = None,
    limit: Annotated[int, typer.Option(help="How many to list.")] = 50,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List conversations, the one that was used last first."""
    if context.invoked_subcommand is not None:
        return
    people = None if person is None else [person]
    found = _threads().listed(search, people=people, limit=limit)
    if as_json:
        say.out(json.dumps([_row(thread) for thread in found], ensure_ascii=False, indent=2))
        return
    for thread in found:
        when = timestamp(thread.updated_at)
        turns = plural(thread.turns, "turn")
        say.out(f"{thread.id}  {when}  {turns:>9}  {thread.flow}  {thread.title}")
    if not found:
        said = "Nothing that was said fits." if search else "There are no threads yet."
        say.err(f"{said} Begin one with: patchbay chat FLOW --thread NAME")


@app.command()
def show(
    thread: ThreadId,
    last: Annotated[int | None, typer.Option(help="Only so many turns, the last ones.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show what was said."""
    store = _threads()
    found, turns = store.get(thread), store.turns(thread)
    turns = turns if last is None else turns[-last:] if last > 0 else []
    if as_json:
        say.out(json.dumps(as_data(found, turns), ensure_ascii=False, indent=2))
    else:
        say.out(as_markdown(found, turns), end="")


@app.command()
def rename(
    thread: ThreadId,
    title: Annotated[str, typer.Argument(help="The new title; the id stays.")],
    debug: Debug = False,
) -> None:
    """Give a conversation another title."""
    say.err(f"{thread} is now called: {_threads().rename(thread, title).title}")


@app.command()
def move(
    old: Annotated[Path, typer.Argument(help="Where the flow's file, or a folder of them, was.")],
    new: Annotated[Path, typer.Argument(help="Where it is now.")],
    debug: Debug = False,
) -> None:
    """Take conversations and facts along, after a flow's file was moved or renamed."""
    from patchbay.flows.runs.moving import move_by_hand

    done = move_by_hand(_threads().history, old, new)
    say.err(f"Took along {plural(done.threads, 'thread')} and {plural(done.facts, 'fact')}.")


@app.command()
def branch(
    thread: ThreadId,
    turn: Annotated[int, typer.Argument(help="The number of the last turn that is taken along.")],
    new: Annotated[str | None, typer.Option("--as", help="The id of the new thread.")] = None,
    debug: Debug = False,
) -> None:
    """Begin a conversation from a turn of another; that one stays as it is."""
    say.out(_threads().branch(thread, turn, new).id)


@app.command()
def export(
    thread: ThreadId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; else it is printed.")
    ] = None,
    form: Annotated[
        Literal["markdown", "json"], typer.Option("--as", help="Text for people, or data.")
    ] = "markdown",
    debug: Debug = False,
) -> None:
    """Write a conversation to a file."""
    store = _threads()
    found, turns = store.get(thread), store.turns(thread)
    text = as_markdown(found, turns)
    if form == "json":
        text = json.dumps(as_data(found, turns), ensure_ascii=False, indent=2) + "\n"
    if output is None:
        say.out(text, end="")
        return
    _write(output, text)
    say.err(f"Wrote {plural(len(turns), 'turn')} to {output}")


@app.command()
def delete(
    threads: Annotated[list[str] | None, typer.Argument(help="Ids of threads.")] = None,
    person: Annotated[
        str | None, typer.Option(help="Everything of this person: threads, runs, facts.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    debug: Debug = False,
) -> None:
    """Delete conversations with all data: turns, runs and their values, summaries, facts.

    What is deleted is overwritten in the file of the history.
    """
    from patchbay.flows.runs.defaults import default_environment

    if not threads and person is None:
        fix = "Write it like this: patchbay threads delete ada, or --person ada."
        raise say.usage("Nothing was named to delete.", fix)
    store = _threads()
    found = [store.get(thread) for thread in threads or []]
    _ask(found, person, yes)
    cache = default_environment().cache
    done = [forget_thread(store.history, thread.id, cache) for thread in found]
    done += [forget_person(store.history, person, cache)] if person is not None else []
    for one in done:
        say.err(_told(one))


def _threads() -> Threads:
    from patchbay.flows.runs.history import History

    history = History()
    say.notice(history.notice)
    return Threads(history)


def _row(thread: Thread) -> dict[str, Any]:
    return {name: getattr(thread, name) for name in thread.__slots__}


def _write(path: Path, text: str) -> None:
    from patchbay.nodes.atomic import write_atomic

    try:
        write_atomic(path, text)
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"The conversation cannot be written to {path}: {reason}."
        fix = "Name a file in a folder that exists and may be written."
        raise FlowError([Problem("thread/unwritable", message, fix)]) from error


def _ask(found: list[Thread], person: str | None, yes: bool) -> None:
    if yes:
        return
    what = [f"{t.id} ({t.title}, {plural(t.turns, 'turn')})" for t in found]
    what += [f"everything that is kept of {person}"] if person is not None else []
    if not sys.stdin.isatty():
        problem = Problem(
            "usage", f"This deletes {', '.join(what)}, for good.", "Add --yes if you mean it."
        )
        raise FlowError([problem])
    typer.confirm(f"Delete {', '.join(what)}, for good?", abort=True, err=True)


def _told(done: Forgotten) -> str:
    parts = [
        plural(done.threads, "thread"), plural(done.turns, "turn"), plural(done.runs, "run"),
    ]  # fmt: skip
    parts += [plural(done.facts, "fact")] if done.facts else []
    kept = f" {plural(done.kept, 'run')} stayed: a branch holds turns of it." if done.kept else ""
    return f"Deleted {', '.join(parts)}.{kept}"
