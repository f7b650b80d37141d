"""Events come back out of the history as they were."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import fields, replace
from typing import Any, get_args

import pytest

from patchbay.flows.problems import Problem
from patchbay.flows.runs.events import Event, ModelTokens, NodeEvent, Tokens, as_json
from patchbay.flows.runs.past_events import event_of
from patchbay.flows.runs.tables import OF_NODES
from patchbay.nodes.values import Document, encode
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures"
SAYS: dict[str, Any] = {
    "at": 12.5, "run": "r1", "flow": "Ask", "inputs": {"q": "Why?"}, "nodes": 3, "message": "Half.",
    "node": "e/0/ask", "attempt": 2, "port": "text", "piece": "So", "label": "reading", "done": 3.0,
    "total": 10.0, "points": ({"step": 1, "loss": 0.5},), "resource": "model", "position": 2,
    "what": "tool call", "text": "2 + 2", "who": "Ada", "tool": "sum", "seconds": 0.25,
    "tokens": Tokens(3, 4, 0.5, 1.5, (ModelTokens("m", 3, 1, 4),)), "question": "q1",
    "asks": {"title": "Send it?"}, "until": 99.0, "author": "Ada", "answer": {"value": True},
    "wait_s": 1.0, "problem": Problem("x/y", "No.", "Try again.", "ask", severity="warning"),
    "source": "cache", "outputs": {"docs": [Document(text="A")]}, "key": "abc",
    "reason": "Nothing arrived.", "failed": ("a", "b"), "questions": ("q1",),
}  # fmt: skip


@pytest.mark.parametrize("cls", get_args(Event), ids=lambda cls: cls.__name__)
def test_an_event_is_read_as_it_was_written(cls: Any) -> None:
    event = cls(**{f.name: SAYS[f.name] for f in fields(cls) if f.name != "type"})
    stored = {n: encode(SAYS[n]) for n in ("inputs", "outputs") if hasattr(event, n)}
    assert event_of(json.loads(json.dumps(as_json(event)))) == replace(event, **stored)


def events_in(file: str) -> list[dict[str, Any]]:
    path = FIXTURES / file
    if path.suffix == ".sql":
        db = sqlite3.connect(":memory:")
        db.executescript(path.read_text("utf-8"))
    else:
        db = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
    return [json.loads(data) for (data,) in db.execute("SELECT data FROM events")]


@pytest.mark.parametrize(
    "file", ["frozen-0.1/home/history.sqlite", "history-1.sql", "history-4.sql"]
)
def test_all_that_older_versions_recorded_is_read(file: str) -> None:
    found = events_in(file)
    assert found
    assert [event for event in found if event_of(event) is None] == []


@pytest.mark.parametrize(
    "recorded", [{}, {"type": "node_dreamed", "at": 1.0}, {"type": "node_started", "at": 1.0}]
)
def test_what_is_not_known_is_passed_over(recorded: dict[str, Any]) -> None:
    assert event_of(recorded) is None


def test_values_may_have_been_left_out() -> None:
    said = {"type": "node_finished", "at": 1.0, "node": "a", "seconds": 1.0, "source": "run"}
    event = event_of({**said, "tokens": {"prompt": 1, "completion": 2}, "of_later": 3})
    assert event is not None
    assert as_json(event)["outputs"] == {}


SAY_NOTHING = {
    "node_streamed", "node_progress",  # are not recorded
    "node_warned", "node_stepped",  # it goes on as before
    "node_answered",  # it begins anew at once
    "node_stopped",  # the run ends with it
}  # fmt: skip
"""Events of nodes that need not be looked for to know what a node is doing."""


def test_the_index_of_what_nodes_do_knows_every_event() -> None:
    types = {cls.__dataclass_fields__["type"].default for cls in get_args(NodeEvent)}
    indexed = set(re.findall(r"'(node_\w+)'", OF_NODES))
    assert indexed <= types
    assert types - indexed == SAY_NOTHING, (
        "a new one belongs in OF_NODES of flows/runs/tables.py, with a migration, or in SAY_NOTHING"
    )
