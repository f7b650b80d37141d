"""A conversation is kept once: its runs name the turns before them, and read as they were."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows import History, InThread, RunError, Threads, run
from patchbay.flows.runs.forgetting import forget_thread
from patchbay.flows.runs.paging import count, page
from patchbay.flows.runs.pruning import sizes
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.said_before import SAID
from tests.flows.runs.harness import OUT, environment, flow
from tests.flows.runs.people import env_of, goes_on
from tests.paths import ROOT
from tests.stores import a_file, change, url_of

LAST = flow(
    {
        "q": ("io.input", {"name": "said", "kind": "messages"}),
        "t": ("test.text", {"text": "An answer of always the same length."}),
        "o": OUT,
    },
    ["t.text > o.value"],
)
OLD = ROOT / "tests" / "fixtures" / "history-4.sql"


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(url_of(tmp_path / "history.sqlite"))


def say(history: History, text: str, thread: Any = "ada") -> str:
    given = {"said": text, "thread": thread, "history": history, "environment": environment()}
    return run(LoadedFlow(LAST), **given).run


def heard(history: History, run_id: str) -> list[str]:
    """What the flow got, as its record says."""
    (event,) = [e for e in history.events(run_id, "node_finished") if e["node"] == "q"]
    assert SAID not in event
    return [message["content"] for message in event["outputs"]["value"]]


def test_a_turn_takes_as_much_room_as_the_one_before(history: History) -> None:
    runs = [say(history, f"Question {n:03}") for n in range(30)]
    takes = sizes(history, runs)
    assert takes[runs[-1]] < takes[runs[2]] + 20, "what was said before is there once"
    assert len(heard(history, runs[-1])) == 29 * 2 + 1
    assert heard(history, runs[-1])[:2] == ["Question 000", "An answer of always the same length."]
    assert heard(history, runs[-1])[-1] == "Question 029"


def test_every_way_of_reading_gives_the_whole(history: History) -> None:
    runs = [say(history, text) for text in ("one", "two", "three")]
    whole = heard(history, runs[-1])
    assert whole[0::2] == ["one", "two", "three"]
    (stored,) = [s for node, s in history.stored(runs[-1]).items() if node == "q"]
    assert [message.content for message in stored.outputs["value"]] == whole
    paged = [event for _, event in page(history, runs[-1], after=0)]
    assert paged == history.events(runs[-1])


def test_a_turn_that_was_made_anew_changes_no_run_before(history: History) -> None:
    first, second = say(history, "one"), say(history, "two")
    change(history, "UPDATE turns SET answer = ? WHERE number = 2", '"The first answer."')
    failed = _failing(history, "three")
    say(history, "", InThread("ada", again=True))
    third = say(history, "four")
    assert heard(history, failed) == ["one", _same(), "two", "The first answer.", "three"]
    assert heard(history, third) == ["one", _same(), "two", _same(), "four"]
    assert [heard(history, run_id)[-1] for run_id in (first, second)] == ["one", "two"]


def test_a_branch_reads_its_turns_when_the_thread_is_gone(history: History) -> None:
    runs = [say(history, text) for text in ("one", "two", "three")]
    Threads(history).branch("ada", 2, "other")
    done = forget_thread(history, "ada")
    assert (done.runs, done.kept) == (1, 2)
    assert heard(history, runs[1]) == ["one", _same(), "two"]
    assert heard(history, say(history, "four", "other"))[-1] == "four"
    forget_thread(history, "other")
    assert history.runs() == []
    for table in ("turns", "replaced_turns", "events", "run_sizes", "thread_runs"):
        assert change(history, f"SELECT count(*) FROM {table}") == [(0,)], table


def test_a_value_that_looks_like_a_reference_is_a_value(history: History) -> None:
    given = {SAID: {"value": {"turn": 1, "run": "x"}}}
    document = flow({"i": ("io.input", {"name": "i", "kind": "json"}), "o": OUT},
                    ["i.value > o.value"])  # fmt: skip
    done = run(document, i=given, record=True, history=history, environment=environment())
    assert done.outputs == {"out": given}
    (event,) = [e for e in history.events(done.run, "node_finished") if e["node"] == "i"]
    assert event["outputs"]["value"] == given


@a_file
async def test_a_history_from_before_reads_and_goes_on(tmp_path: Path) -> None:
    """Of version 4: three turns and their branch, each run with all that was said, and one that
    waits for a person."""
    path = tmp_path / "history.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(OLD.read_text(encoding="utf-8"))
    history = History(f"sqlite:///{path}")
    runs = {turn.asked: turn.run for turn in Threads(history).turns("ada")}
    assert [*runs] == ["My name is Ada.", "What is it?", "Thank you."]
    assert heard(history, runs["Thank you."])[0::2] == [*runs]
    assert len(Threads(history).turns("other")) == 2
    for past in history.runs():
        events = history.events(past.id)
        assert count(history, past.id) == len(events) > 0
        assert sizes(history, [past.id])[past.id] > 100
    later = say(history, "And now?")
    assert heard(history, later)[0::2] == [*runs, "And now?"]
    (asked,) = history.inbox.open()
    waits = history.get(asked.run)
    assert waits.status == "waiting"
    assert (await goes_on(history, asked.run, True))[-1] == "finished {'out': '?: yes by ada'}"
    history.close()


def _same() -> str:
    return "An answer of always the same length."


def _failing(history: History, text: str) -> str:
    """A turn whose run fails: it adds none."""
    fails = flow(
        {"q": ("io.input", {"name": "said", "kind": "messages"}), "f": "test.fail", "o": OUT},
        ["f.text > o.value"],
    )
    with pytest.raises(RunError):
        run(fails, said=text, thread="ada", history=history, environment=env_of())
    return history.runs(1)[0].id
