"""Long work that is done in a process of its own: what it tells, gives and raises, and its end."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from patchbay.flows.cluster.far_pool import model_key
from patchbay.flows.cluster.far_work import WorkActor
from patchbay.flows.cluster.models import needs_of_models
from patchbay.flows.runs.api import load
from patchbay.flows.runs.subflows import prepare
from patchbay.nodes.errors import NodeError
from patchbay.nodes.far_work import hearing
from tests.flows.runs.harness import CATALOG
from tests.paths import ROOT


def counts(upto: int, tell: Any, stop: threading.Event) -> int:
    """Tells each number; ends early when it is to stop."""
    for number in range(1, upto + 1):
        tell("report", f"step {number}", number, upto)
        if number == 3:
            tell("answer", "three")
        if stop.wait(0.01):
            raise NodeError(f"It was stopped after {number}.", code="training/stopped")
    return upto


def breaks(tell: Any, stop: threading.Event) -> None:
    raise ZeroDivisionError("of the work")


async def all_of(actor: WorkActor, work: Any, *given: Any) -> list[tuple[str, Any]]:
    return [what async for what in actor.do(work, given)]


async def test_all_that_it_tells_comes_in_order_then_what_it_gave() -> None:
    found = await all_of(WorkActor(), counts, 5)
    assert found[-1] == ("done", 5)
    told = [what for kind, what in found if kind == "told"]
    assert [what[2] for what in told if what[0] == "report"] == [1, 2, 3, 4, 5]
    assert told[3] == ("answer", "three")


@pytest.mark.parametrize("stopped", [True, False])
async def test_what_it_raises_comes_in_words(stopped: bool) -> None:
    actor = WorkActor()
    if stopped:
        actor.stop()
        kind, said = (await all_of(actor, counts, 100))[-1]
        assert said["message"] == "It was stopped after 1."
        assert said["code"] == "training/stopped"
    else:
        kind, said = (await all_of(actor, breaks))[-1]
        assert said["message"] == "ZeroDivisionError: of the work"
    assert kind == "wrong"


def test_here_whoever_hears_is_told_at_once() -> None:
    heard: list[Any] = []
    hear = {"report": lambda *what: heard.append(what), "answer": heard.append}
    assert counts(3, hearing(hear), threading.Event()) == 3
    assert heard == [("step 1", 1, 3), ("step 2", 2, 3), ("step 3", 3, 3), "three"]


def test_a_model_that_is_only_trained_is_not_opened_beside_the_training() -> None:
    loaded = load(ROOT / "flows" / "saved" / "train_adapter.json")
    both = prepare(loaded.flow, CATALOG, loaded.folder)
    asked = {model_key(need.spec) for need in needs_of_models(both)}
    assert len(asked) == 1, "it is asked as well, before the training"
    names = ("ask_base", "before")
    rest = loaded.flow.model_copy(
        update={
            "nodes": tuple(node for node in loaded.flow.nodes if node.id not in names),
            "edges": tuple(
                edge for edge in loaded.flow.edges
                if not any(end.split(".")[0] in names for end in (edge.source, edge.target))
            ),
        }
    )  # fmt: skip
    assert list(needs_of_models(prepare(rest, CATALOG, loaded.folder))) == []
