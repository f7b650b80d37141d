"""What goes wrong in LangGraph when a person is asked, and does not here.

Each test says what LangGraph 1.2.24 (langgraph-checkpoint 4.3.2) does with the same, as it was seen
when this was written: `findings/langgraph-pauses-that-go-wrong.sh` shows it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.answers import find, give, gone_on_with, recorded
from patchbay.flows.runs.events import NodeFinished, RunFinished, RunWaiting
from patchbay.flows.runs.history import History
from patchbay.flows.runs.inbox import AlreadyAnsweredError
from patchbay.flows.runs.running import LoadedFlow, Run, new_run_id
from patchbay.nodes.contract import Context, Node, NodeParams, Ports
from patchbay.nodes.questions import ApprovalWanted, EditWanted, Question
from tests.flows.runs.harness import OUT, flow
from tests.flows.runs.people import CATALOG, env_of

DONE: list[str] = []
"""What was done, in its order: the effects that must not happen twice."""
SKIP: set[str] = set()
"""Questions that a node does not ask any more."""


class Careful(Node):
    """Does something, asks, and does something with the answer."""

    kind, title, family = "test.careful", "Careful", "Test"

    class Params(NodeParams):
        title: str = "q?"
        swallows: bool = False

    class Outputs(Ports):
        value: Any

    @classmethod
    def asks(cls, params: Params) -> bool:
        return True

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        await ctx.once("before", DONE.append, f"before {params.title}")
        try:
            answer = await ctx.ask(Question(params.title, EditWanted("json"), None))
        except Exception:
            if not params.swallows:
                raise
            return self.Outputs(value="swallowed")
        await ctx.once("after", DONE.append, f"after {params.title}")
        return self.Outputs(value=answer.value)


class Two(Node):
    """Asks two questions, one after the other."""

    kind, title, family = "test.two_questions", "Two", "Test"

    class Outputs(Ports):
        value: Any

    @classmethod
    def asks(cls, params: Any) -> bool:
        return True

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Outputs:
        said = {}
        for title in ("first?", "second?"):
            if title not in SKIP:
                said[title] = (await ctx.ask(Question(title, EditWanted("json"), None))).value
        return self.Outputs(value=said)


class Pair(Node):
    """Keeps a pair, as a step, over a question."""

    kind, title, family = "test.pair", "Pair", "Test"

    class Outputs(Ports):
        value: Any

    @classmethod
    def asks(cls, params: Any) -> bool:
        return True

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Outputs:
        kept = await ctx.once("pair", lambda: ((1, 2), {1: "one"}, b"raw"))
        await ctx.ask(Question("Go on?", ApprovalWanted()))
        return self.Outputs(value=repr(kept))


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    DONE.clear()
    SKIP.clear()


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(f"sqlite:///{tmp_path / 'history.sqlite'}")


def env() -> Any:
    return replace(env_of(), catalog=CATALOG.extended([Careful, Two, Pair]))


async def end_of(run: Run) -> Any:
    return [event async for event in run.events()][-1]


class Paused:
    """A recorded run that waits."""

    def __init__(self, history: History, document: Flow) -> None:
        self.history, self.id = history, new_run_id()
        self._run = Run(LoadedFlow(document), {}, recorded(env(), history, self.id, document),
                        run_id=self.id)  # fmt: skip

    async def waits(self) -> Paused:
        assert isinstance(await end_of(self._run), RunWaiting)
        return self

    async def answer(self, value: Any, question: str | None = None) -> Any:
        asked = find(self.history, self.id, question)
        assert give(self.history, asked, value, types=CATALOG.value_types, author="ada")
        return await end_of(gone_on_with(self.history, self.id, env()))


def one(kind: str, **params: Any) -> Flow:
    return flow({"n": (kind, params), "o": OUT}, ["n.value > o.value"])


async def test_code_before_a_question_is_not_run_again(history: History) -> None:
    """LangGraph runs the node from its beginning: what stands before `interrupt()` happens twice.

    Here, too, a node begins anew; what it does through `ctx.once`, as all calls of models and
    tools do, is done once.
    """
    paused = await Paused(history, one("test.careful")).waits()
    await paused.answer("yes")
    assert DONE == ["before q?", "after q?"]


@pytest.mark.parametrize(
    "answer",
    [
        {"d41d8cd98f00b204e9800998ecf8427e": "a file"},
        {"0" * 32: "x"},
        {"e64a8d8a658a7490a2fb3adf5e0a1fe0": 1, "b3bae2e96b9d578fea20f49487871773": 2},
    ],
)
async def test_an_answer_keyed_by_digests_is_an_answer(history: History, answer: Any) -> None:
    """LangGraph takes a dictionary whose keys look like MD5 sums for ids of interrupts: the answer
    goes nowhere, and the same question stands there again."""
    paused = await Paused(history, one("test.careful")).waits()
    end = await paused.answer(answer)
    assert isinstance(end, RunFinished)
    assert end.outputs["out"] == answer


@pytest.mark.parametrize("answer", [None, False, 0, "", [], {}])
async def test_nothing_is_an_answer(history: History, answer: Any) -> None:
    """LangGraph raises UnboundLocalError ("resume_is_map") for `Command(resume=None)`."""
    paused = await Paused(history, one("test.careful")).waits()
    end = await paused.answer(answer)
    assert isinstance(end, RunFinished)
    assert end.outputs["out"] == answer
    assert type(end.outputs["out"]) is type(answer)


async def test_a_pair_is_a_pair_after_the_pause(history: History) -> None:
    """LangGraph's checkpoints make lists of tuples: `(1, 2)` in the state is `[1, 2]` after it."""
    paused = await Paused(history, one("test.pair")).waits()
    end = await paused.answer(True)
    assert end.outputs["out"] == repr(((1, 2), {1: "one"}, b"raw"))


