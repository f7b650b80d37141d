"""A history of 100,000 events opens, is listed and is looked at without reading them all.

What SQLite does is counted: its virtual machine says every so many instructions that it still
works, and a run that is read from end to end takes some of them for each event.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from patchbay.flows.runs.history import History
from patchbay.flows.runs.paging import count, latest_of_nodes, page, pages
from patchbay.flows.runs.pruning import sizes
from patchbay.flows.runs.writer import Work, WrittenRow
from patchbay.studio.runs.shown import shown_of
from tests.stores import a_file, change, url_of

pytestmark = a_file

MANY, FEW = 100_000, 1_000
EVERY = 100
"""Instructions between two calls."""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Two runs: a loop of very many items, and one that differs from it by their number only."""
    history = History(url_of(tmp_path_factory.mktemp("large") / "history.sqlite"))
    for run, events in (("large", MANY), ("small", FEW)):
        row = {
            "id": run, "name": "Loop", "status": "finished", "process": "here/1/1.00",
            "started_at": time.time(), "flow": "{}", "only": "[]", "inputs": "{}",
            "outputs": "{}", "seconds": 1.0, "tokens": 0,
        }  # fmt: skip
        history._writer.put_and_wait(Work("runs", [row]), Work("events", _rows(run, events)))
    yield history
    history.close()


def _rows(run: str, events: int) -> list[WrittenRow]:
    rows: list[WrittenRow] = [_row(run, "node_started", "each")]
    rows += [_row(run, "node_finished", f"each/{n}/ask") for n in range(events - 3)]
    rows += [_row(run, "node_finished", "each"), _row(run, "run_finished", None)]
    return rows


def _row(run: str, kind: str, node: str | None) -> WrittenRow:
    data = {"type": kind, "node": node, "at": 1.0, "key": "", "source": "run",
            "outputs": {"text": "x" * 200}, "tokens": {"prompt": 1, "completion": 1}}  # fmt: skip
    return run, kind, node, json.dumps(data)


@contextlib.contextmanager
def counted(history: History) -> Iterator[list[int]]:
    """How many instructions SQLite makes meanwhile, in hundreds."""
    seen = [0]

    def one() -> None:
        seen[0] += 1

    def watch(connection: Any, *_: Any) -> None:
        connection.set_progress_handler(one, EVERY)

    engine = history.store._engine
    engine.dispose()
    sa.event.listen(engine, "checkout", watch)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "checkout", watch)
        engine.dispose()


LOOKS: dict[str, Callable[[History, str], object]] = {
    "list": lambda history, run: sizes(history, [past.id for past in history.runs()]),
    "one": lambda history, run: (history.get(run), count(history, run)),
    "last page": lambda history, run: shown_of(history, run, None),
    "earlier page": lambda history, run: shown_of(
        history, run, shown_of(history, run, None).before
    ),
    "first lines": lambda history, run: [next(iter(pages(history, run)))],
    "last lines": lambda history, run: page(history, run, limit=20),
    "nodes": lambda history, run: latest_of_nodes(history, run, 10**9),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_hundred_times_the_events_are_no_more_work(look: str, history: History) -> None:
    took = {}
    for run in ("small", "large"):
        with counted(history) as seen:
            LOOKS[look](history, run)
        took[run] = seen[0]
    assert took["large"] <= took["small"] * 2 + 20, took


def test_reading_all_is_counted(history: History) -> None:
    with counted(history) as few:
        assert len(history.events("small")) == FEW
    with counted(history) as many:
        change(history, "SELECT sum(length(data)) FROM events WHERE run = 'large'")
    assert many[0] > few[0] * 20


def test_opening_is_no_more_work(history: History) -> None:
    """The file is checked and its version read; no table is walked through."""
    again = History(history.store._url.render_as_string())
    with counted(again) as seen:
        again.store._open()
    assert seen[0] < 100
    again.close()


def test_sizes_are_what_was_written(history: History) -> None:
    for run, events in (("large", MANY), ("small", FEW)):
        assert count(history, run) == events
        ((written,),) = change(history, "SELECT sum(length(data)) FROM events WHERE run = ?", run)
        assert sizes(history, [run])[run] == written


def test_pages_follow_each_other_and_leave_nothing_out(history: History) -> None:
    shown = shown_of(history, "small", None)
    assert (shown.at_end, shown.whole, shown.words) == (True, False, "Events 501 to 1,000 of 1,000")
    assert shown.last["type"] == "run_finished"
    assert [event["type"] for event in shown.known] == ["node_started"]
    earlier = shown_of(history, "small", shown.before)
    assert (earlier.at_end, earlier.first, earlier.words) == (
        False, 1, "Events 1 to 500 of 1,000",
    )  # fmt: skip
    assert earlier.last["type"] == "run_finished"
    assert earlier.known == []
    assert [*earlier.events, *shown.events] == history.events("small")
    assert list(pages(history, "small")) == history.events("small")


def test_a_run_that_is_deleted_takes_its_size_along(tmp_path: Path) -> None:
    history = History(url_of(tmp_path / "history.sqlite"))
    history._writer.put_and_wait(Work("run_sizes", [{"run": "r", "bytes": 7, "events": 1}]))
    assert (sizes(history, ["r"]), count(history, "r")) == ({"r": 7}, 1)
    history.delete("r")
    assert (sizes(history, ["r"]), count(history, "r")) == ({"r": 0}, 0)
    history.close()
