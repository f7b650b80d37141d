"""How far a run is: what is said of the run as a whole is the run's, and never a node."""

from __future__ import annotations

import json

import pytest

from patchbay.flows.problems import Problem
from patchbay.flows.runs.events import (
    NodeAnswered,
    NodeAsked,
    NodeFailed,
    NodeFinished,
    NodeProgress,
    NodeRetrying,
    NodeSkipped,
    NodeStarted,
    NodeStepped,
    NodeStopped,
    NodeWaiting,
    NodeWarned,
    RunCancelled,
    RunEnd,
    RunFailed,
    RunFinished,
    RunStarted,
    RunWaiting,
    RunWarned,
    Tokens,
    as_json,
)
from patchbay.nodes.values import Document
from patchbay.studio.runs.progress import POINTS, Pace, Progress

WORDS = "The disk is full: results are not kept."


def test_a_warning_of_the_run_is_told_as_the_runs() -> None:
    progress = Progress()
    progress.begin(1.0)
    told = progress.take(RunWarned(at=2.0, run="r1", message=WORDS))
    assert told == {"run": {"id": "r1", "status": "running", "started": 1.0, "warnings": [WORDS]}}
    assert progress.nodes == {}


def test_a_page_that_joins_late_hears_of_it_and_of_no_ghost() -> None:
    progress = Progress()
    progress.begin(1.0)
    progress.take(RunWarned(at=2.0, run="r1", message=WORDS))
    progress.take(NodeStarted(at=3.0, node="ask"))
    first, *nodes = progress.messages("r1")
    assert first["reset"]
    assert first["run"]["warnings"] == [WORDS]
    assert [message["node"] for message in nodes] == ["ask"]


@pytest.mark.parametrize("words", [WORDS, "", "a\nb"])
def test_several_are_kept_in_order(words: str) -> None:
    progress = Progress()
    for message in ("first", words):
        progress.take(RunWarned(at=2.0, run="r1", message=message))
    assert progress.warnings == ["first", words]


def test_the_warning_of_a_node_stays_with_it() -> None:
    progress = Progress()
    progress.take(NodeWarned(at=2.0, node="ask", message="Half an answer."))
    assert progress.nodes["ask"].warnings == ["Half an answer."]
    assert progress.nodes["ask"].message_of("ask")["warned"] == 1
    assert progress.warnings == []


def test_a_run_that_ends_keeps_what_was_said_of_it() -> None:
    progress = Progress()
    progress.take(RunWarned(at=2.0, run="r1", message=WORDS))
    problem = Problem("run/defect", "It broke.", "")
    progress.take(RunFailed(at=3.0, run="r1", problem=problem, seconds=1.0, tokens=Tokens()))
    assert progress.summary("r1")["warnings"] == [WORDS]
    assert progress.summary("r1")["message"] == "It broke."


def test_what_takes_long_tells_how_far_it_is_and_the_time_left() -> None:
    pace = Pace()

    def told(at: float, done: float, total: float | None = 200, label: str = "Embedding") -> str:
        return pace.words(NodeProgress(at=at, node="n", label=label, done=done, total=total))

    assert told(100, 0) == "Embedding 0 of 200, 0%"
    assert told(101, 20) == "Embedding 20 of 200, 10%", "too early to tell"
    assert told(110, 50) == "Embedding 50 of 200, 25%, 5 a second, 30 s left"
    assert told(140, 200) == "Embedding 200 of 200, 100%"
    assert told(141, 0, None, "Writing") == "Writing"
    assert told(150, 5e6, 1e7, "Fetching") == "Fetching 50%"
    assert told(160, 7.5e6, 1e7, "Fetching") == "Fetching 75%, 10 s left"


def test_a_share_is_told_while_it_is_true_and_a_stopped_node_says_what_it_keeps() -> None:
    progress = Progress()
    progress.take(NodeStarted(at=1.0, node="n"))
    done = NodeProgress(at=2.0, node="n", label="Embedding", done=50, total=200)
    assert (progress.take(done) or {})["share"] == 0.25
    writing = NodeProgress(at=3.0, node="n", label="Writing", done=0, total=None)
    assert "share" not in (progress.take(writing) or {})
    progress.take(NodeStarted(at=1.0, node="m"))
    kept = NodeStopped(
        at=4.0,
        node="m",
        outputs={},
        seconds=3.0,
        tokens=Tokens(),
        message="Stopped, items: 1 of 2.",
    )
    assert (progress.take(kept) or {})["message"] == "Stopped, items: 1 of 2."
    progress.take(RunCancelled(at=5.0, run="r1", seconds=4.0, tokens=Tokens()))
    told = {m["node"]: m.get("message") for m in progress.messages("r1") if "node" in m}
    assert told == {"n": None, "m": "Stopped, items: 1 of 2."}


def measured(progress: Progress, *steps: int) -> dict[str, object] | None:
    points = tuple({"step": float(step), "loss": 1 / step} for step in steps)
    event = NodeProgress(at=2.0, node="t", label="loss, step", done=1, total=9, points=points)
    return progress.take(event)


