"""A recorded run in the editor: values, time, going on from it; and two runs side by side."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.document.model import Flow, Place
from patchbay.flows.runs.answers import recorded
from patchbay.flows.runs.history import History, PastRun
from patchbay.flows.runs.running import Run
from patchbay.nodes.values import TAG
from patchbay.studio.documents.opened import Documents
from patchbay.studio.runs import past as past_module
from patchbay.studio.runs.compared import Compared, Spent, TwoValues, compared
from patchbay.studio.runs.known_runs import PASTS
from patchbay.studio.runs.past import past_live, pins_of, same_work, timeline, too_long
from patchbay.studio.runs.runner import Runner
from patchbay.studio.screens.compare import _table, as_text
from patchbay.studio.screens.past import words_of_pins
from tests.flows.runs.harness import CATALOG, environment, flow

PROMPT = "prompt.template"


def steps(second: str = "2 {text}") -> Flow:
    """question → first → second → out."""
    return flow(
        {"question": "io.input", "first": (PROMPT, {"template": "1 {question}"}),
         "second": (PROMPT, {"template": second}), "out": ("io.output", {"name": "out"})},
        ["question.value > first.question", "first.text > second.text", "second.text > out.value"],
    )  # fmt: skip


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(f"sqlite:///{tmp_path / 'history.sqlite'}")


async def recorded_run(history: History, run: str, document: Flow, question: str) -> PastRun:
    env = recorded(environment(), history, run, document)
    async for _ in Run(document, {"question": question}, env, run_id=run).events():
        pass
    return history.get(run)


async def test_its_values_are_told_like_those_of_the_latest_run(history: History) -> None:
    past = await recorded_run(history, "r1", steps(), "Why?")
    live = past_live(past, past.flow, history.events("r1"), "ann")
    assert live.progress.status == "finished"
    assert not live.active
    assert live.progress.outputs == {"out": "2 1 Why?"}
    assert live.progress.nodes["first"].outputs == {"text": "1 Why?"}
    assert live.inputs_of("second") == {"text": "1 Why?"}
    runner, document = Runner(), Documents(background=False).shown(past.flow)
    runner.show_past(live, document.id, "ann")
    assert runner.latest(document.id, "ann") is live
    assert runner.latest(document.id, "bob") is None


async def test_pages_of_past_runs_do_not_fill_the_memory(history: History) -> None:
    past = await recorded_run(history, "r1", steps(), "Why?")
    runner = Runner()
    for number in range(PASTS + 5):
        live = past_live(past, past.flow, history.events("r1"), "ann")
        runner.show_past(live, f"d{number}", "ann")
    assert runner.latest("d4", "ann") is None
    assert runner.latest(f"d{PASTS + 4}", "ann") is not None


async def test_its_time_is_told_node_by_node(history: History) -> None:
    past = await recorded_run(history, "r1", steps(), "Why?")
    told = timeline(history.events("r1"), past.started_at)
    assert [(m["node"], m["status"]) for m in told if m["status"] == "done"] == [
        ("question", "done"), ("first", "done"), ("second", "done"), ("out", "done"),
    ]  # fmt: skip
    assert [m["t"] for m in told] == sorted(m["t"] for m in told)
    assert all(m["t"] >= 0 for m in told)


def event(kind: str, at: float, node: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "at": at, "node": node, **more}


def test_every_state_of_a_node_is_told() -> None:
    problem = {"code": "x/y", "message": "No."}
    events = [
        event("node_started", 1.0, "a"),
        event("node_retrying", 1.5, "a", problem=problem, attempt=1, wait_s=0.1),
        event("node_waiting", 2.0, "a", resource="chat model", position=2),
        event("node_asked", 2.5, "a", question="q", asks={"title": "Send it?", "value": None}),
        event("node_answered", 3.0, "a", question="q", author="Ada", answer={}),
        event("node_started", 3.0, "a"),
        event("node_warned", 3.2, "a", message="Half."),
        event("node_failed", 3.5, "a", problem=problem, seconds=2.5),
        event("node_skipped", 3.5, "b", reason="Nothing arrived."),
        event("node_finished", 4.0, "c/inner", source="run", seconds=1.0, tokens={}, outputs={}),
        event("node_stepped", 4.0, "a", what="thought", text="Hm"),
        {"type": "run_finished", "at": 5.0},
    ]
    told = timeline(events, 1.0)
    assert [(m["t"], m["node"], m["status"]) for m in told] == [
        (0.0, "a", "running"), (0.5, "a", "running"), (1.0, "a", "waiting"), (1.5, "a", "asking"),
        (2.0, "a", "asking"), (2.0, "a", "running"), (2.2, "a", "running"), (2.5, "a", "failed"),
        (2.5, "b", "skipped"),
    ]  # fmt: skip
    assert (told[4]["message"], told[6]["warned"]) == ("Ada answered.", 1)
    assert told[1]["message"] == "Tries again: No."
    assert told[3]["message"] == "Send it?"


async def test_what_there_was_by_a_moment_is_pinned(history: History) -> None:
    past = await recorded_run(history, "r1", steps(), "Why?")
    resolved, events = resolve_once(past.flow, CATALOG), history.events("r1")
    ended = {e["node"]: e["at"] - past.started_at for e in events if e["type"] == "node_finished"}
    at_end = pins_of(resolved, events, past.started_at, 1e9)
    assert list(at_end) == ["question", "first", "second"], "outputs are left to run"
    assert at_end["first"].outputs == {"text": "1 Why?"}
    assert at_end["first"].kind == PROMPT
    assert pins_of(resolved, events, past.started_at, -1) == {}
    early = pins_of(resolved, events, past.started_at, ended["question"])
    assert "question" in early
    assert "out" not in early


async def test_from_a_node_on_all_is_done_anew(history: History) -> None:
    past = await recorded_run(history, "r1", steps(), "Why?")
    resolved, events = resolve_once(past.flow, CATALOG), history.events("r1")
    assert list(pins_of(resolved, events, past.started_at, 0, "second")) == ["question", "first"]
    assert list(pins_of(resolved, events, past.started_at, 0, "question")) == []


def test_where_boxes_lie_is_no_other_flow() -> None:
    one = steps()
    moved = one.model_copy(update={"layout": {"first": Place(x=1, y=2)}, "name": "Else"})
    assert same_work(one, moved)
    assert not same_work(one, steps("3 {text}"))


async def test_a_run_of_too_many_events_is_not_gone_through(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    await recorded_run(history, "r1", steps(), "Why?")
    assert not too_long(history, "r1")
    monkeypatch.setattr(past_module, "MOST", 3)
    assert too_long(history, "r1")


async def test_two_runs_side_by_side(history: History) -> None:
    one = await recorded_run(history, "r1", steps(), "Why?")
    other = await recorded_run(history, "r2", steps("2 {text}!"), "Why not?")
    found = compared(
        (one.flow, other.flow), (one.inputs, other.inputs), (one.outputs, other.outputs),
        (history.events("r1"), history.events("r2")), CATALOG,
    )  # fmt: skip
    assert found.flow == ('Template of "Prompt template: 2 {text}!" changed.',)
    ((question),) = found.inputs
    assert (question.one, question.other, question.same) == ("Why?", "Why not?", False)
    assert [pair.same for pair in found.outputs] == [False]
    assert [spent.node for spent in found.nodes] == ["question", "first", "second", "out"]
    assert [spent.title for spent in found.nodes] == [
        "Flow input", "Prompt template: 1 {question}", "Prompt template: 2 {text}!",
        "Flow output",
    ]  # fmt: skip
    assert found.nodes[1].gave == (TwoValues("text", "1 Why?", "1 Why not?"),)
    assert all(spent.seconds[0] is not None for spent in found.nodes)
    assert found.nodes[0].gave_the_same is False
    same = compared(
        (one.flow, one.flow), (one.inputs, one.inputs), (one.outputs, one.outputs),
        (history.events("r1"), history.events("r1")), CATALOG,
    )  # fmt: skip
    assert same.flow == ()
    assert all(pair.same for pair in (*same.inputs, *same.outputs))
    assert all(spent.gave_the_same for spent in same.nodes)


def test_a_title_with_a_stroke_is_one_cell() -> None:
    spent = Spent("a", "yes | no", (1.0, None), (None, 3), None)
    *_, row = _table(Compared((), (), (), (spent,))).splitlines()
    # One backslash: of two, Markdown takes the first for itself, and the stroke ends the cell.
    assert row.startswith("| yes \\| no | ")
    assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_values_are_compared_as_texts_where_they_are_some() -> None:
    assert as_text("So it is.") == "So it is."
    assert as_text({"n": [1, "é"]}) == '{\n  "n": [\n    1,\n    "é"\n  ]\n}'
    assert as_text(None) is None
    assert as_text({TAG: "picture", "media": "image/png", "data": ""}) is None


async def test_a_node_that_only_one_run_has(history: History) -> None:
    one = await recorded_run(history, "r1", steps(), "Why?")
    shorter = flow(
        {"question": "io.input", "out": ("io.output", {"name": "said"})},
        ["question.value > out.value"],
    )
    other = await recorded_run(history, "r2", shorter, "Why?")
    found = compared(
        (one.flow, other.flow), (one.inputs, other.inputs), (one.outputs, other.outputs),
        (history.events("r1"), history.events("r2")), CATALOG,
    )  # fmt: skip
    first = next(spent for spent in found.nodes if spent.node == "first")
    assert first.seconds[0] is not None
    assert first.seconds[1] is None
    assert first.gave_the_same is None
    assert [(p.name, p.one, p.other) for p in found.outputs] == [
        ("out", "2 1 Why?", None), ("said", None, "Why?"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pinned", "lost", "said"),
    [
        (2, 0, "2 values of the run of now stand in for running nodes. Change, then run."),
        (1, 1, "One pin of before is gone. Change, then run."),
        (1, 3, "3 pins of before are gone."),
        (0, 2, "There was nothing yet that could be pinned. 2 pins of before are gone."),
    ],
)
def test_pins_that_a_past_run_takes_the_place_of_are_told(
    pinned: int, lost: int, said: str
) -> None:
    assert said in words_of_pins(pinned, "now", lost)
