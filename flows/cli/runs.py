"""`patchbay runs`: what was recorded."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug, Json
from patchbay.nodes.units import clock, duration, size_in_words, timestamp

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History


def runs(
    run_id: Annotated[
        str | None,
        typer.Argument(help='Show the events of this run; or "prune" --older AGE; or "stop" RUN.'),
    ] = None,
    which: Annotated[str | None, typer.Argument(metavar="RUN", help="With stop: the run.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="How many to list: runs (20), or the last events of one (all)."),
    ] = None,
    as_json: Json = False,
    older: Annotated[
        str | None, typer.Option(help="With prune: the age of runs that go, such as 30d or 12h.")
    ] = None,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="With prune: only say what would go.")
    ] = False,
    files: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the files that this run wrote into a folder."),
    ] = None,
    debug: Debug = False,
) -> None:
    """List recorded runs, newest first, or the events of one.

    `prune` forgets old ones, `stop` ends one that waits for people or is at work. With --files what
    an agent wrote is exported, of a run that has ended, waits, or was killed.
    """
    from patchbay.flows.runs.history import History

    history = History()
    if run_id == "prune" or older is not None or dry:
        _prune(history, run_id, older, dry)
    elif run_id == "stop" or which is not None:
        _stop(history, run_id, which)
    elif files is not None:
        _export(history, run_id, files)
    elif run_id is not None:
        _show(history, run_id, limit, as_json)
    else:
        _list(history, limit or 20, as_json)


def _show(history: History, run: str, limit: int | None, as_json: bool) -> None:
    """Show the events of a run, or its last ones."""
    from patchbay.flows.runs.paging import page, pages

    history.get(run)
    last = None if limit is None else [event for _, event in page(history, run, limit=limit)]
    for event in pages(history, run) if last is None else last:
        say.out(json.dumps(event, ensure_ascii=False) if as_json else _line(event))


def _export(history: History, run: str | None, folder: Path) -> None:
    """Write the files of a run into a folder, and say which."""
    from patchbay.flows.runs.files import export_files, files_of

    if run is None:
        raise say.usage("Of which run?", "patchbay runs RUN --files FOLDER")
    history.get(run)
    found = files_of(history, run)
    if not found:
        say.err("The run wrote no files.")
        return
    size = export_files(found, folder)
    for path, text in found.items():
        say.out(f"{path}  {size_in_words(len(text.encode()))}")
    count = f"{len(found):,} file{'' if len(found) == 1 else 's'}"
    say.err(f"{count}, {size_in_words(size)}, in {folder}")


def _list(history: History, limit: int, as_json: bool) -> None:
    """List the latest runs, and what the history takes."""
    from patchbay.flows.runs.prices import costs
    from patchbay.flows.runs.pruning import sizes

    past = history.runs(limit)
    say.notice(history.notice)
    sizes_of = sizes(history, (run.id for run in past))
    cost_of = costs(history, (run.id for run in past if run.tokens))
    if as_json:
        rows = [
            {
                "id": run.id,
                "flow": run.name,
                "status": run.status,
                "started_at": run.started_at,
                "seconds": run.seconds,
                "tokens": run.tokens,
                "bytes": sizes_of[run.id],
                **({"cost": cost_of[run.id].as_dict()} if cost_of.get(run.id) else {}),
            }
            for run in past
        ]
        say.out(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for run in past:
        when = timestamp(run.started_at)
        cost = f"  {cost_of[run.id].words()}" if cost_of.get(run.id) else ""
        took = duration(run.seconds)
        say.out(f"{run.id}  {run.status:<11}  {when}  {took:>8}  {run.name}{cost}")
    if past and history.size is not None:
        say.err(f"The history takes {size_in_words(history.size)}.")
    if not past:
        say.err("No run is recorded yet. Record one with: patchbay run FLOW --record")


def _stop(history: History, what: str | None, run: str | None) -> None:
    """Stop a run that sleeps or is at work in another process, and say what becomes of it."""
    if what != "stop" or run is None:
        raise say.usage("Runs are stopped by their id.", "patchbay runs stop RUN")
    from patchbay.flows.runs.stopping import stop

    stopped = stop(history, run)
    say.notice(history.notice)
    if not stopped:
        say.out(
            "It has been asked to stop, and has not yet: what cannot be interrupted ends first."
        )
        return
    say.out(f"Stopped. Its questions are closed; to go on after all: patchbay run --resume {run}")


def _prune(history: History, what: str | None, older: str | None, dry: bool) -> None:
    """Forget old runs, and say what went."""
    if what != "prune" or older is None:
        message = "Runs are forgotten by their age."
        fix = "patchbay runs prune --older 30d, with --dry-run to see first what would go."
        raise say.usage(message, fix)
    from patchbay.flows.runs.pruning import age_in_seconds, prune

    pruned = prune(history, time.time() - age_in_seconds(older), dry=dry)
    say.notice(history.notice)
    for run in pruned.runs if dry else ():
        say.out(f"{run.id}  {run.status:<11}  {run.name}")
    count = f"{len(pruned.runs):,} run{'' if len(pruned.runs) == 1 else 's'}"
    say.out(
        f"{count} of about {size_in_words(pruned.size)} {'would go' if dry else 'went'}."
        + (
            f" The history takes {size_in_words(history.size)} now."
            if history.size and not dry
            else ""
        )
    )
    if pruned.kept:
        say.err(
            f"{pruned.kept:,} old runs stay: they are at work, wait for an answer, or belong to a "
            "thread (patchbay threads)."
        )


def _line(event: dict[str, Any]) -> str:
    node = f" {event['node']}" if event.get("node") else ""
    step = [event.get("who"), event.get("what"), event.get("tool"), _first(event.get("text"))]
    more = (
        event.get("reason")
        or event.get("message")
        or event.get("problem", {}).get("message")
        or event.get("source")
        or " · ".join(part for part in step if part)
    )
    at = clock(event["at"])
    return f"{at}  {event['type']:<14}{node}  {more}".rstrip()


def _first(text: str | None) -> str:
    """The first line of a text, cut where it is long."""
    line = (text or "").strip().partition("\n")[0]
    return line if len(line) <= 100 else line[:99] + "…"