def test_figures_on_the_way_are_passed_on_and_told_to_pages_that_join_late() -> None:
    progress = Progress()
    progress.take(NodeStarted(at=1.0, node="t"))
    told = measured(progress, 1, 2)
    assert told is not None
    assert told["points"] == [{"step": 1.0, "loss": 1.0}, {"step": 2.0, "loss": 0.5}]
    measured(progress, 3)
    _, late = progress.messages("r1")
    assert [point["step"] for point in late["points_all"]] == [1.0, 2.0, 3.0]


def test_a_new_try_begins_with_an_empty_curve() -> None:
    progress = Progress()
    measured(progress, 1)
    told = progress.take(NodeStarted(at=3.0, node="t", attempt=2))
    assert told is not None
    assert told["points_all"] == []
    assert "points_all" not in progress.messages("r1")[1]


def test_of_very_many_figures_some_are_kept_over_all_of_the_steps() -> None:
    progress = Progress()
    for start in range(0, 20_000, 10):
        measured(progress, *range(start + 1, start + 11))
    steps = [point["step"] for point in progress.nodes["t"].points]
    assert len(steps) <= POINTS
    assert (steps[0], steps[-1]) == (1, 20_000)
    assert steps == sorted(steps)


DONE, PROBLEM = Tokens(3, 4), Problem("model/empty", "Nothing came.")
ALL = (
    RunStarted(at=1.0, run="r1", flow="Ask", inputs={"q": "Why?"}, nodes=5),
    RunWarned(at=1.1, run="r1", message=WORDS),
    NodeStarted(at=1.2, node="load"),
    NodeWaiting(at=1.3, node="load", resource="model", position=2),
    NodeFinished(
        at=1.4, node="load", seconds=0.2, source="cache", tokens=DONE,
        outputs={"docs": [Document(text="A")]},
    ),
    NodeStarted(at=1.5, node="agent"),
    NodeWarned(at=1.6, node="agent", message="Half an answer."),
    NodeStepped(at=1.7, node="agent", what="tool call", text="2 + 2", who="Ada", tool="sum"),
    NodeRetrying(at=1.8, node="agent", attempt=1, wait_s=0.1, problem=PROBLEM),
    NodeAsked(at=1.9, node="agent", question="q1", asks={"title": "Send it?", "value": None}),
    NodeAnswered(at=2.0, node="agent", question="q1", author="Ada", answer={}),
    NodeFailed(
        at=2.1, node="agent", seconds=0.6, problem=PROBLEM, inputs={"q": Document(text="B")}
    ),
    NodeSkipped(at=2.2, node="rest", reason="Nothing arrived."),
    NodeStopped(
        at=2.3, node="loop", seconds=0.1, tokens=DONE, message="1 of 2.", outputs={"r": ["A"]}
    ),
    NodeStarted(at=2.4, node="slow"),
)  # fmt: skip
ENDS = (
    RunFinished(at=3.0, run="r1", seconds=2.0, tokens=DONE, outputs={"a": "x"}, failed=("agent",)),
    RunFailed(at=3.0, run="r1", seconds=2.0, tokens=DONE, problem=PROBLEM),
    RunCancelled(at=3.0, run="r1", seconds=2.0, tokens=DONE),
    RunWaiting(at=3.0, run="r1", seconds=2.0, tokens=DONE, questions=("q2",)),
)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.type)
def test_a_recorded_run_is_told_as_it_was_when_it_ran(end: RunEnd) -> None:
    live, past = Progress(), Progress()
    asked = NodeAsked(at=2.5, node="slow", question="q2", asks={"title": "And?", "value": 1})
    events = [*ALL, asked, end]
    for event in events:
        live.take(event)
    past.catch_up(live.status, [json.loads(json.dumps(as_json(event))) for event in events])
    assert [*past.messages("r1")[1:]] == [*live.messages("r1")[1:]]
    assert past.summary("r1") == live.summary("r1") | {"started": past.started}
    for field in ("outputs", "problem", "failed", "questions", "warnings"):
        assert getattr(past, field) == getattr(live, field)
    for path, node in live.nodes.items():
        assert (past.nodes[path].outputs, past.nodes[path].inputs) == (node.outputs, node.inputs)


def test_what_is_measured_is_kept_although_nobody_records_it() -> None:
    progress = Progress()
    start = NodeStarted(at=1.0, node="train")
    progress.take(start)
    point = {"step": 1.0, "loss": 0.5}
    progress.take(
        NodeProgress(at=2.0, node="train", label="steps", done=1, total=2, points=(point,))
    )
    progress.catch_up("waiting", [as_json(start)])
    assert progress.nodes["train"].points == [point]


def test_nothing_of_a_run_that_was_interrupted_is_at_work() -> None:
    progress = Progress()
    progress.catch_up("interrupted", [as_json(NodeStarted(at=1.0, node="ask"))])
    assert progress.nodes["ask"].status == "cancelled"
