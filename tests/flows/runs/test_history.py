"""The history: what is recorded, and how an interrupted run goes on."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.environment import Stored
from patchbay.flows.runs.history import Claim, History, resumable
from patchbay.flows.runs.leases import is_alive, this_process
from patchbay.flows.runs.running import LoadedFlow, Run
from tests.flows.runs.harness import CATALOG, OUT, environment, flow, words
from tests.flows.runs.nodes import Gate
from tests.stores import another, url_of


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(url_of(tmp_path / "history.sqlite"))


async def recorded(history: History, document: Flow, stop_at: str = "") -> tuple[str, list[str]]:
    run = Run(LoadedFlow(document), {}, environment())
    run.add_sink(history.recorder(run.id, document))
    events = []
    async for event in run.events():
        events.append(event)
        if words([event]) == [stop_at]:
            run.cancel()
    return run.id, words(events)


def chain(log: Path, last: str = "test.random") -> Flow:
    noted = {"log": str(log)}
    return flow(
        {"a": "test.text", "b": ("test.random", noted), "c": (last, noted), "o": OUT},
        ["a.text > b.text", "b.text > c.text", "c.text > o.value"],
    )


async def test_a_run_is_recorded(history: History, tmp_path: Path) -> None:
    run, _ = await recorded(history, chain(tmp_path / "log"))
    past = history.get(run)
    assert (past.status, past.name, past.outputs) == ("finished", "Case", {"out": "HI"})
    assert past.flow == chain(tmp_path / "log")
    assert [event["type"] for event in history.events(run)][:3] == [
        "run_started", "node_started", "node_finished",
    ]  # fmt: skip
    assert [p.id for p in history.runs()] == [run]


async def test_a_failed_run_keeps_its_problem(history: History) -> None:
    run, _ = await recorded(history, flow({"f": "test.fail", "o": OUT}, ["f.text > o.value"]))
    past = history.get(run)
    assert past.status == "failed"
    assert past.problem is not None
    assert past.problem["node"] == "f"


async def test_a_stopped_run_goes_on_where_it_was(history: History, tmp_path: Path) -> None:
    log = tmp_path / "log"
    Gate.shut()
    run_id, found = await recorded(history, chain(log, last="test.gate"), stop_at="start c")
    assert found[-1] == "cancelled"
    Gate.opened.set()
    past = history.get(run_id)
    resumable(past)
    stored = history.stored(run_id, CATALOG.value_types)
    again = Run(past.flow, {}, environment(stored=stored), run_id=run_id)
    again.add_sink(history.recorder(run_id, past.flow))
    assert words([event async for event in again.events()]) == [
        "resumed a", "resumed b", "start c", "run c", "start o", "run o", "finished {'out': 'HI'}",
    ]  # fmt: skip
    assert log.read_text(encoding="utf-8").split() == ["hi", "HI"], "b ran once, c to its end once"
    assert history.get(run_id).status == "finished"


async def test_very_many_recorded_nodes_are_taken_in_order_and_others_have_their_turn(
    history: History,
) -> None:
    """They are taken without tasks, a hundred at a time: a branch beside them is not kept waiting,
    and what does not fit its record runs."""
    names = [f"n{number}" for number in range(250)]
    nodes = dict.fromkeys(names, "test.upper")
    wires = [f"{one}.text > {two}.text" for one, two in pairwise(names)]
    long = flow(
        {"a": "test.text", **nodes, "beside": "test.upper", "o": OUT},
        ["a.text > n0.text", *wires, "n249.text > o.value", "a.text > beside.text"],
    )
    run_id, _ = await recorded(history, long)
    stored = history.stored(run_id, CATALOG.value_types)
    stored["n120"] = Stored(stored["n120"].key, {"text": 7})  # what it cannot have given
    stored["n130"] = Stored("another key", stored["n130"].outputs)
    del stored["beside"]
    found = words([event async for event in Run(long, {}, environment(stored=stored)).events()])
    taken = [word.removeprefix("resumed ") for word in found if word.startswith("resumed ")]
    assert taken == ["a", *(name for name in names if name not in ("n120", "n130")), "o"]
    assert [word for word in found if word.startswith("run ")] == [
        "run beside", "run n120", "run n130",
    ]  # fmt: skip
    assert found[-1] == "finished {'out': 'HI'}"


async def test_a_result_for_other_inputs_is_not_taken(tmp_path: Path) -> None:
    env = environment(stored={"b": Stored("another key", {"text": "stale"})})
    run = Run(chain(tmp_path / "log"), {}, env)
    assert "run b" in words([event async for event in run.events()])


async def test_what_cannot_be_resumed_is_said(history: History, tmp_path: Path) -> None:
    run, _ = await recorded(history, chain(tmp_path / "log"))
    with pytest.raises(FlowError, match="has finished"):
        resumable(history.get(run))
    with pytest.raises(FlowError, match=f"The latest are: {run}"):
        history.get("20200101-000000-000000")


async def test_a_run_of_a_living_process_is_running_one_of_a_dead_is_interrupted(
    history: History, tmp_path: Path
) -> None:
    Gate.shut()
    document = chain(tmp_path / "log", last="test.gate")
    run = Run(LoadedFlow(document), {}, environment())
    run.add_sink(history.recorder(run.id, document))
    async for event in run.events():
        if event.type == "node_started":
            assert history.get(run.id).status == "running"
            with pytest.raises(FlowError, match="still running"):
                resumable(history.get(run.id))
            break
    host, _, started = this_process().rsplit("/", 2)
    assert is_alive(this_process())
    assert not is_alive(f"{host}/1/{started}")
    assert not is_alive(f"{host}/999999999/0.00")


async def test_a_history_that_cannot_be_written_costs_the_record_only(
    tmp_path: Path, history: History
) -> None:
    document = chain(tmp_path / "log")
    run = Run(LoadedFlow(document), {}, environment())
    record = history.recorder(run.id, document)
    count = 0

    def broken(event: object) -> None:
        nonlocal count
        count += 1
        if count > 3:
            raise OSError(28, "No space left on device")
        record(event)  # type: ignore[arg-type]

    run.add_sink(broken)
    found = words([event async for event in run.events()])
    assert [w for w in found if w.startswith("warn")] == [
        "warn: The run goes on but is no longer recorded. "
        "The disk is full: [Errno 28] No space left on device."
    ]
    assert found[-1] == "finished {'out': 'HI'}"


async def test_two_runs_at_once_record_side_by_side(history: History, tmp_path: Path) -> None:
    document = chain(tmp_path / "log")
    runs = await asyncio.gather(*(recorded(history, document) for _ in range(4)))
    for run, found in runs:
        assert found[-1] == "finished {'out': 'HI'}"
        assert history.get(run).status == "finished"
    assert len({run for run, _ in runs}) == 4


def test_what_reads_before_it_writes_waits_its_turn(history: History) -> None:
    """Two that read first and then write: SQLite refuses the second at once, unless it begins as
    one that writes."""
    document = flow({"a": "test.text", "o": OUT}, ["a.text > o.value"])
    runs = [f"run-{number}" for number in range(40)]
    for run in runs:
        history.announce(run, document, None, {})
    table, other = history.table("runs"), another(history)

    def stop(db: Any) -> None:
        db.execute(table.update().values(status="cancelled"))

    history.store.do(stop, write=True)
    with ThreadPoolExecutor(8) as threads:
        claimed = list(threads.map(lambda n: (history, other)[n % 2].claim(runs[n]), range(40)))
    assert claimed == [Claim("cancelled", this_process())] * 40
    other.close()


def test_a_run_that_waits_for_its_turn_is_kept(history: History) -> None:
    document = flow({"a": "test.text", "o": OUT}, ["a.text > o.value"])
    history.announce("one", document, None, {"text": "hi"})
    past = history.get("one")
    assert (past.status, past.inputs, past.flow) == ("running", {"text": "hi"}, document)
    assert not history.claim("one")  # this process has it