async def test_an_answer_does_not_serve_for_another_question(history: History) -> None:
    """LangGraph matches answers to `interrupt()` calls of a node by their index: where the first
    is not made any more, its answer is given to the second, without a word."""
    paused = await Paused(history, one("test.two_questions")).waits()
    assert isinstance(await paused.answer("for the first"), RunWaiting)
    SKIP.add("first?")
    end = await paused.answer("for the second")
    while isinstance(end, RunWaiting):  # it asks the one question that is left, anew
        (asked,) = history.inbox.open()
        assert asked.title == "second?"
        end = await paused.answer("said of the second")
    assert "for the first" not in end.outputs["out"].values()


async def test_two_questions_side_by_side_are_answered_in_any_order(history: History) -> None:
    """LangGraph refuses a plain answer while two interrupts are open, even for one of them by
    name of its node: it wants the id, which changes with the graph. Here the place is the name."""
    nodes = {"a": ("test.careful", {"title": "same?"}), "b": ("test.careful", {"title": "same?"}),
             "oa": ("io.output", {"name": "a"}), "ob": ("io.output", {"name": "b"})}  # fmt: skip
    document = flow(nodes, ["a.value > oa.value", "b.value > ob.value"])
    paused = await Paused(history, document).waits()
    with pytest.raises(FlowError, match="asks 2 questions"):
        find(history, paused.id)
    assert isinstance(await paused.answer("to b", "b"), RunWaiting)
    end = await paused.answer("to a", "a")
    assert end.outputs == {"a": "to a", "b": "to b"}


async def test_a_flow_that_was_changed_meanwhile_goes_on_as_it_was(
    history: History, tmp_path: Path
) -> None:
    """LangGraph resumes with the graph that is there: where the waiting node was renamed, the run
    ends well and at once, the answer is lost, and nothing says so."""
    path = tmp_path / "flow.json"
    save_flow(one("test.careful"), path)
    paused = await Paused(history, one("test.careful")).waits()
    renamed = flow({"other": "test.careful", "o": OUT}, ["other.value > o.value"])
    save_flow(renamed, path)
    end = await paused.answer("yes")
    assert isinstance(end, RunFinished)
    assert end.outputs["out"] == "yes"


async def test_a_second_answer_is_refused(history: History) -> None:
    """LangGraph takes a second `Command(resume=…)` without a word, and gives the first result
    once more: whoever was too late believes that they were heard."""
    paused = await Paused(history, one("test.careful")).waits()
    await paused.answer("one")
    with pytest.raises(AlreadyAnsweredError, match="ada"):
        find(history, paused.id, "n")
    assert DONE == ["before q?", "after q?"]


async def test_a_broad_except_does_not_swallow_the_question(history: History) -> None:
    """LangGraph's `interrupt()` raises an `Exception`: a node with `except Exception` around it
    never asks, and goes on as if something had failed."""
    paused = await Paused(history, one("test.careful", swallows=True)).waits()
    end = await paused.answer("heard")
    assert end.outputs["out"] == "heard"


async def test_side_by_side_results_come_in_the_order_of_the_wires(history: History) -> None:
    """LangGraph orders the results of a step by the names of their nodes, as text: 10 before 2."""
    names = [f"n{number}" for number in range(12)]
    nodes: dict[str, Any] = {name: ("test.text", {"text": name}) for name in names}
    nodes |= {"all": ("text.join", {"separator": " "}), "o": OUT}
    wires = [*(f"{name}.text > all.texts" for name in names), "all.text > o.value"]
    run = Run(LoadedFlow(flow(nodes, wires)), {}, env())
    events = [event async for event in run.events()]
    (joined,) = [e for e in events if isinstance(e, NodeFinished) and e.node == "all"]
    assert joined.outputs["text"].split() == names
