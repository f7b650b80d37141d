"""Items of loops and cells of experiments that run elsewhere: what the engine does with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.writing import save_flow
from patchbay.flows.experiments.cases import read_case_table
from patchbay.flows.experiments.keeping import ExperimentCell, KeptCells
from patchbay.flows.experiments.running import Experiment
from patchbay.flows.experiments.variants import variants_of
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.events import Event, Tokens
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.prepared import PreparedFlow, PreparedResult
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.subflows import Prepared
from tests.flows.batch.kit import shouting
from tests.flows.runs.harness import CATALOG, environment, flow


class Near:
    """An elsewhere that is here: it counts, and fails where it is told to."""

    slots = 50

    def __init__(self, wrong: Exception | None = None, together: int = 0) -> None:
        self.ran: list[Any] = []
        self.people: list[str] = []
        self.alone: list[bool] = []
        self.most = self.now = 0
        self.wrong = wrong
        self.together = together
        """How many must have come before any begins; else it goes on by and by."""

    async def run(
        self,
        flow: LoadedFlow,
        digest: str,
        inputs: Mapping[str, Any],
        *,
        from_person: bool = False,
        person: str = "",
        alone: bool = False,
        hear: Callable[[Event], None] | None = None,
        spent: Callable[[Tokens], None] | None = None,
    ) -> PreparedResult:
        assert digest
        self.now += 1
        self.most = max(self.most, self.now)
        self.people.append(person)
        self.alone.append(alone)
        try:
            for _ in range(6000):
                if self.most >= self.together:
                    break
                await asyncio.sleep(0.01)
            if spent is not None:
                spent(Tokens(2, 1))
            if self.wrong is not None:
                raise self.wrong
            env = environment(person=person)
            given = await PreparedFlow(flow, env, from_person=from_person).run(inputs, hear)
            self.ran.append(inputs)
            return given
        finally:
            self.now -= 1

    async def get_ready(self, prepared: Prepared, digest: str) -> None:
        assert digest


def looped(tmp_path: Path, **params: Any) -> LoadedFlow:
    save_flow(shouting(wait_s=0.001), tmp_path / "shout.json")
    each = flow(
        {
            "i": ("io.input", {"name": "items", "kind": "json"}),
            "e": (
                "logic.for_each",
                {"flow": "shout", "input": "review", "output": "label"} | params,
            ),
            "o": ("io.output", {"name": "all"}),
        },
        ["i.value > e.items", "e.results > o.value"],
    )
    return LoadedFlow(each, tmp_path, tmp_path / "each.json")


async def test_items_run_elsewhere_in_order_and_more_at_once(tmp_path: Path) -> None:
    far = Near(together=50)
    given = await PreparedFlow(looped(tmp_path), environment(elsewhere=far)).run(
        {"items": [f"r{n}" for n in range(60)]}
    )
    assert given.outputs == {"all": [f"R{n}" for n in range(60)]}
    assert len(far.ran) == 60
    assert far.most == 50, "as many as are taken there, not the four of the node"
    assert given.tokens.total == 180


@pytest.mark.parametrize(
    "wrong",
    [
        RunError(Problem("test/no", "It is no good.", "Another.", node="u")),
        FlowError([Problem("input/missing", "It is no good.", "Another.")]),
    ],
)
async def test_what_fails_there_fails_here_in_words(tmp_path: Path, wrong: Exception) -> None:
    env = environment(elsewhere=Near(wrong))
    with pytest.raises(RunError) as failed:
        await PreparedFlow(looped(tmp_path), env).run({"items": ["a"]})
    problem = failed.value.problem
    assert problem.node == "e"
    assert "Item 1 of 1 failed" in problem.message
    assert "It is no good." in problem.message
    kept = PreparedFlow(looped(tmp_path, on_item_error="keep going"), env)
    assert (await kept.run({"items": ["a", "b"]})).outputs == {"all": [None, None]}


async def test_one_call_that_is_no_item_stays_here(tmp_path: Path) -> None:
    save_flow(shouting(), tmp_path / "shout.json")
    called = {"flow": "shout", "inputs": {"review": "text"}, "outputs": {"label": "text"}}
    once = flow(
        {
            "i": ("io.input", {"name": "review"}),
            "s": ("logic.run_flow", called),
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > s.review", "s.label > o.value"],
    )
    far = Near()
    given = await PreparedFlow(LoadedFlow(once, tmp_path), environment(elsewhere=far)).run(
        {"review": "a"}
    )
    assert given.outputs == {"label": "A"}
    assert far.ran == []


async def test_items_are_run_for_the_person_of_the_run(tmp_path: Path) -> None:
    far = Near()
    env = environment(elsewhere=far, person="ada")
    await PreparedFlow(looped(tmp_path), env).run({"items": ["a", "b"]})
    assert far.people == ["ada", "ada"]


@pytest.mark.parametrize("trains", [False, True])
async def test_cells_run_elsewhere_and_those_that_train_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trains: bool
) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    document = shouting()
    kind = next(node.kind for node in document.nodes if node.id == "u")
    monkeypatch.setattr(CATALOG.get(kind), "opens_itself", trains)
    cases = tmp_path / "cases.csv"
    cases.write_text("review,expected\na,A\nb,B\n", encoding="utf-8")
    variants = variants_of(document, [], CATALOG, tmp_path)
    kept = KeptCells("shouting")
    made = Experiment(variants, read_case_table(cases, ["review"]).cases, "label", kept, tmp_path)
    far, cells = Near(), list[ExperimentCell]()
    await made.run(environment(elsewhere=far), lambda cell, done, total: cells.append(cell))
    assert sorted(cell.output for cell in cells) == ["A", "B"]
    assert far.alone == [trains, trains]
