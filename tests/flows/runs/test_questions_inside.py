"""Questions in loops and in flows inside flows, and where nobody can be asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.history import History
from patchbay.flows.runs.running import LoadedFlow, Run
from tests.flows.runs.harness import OUT, flow
from tests.flows.runs.people import asking, env_of, goes_on, recorded_run, told


def save(folder: Path, name: str, document: Flow) -> None:
    (folder / f"{name}.json").write_text(canonical_text(document), encoding="utf-8")


def item_flow(log: Path) -> Flow:
    return flow(
        {
            "in": ("io.input", {"name": "item"}),
            "slow": ("test.random", {"log": str(log)}),
            "ask": "test.ask",
            "out": ("io.output", {"name": "result"}),
        },
        ["in.value > slow.text", "slow.text > ask.text", "ask.text > out.value"],
        name="item",
    )


async def test_every_item_of_a_loop_asks_and_what_is_done_stays_done(
    history: History, tmp_path: Path, log: Path
) -> None:
    save(tmp_path, "item", item_flow(log))
    document = flow(
        {
            "items": ("test.items", {"value": ["a", "b", "c"]}),
            "each": ("logic.for_each", {"flow": "item", "concurrency": 2}),
            "o": OUT,
        },
        ["items.json > each.items", "each.results > o.value"],
    )
    run = recorded_run(history, document, folder=tmp_path)
    assert (await told(run))[-1] == "waiting for each/0/ask, each/1/ask, each/2/ask"
    found = await goes_on(history, run.id, True, "each/2/ask")
    assert found[-1] == "waiting for each/0/ask, each/1/ask"
    await goes_on(history, run.id, False, "each/0/ask")
    found = await goes_on(history, run.id, True)
    assert found[-1] == "finished {'out': ['A: no by ada', 'B: yes by ada', 'C: yes by ada']}"
    assert sorted(log.read_text().split()) == ["a", "b", "c"], "each once"


async def test_a_flow_inside_a_flow_asks(history: History, tmp_path: Path, log: Path) -> None:
    save(tmp_path, "item", item_flow(log))
    use = {"flow": "item", "inputs": {"item": "text"}, "outputs": {"result": "text"}}
    document = flow(
        {"a": "test.text", "sub": ("logic.run_flow", use), "o": OUT},
        ["a.text > sub.item", "sub.result > o.value"],
    )
    run = recorded_run(history, document, folder=tmp_path)
    assert (await told(run))[-1] == "waiting for sub/ask"
    assert (await goes_on(history, run.id, True))[-1] == "finished {'out': 'HI: yes by ada'}"
    assert log.read_text().split() == ["hi"]


def test_a_run_that_nobody_records_is_refused_before_it_begins(log: Path) -> None:
    with pytest.raises(FlowError, match="nobody can be asked") as caught:
        Run(asking(log), {}, env_of())
    (problem,) = caught.value.problems
    assert (problem.code, problem.node) == ("question/nobody", "ask")
    assert "--record" in problem.fix
    assert not log.exists()


def test_a_question_inside_a_flow_is_found_before_it_begins(tmp_path: Path, log: Path) -> None:
    save(tmp_path, "item", item_flow(log))
    each = ("logic.for_each", {"flow": "item"})
    document = flow(
        {"items": ("test.items", {"value": ["a"]}), "each": each, "o": OUT},
        ["items.json > each.items", "each.results > o.value"],
    )
    with pytest.raises(FlowError) as caught:
        Run(LoadedFlow(document, tmp_path), {}, env_of())
    assert [problem.node for problem in caught.value.problems] == ["each/ask"]
