"""Pinned nodes give what they are pinned to, and what only they need is not run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.answers import recorded
from patchbay.flows.runs.history import History
from patchbay.flows.runs.origins import Origin, files_of, origin_of
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import Run
from patchbay.nodes.values import TAG
from tests.flows.runs.harness import environment, events_of, flow, words
from tests.stores import url_of

PROMPT = "prompt.template"


def chain(**second: Any) -> Flow:
    """question → first → second → out; `aside` hangs on the question too."""
    return flow(
        {
            "question": "io.input",
            "first": (PROMPT, {"template": "1 {question}"}),
            "second": (PROMPT, {"template": "2 {text}", **second}),
            "out": ("io.output", {"name": "out"}),
            "aside": (PROMPT, {"template": "3 {question}"}),
        },
        ["question.value > first.question", "first.text > second.text", "second.text > out.value",
         "question.value > aside.question"],
    )  # fmt: skip


async def ran(
    document: Flow, pinned: Mapping[str, Any], inputs: Any = None, only: Any = ()
) -> list[str]:
    env = environment(pinned=pinned)
    found = words(await events_of(document, inputs, env, only))
    return [word for word in found if not word.startswith("start")]


async def test_a_pinned_node_is_not_run_nor_what_only_it_needs() -> None:
    found = await ran(chain(), {"second": {"text": "PINNED"}}, {"question": "Why?"})
    assert sorted(found) == [
        "finished {'out': 'PINNED'}", "pinned second", "run aside", "run out", "run question",
    ]  # fmt: skip


async def test_inputs_that_only_pinned_nodes_need_are_not_asked_for() -> None:
    found = await ran(chain(), {"second": {"text": "x"}}, only=("out",))
    assert found == ["pinned second", "run out", "finished {'out': 'x'}"]


async def test_an_input_can_be_pinned_itself() -> None:
    found = await ran(chain(), {"question": {"value": "Pinned?"}})
    assert found[0] == "pinned question"
    assert found[-1] == "finished {'out': '2 1 Pinned?'}"


async def test_what_is_wrong_before_a_pinned_node_does_not_matter() -> None:
    document = chain()
    without = tuple(edge for edge in document.edges if edge.target != "second.text")
    broken = document.model_copy(update={"edges": without})
    with pytest.raises(FlowError):
        await ran(broken, {}, {"question": "Why?"})
    found = await ran(broken, {"second": {"text": "x"}}, {"question": "Why?"})
    assert "finished {'out': 'x'}" in found


@pytest.mark.parametrize("given", [{"text": 3.0}, {"other": "x"}, {}])
async def test_a_value_that_does_not_fit_is_refused_in_words(given: dict[str, Any]) -> None:
    (failed, *_) = [
        w for w in await ran(chain(), {"second": given}, {"question": "?"}) if "fail" in w
    ]
    assert failed.startswith("fail second [node/pinned] The pinned value is no longer")


async def test_a_disabled_node_stays_disabled() -> None:
    document = chain()
    nodes = tuple(n.model_copy(update={"disabled": n.id == "second"}) for n in document.nodes)
    off = document.model_copy(update={"nodes": nodes})
    found = await ran(off, {"second": {"text": "x"}}, {"question": "Why?"})
    assert "skip second: It is disabled." in found


async def test_a_resumed_run_keeps_its_pins(tmp_path: Path) -> None:
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    document = hanging()
    env = recorded(environment(pinned={"first": {"text": "PIN"}}), history, "r1", document)
    run = Run(document, {"question": "Why?"}, env, run_id="r1")
    async for event in run.events():
        if event.type == "node_started" and event.node == "second":
            run.cancel()
    past = history.get("r1")
    assert past.status == "cancelled"
    again = resumed_run(history, past, replace(environment(), folder=tmp_path))
    found = []
    async for event in again.events():
        found += words([event])
        if event.type == "node_started" and event.node == "second":
            again.cancel()
    assert "resumed first" in found
    assert not {"start first", "run first"} & set(found)


def hanging() -> Flow:
    """`both` takes `first`, which follows the question, and `second`, which never ends."""
    return flow(
        {"question": "io.input", "first": (PROMPT, {"template": "{question}"}),
         "second": "test.hang", "both": (PROMPT, {"template": "{a} {b}"}),
         "out": ("io.output", {"name": "out"})},
        ["question.value > first.question", "first.text > both.a", "second.text > both.b",
         "both.text > out.value"],
    )  # fmt: skip


async def until_it_hangs(run: Run) -> list[str]:
    found = []
    async for event in run.events():
        found += words([event])
        if event.type == "node_started" and event.node == "second":
            run.cancel()
    return found


async def test_a_kill_at_once_keeps_the_pins(tmp_path: Path) -> None:
    """Nothing but the start of the run has reached the disk: the value of the pin is known."""
    history = History(url_of(tmp_path / "history.sqlite"))
    env = recorded(environment(pinned={"first": {"text": "PIN"}}), history, "r1", hanging())
    await until_it_hangs(Run(hanging(), {"question": "Why?"}, env, run_id="r1"))
    events = history.table("events")

    def kill(db: Any) -> None:
        db.execute(events.delete().where(events.c.type != "run_started"))

    for _ in range(2):  # killed at once, twice
        history.store.do(kill, write=True)
        again = resumed_run(history, history.get("r1"), replace(environment(), folder=tmp_path))
        found = await until_it_hangs(again)
        assert "pinned first" in found
        assert not {"start first", "run first"} & set(found)
    history.close()


async def test_what_has_finished_keeps_no_pins_beside_its_events(tmp_path: Path) -> None:
    history = History(url_of(tmp_path / "history.sqlite"))
    env = recorded(environment(pinned={"first": {"text": "PIN"}}), history, "r1", chain())
    run = Run(chain(), {"question": "Why?"}, env, run_id="r1")
    assert [event.type async for event in run.events()][-1] == "run_finished"
    assert origin_of(history, "r1") == Origin()
    history.close()


async def test_a_pin_of_a_type_that_is_gone_runs(tmp_path: Path) -> None:
    history = History(url_of(tmp_path / "history.sqlite"))
    row = Origin(tmp_path / "a.json", "lab", {"n": {"out": "x"}}).row("r2")
    assert row is not None
    gone = {"out": {TAG: "spec", "type": "no.such"}}
    row["pins"] = json.dumps({"n": {"out": "x"}, "gone": gone})
    history.store.do(
        lambda db: db.execute(history.table("run_origins").insert(), [row]), write=True
    )
    assert origin_of(history, "r2") == Origin(tmp_path / "a.json", "lab", {"n": {"out": "x"}})
    assert origin_of(history, "nobody") == Origin()
    assert files_of(history, ["r2", "nobody"]) == {"r2": tmp_path / "a.json"}
    assert Origin().row("r3") is None
    history.close()
