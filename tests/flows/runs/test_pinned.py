"""Pinned nodes give what they are pinned to, and what only they need is not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.answers import recorded
from patchbay.flows.runs.history import History
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import Run
from tests.flows.runs.harness import environment, events_of, flow, words

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
    document = flow(
        {"question": "io.input", "first": (PROMPT, {"template": "{question}"}),
         "second": "test.hang", "both": (PROMPT, {"template": "{a} {b}"}),
         "out": ("io.output", {"name": "out"})},
        ["question.value > first.question", "first.text > both.a", "second.text > both.b",
         "both.text > out.value"],
    )  # fmt: skip
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
