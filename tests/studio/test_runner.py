"""Runs in the background: told to their owner alone, found again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from patchbay import flows
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.document.reading import read_flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.history import History, PastRun
from patchbay.flows.runs.inbox import AlreadyAnsweredError
from patchbay.flows.runs.resources import Pool
from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.contract import Context, Node, NodeError, Ports
from patchbay.studio.runs import answering
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.runs.runner import Runner

PATIENCE_S = 240.0
"""Far more than anything here takes, on a machine that does other things too."""


class Slow(Node):
    """Stream forever."""

    kind, title, family = "test.slow", "Slow", "Test"

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Ports:
        while True:
            await ctx.stream("text", "tick ")
            await asyncio.sleep(0.01)


class Fails(Node):
    """Fail, having been given something."""

    kind, title, family = "test.fails", "Fails", "Test"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Ports:
        raise NodeError("It broke.", fix="Mend it.", retry=False)


def environment(_: Path | None) -> Environment:
    return Environment(load_catalog().extended([Slow, Fails, Once]), Pool())


def made_runner(tmp_path: Path) -> Runner:
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    return Runner(lambda: history, tmp_path / "owners.jsonl", environment)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return made_runner(tmp_path)


def chain(kind: str | None = None) -> Flow:
    """A flow that echoes a question, with a node of a kind between."""
    ask = NodeInstance(id="ask", kind="io.input", params={"name": "question"})
    answer = NodeInstance(id="answer", kind="io.output", params={"name": "answer"})
    if kind is None:
        return Flow(nodes=(ask, answer), edges=(Edge(source="ask.value", target="answer.value"),))
    middle = NodeInstance(id="middle", kind=kind)
    edges = [Edge(source="middle.text", target="answer.value")]
    if kind == Fails.kind:
        edges.insert(0, Edge(source="ask.value", target="middle.text"))
    return Flow(nodes=(ask, middle, answer), edges=tuple(edges))


def asking() -> Flow:
    """A flow that asks a person to choose."""
    asks = NodeInstance(id="pick", kind="people.choose", params={"options": ["a", "b"]})
    out = NodeInstance(id="out", kind="io.output", params={"name": "out"})
    return Flow(nodes=(asks, out), edges=(Edge(source="pick.choice", target="out.value"),))


def until(true: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def ended(live: LiveRun) -> LiveRun:
    until(lambda: not live.active)
    return live


def test_a_run_gives_its_outputs_and_is_recorded(runner: Runner) -> None:
    live = ended(runner.start("doc", "ann", chain(), {"question": "Why?"}))
    assert live.progress.status == "finished"
    assert live.progress.outputs == {"answer": "Why?"}
    assert live.inputs_of("answer") == {"value": "Why?"}
    assert runner.records
    (past,) = runner.history().runs()
    assert (past.id, past.outputs) == (live.id, {"answer": "Why?"})
    assert runner.owners() == {live.id: "ann"}


def test_a_run_is_told_to_its_owner_alone(runner: Runner) -> None:
    ann: list[dict[str, Any]] = []
    bob: list[dict[str, Any]] = []
    runner.subscribe("doc", "ann", ann.append)
    runner.subscribe("doc", "bob", bob.append)
    runner.start("doc", "ann", chain(), {"question": "Why?"})
    until(lambda: any(m.get("run", {}).get("status") == "finished" for m in ann))
    assert bob == [{"reset": True}]
    assert runner.latest("doc", "bob") is None
    assert {"answer", "ask"} <= {m.get("node") for m in ann}


def test_the_model_of_a_run_that_is_at_work_is_not_let_go_by_the_next_run() -> None:
    kept: list[list[Any]] = []

    class Keeps(Pool):
        def let_go(self, *, keep: Any = (), older_s: float = 0.0) -> int:
            kept.append([spec.type_id() for spec in keep])
            return super().let_go(keep=keep, older_s=older_s)

    pool = Keeps()
    runner = Runner(None, None, lambda _: Environment(load_catalog().extended([Slow]), pool))
    model = NodeInstance(id="model", kind="model.gguf")
    asked = NodeInstance(id="asked", kind="model.ask")  # its turn never comes
    wires = (("model.model", "asked.model"), ("middle.text", "asked.prompt"))
    edges = [Edge(source=source, target=target) for source, target in wires]
    slow = chain(Slow.kind)
    flow = Flow(nodes=(*slow.nodes, model, asked), edges=(*slow.edges, *edges))
    first = runner.start("one", "ann", flow, {"question": "?"})
    until(lambda: first.progress.nodes.get("middle") and first.progress.nodes["middle"].text)
    second = ended(runner.start("two", "ann", chain(), {"question": "?"}))
    assert second.progress.status == "finished"
    assert kept[-1] == ["chat model/gguf"]
    runner.stop(first.id)
    third = ended(runner.start("two", "ann", chain(), {"question": "?"}))
    assert third.progress.status == "finished"
    assert kept[-1] == []


def test_who_joins_late_hears_what_was_streamed(runner: Runner) -> None:
    live = runner.start("doc", "ann", chain(Slow.kind), {"question": "Why?"})
    until(lambda: live.progress.nodes.get("middle") and live.progress.nodes["middle"].text)
    told: list[dict[str, Any]] = []
    leave = runner.subscribe("doc", "ann", told.append)
    assert told[0]["reset"] is True
    (middle,) = [m for m in told if m.get("node") == "middle" and "text_all" in m]
    assert middle["text_all"].startswith("tick ")
    leave()
    runner.stop(live.id)
    ended(live)
    assert not runner._listeners


def test_a_new_run_of_a_flow_stops_the_one_before(runner: Runner) -> None:
    first = runner.start("doc", "ann", chain(Slow.kind), {"question": "Why?"})
    second = runner.start("doc", "ann", chain(), {"question": "Why?"})
    assert ended(first).progress.status == "cancelled"
    assert ended(second).progress.status == "finished"
    assert runner.latest("doc", "ann") is second


def test_a_failure_keeps_the_problem_and_what_went_in(runner: Runner) -> None:
    live = ended(runner.start("doc", "ann", chain(Fails.kind), {"question": "Why?"}))
    assert live.progress.status == "failed"
    assert live.progress.problem is not None
    assert live.progress.problem["fix"] == "Mend it."
    assert live.inputs_of("middle") == {"text": "Why?"}


def test_a_flow_with_errors_is_not_started(runner: Runner) -> None:
    with pytest.raises(FlowError):
        runner.start("doc", "ann", chain(Fails.kind), {"other": 1})
    assert runner.latest("doc", "ann") is None
    assert runner.owners() == {}


class Once(Node):
    """Fail the first time it is asked, like a machine that is switched off; then shout."""

    kind, title, family = "test.once", "Once", "Test"
    asked = 0

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Ports:
        Once.asked += 1
        if Once.asked == 1:
            raise NodeError("It is switched off.", fix="Switch it on.", retry=False)
        return self.Outputs(text=inputs.text.upper())


def recorded(runner: Runner, live: LiveRun) -> PastRun:
    assert runner.records
    return runner.history().get(live.id)


def test_again_runs_what_was_recorded_and_not_the_flow_as_it_is_now(
    runner: Runner, tmp_path: Path
) -> None:
    inputs = {"question": "Why?"}
    first = ended(runner.start("doc", "ann", chain(), inputs, folder=tmp_path, only=["answer"]))
    again = ended(runner.again(recorded(runner, first), "ann"))
    assert again.id != first.id
    assert (again.flow, again.folder, again.only) == (first.flow, tmp_path, ("answer",))
    assert again.progress.outputs == {"answer": "Why?"}
    assert runner.latest("doc", "ann") is first, "the open flow's own run stays what it shows"
    assert runner.owners()[again.id] == "ann"


def test_a_failed_run_is_resumed_under_its_id_and_does_nothing_twice(runner: Runner) -> None:
    Once.asked = 0
    middle = (Edge(source="ask.value", target="middle.text"),)
    flow = chain(Once.kind)
    flow = flow.model_copy(update={"edges": middle + flow.edges})
    first = ended(runner.start("doc", "ann", flow, {"question": "Why?"}))
    assert first.progress.status == "failed"
    until(lambda: recorded(runner, first).status == "failed")
    resumed = ended(runner.resume(recorded(runner, first), "ann"))
    assert (resumed.id, resumed.progress.status) == (first.id, "finished")
    assert resumed.progress.outputs == {"answer": "WHY?"}
    sources = {e["node"]: e["source"] for e in resumed.events if e["type"] == "node_finished"}
    assert (sources["ask"], sources["middle"]) == ("resumed", "run")
    past = recorded(runner, first)
    assert (past.status, past.outputs) == ("finished", {"answer": "WHY?"})
    with pytest.raises(FlowError, match="nothing to resume"):
        runner.resume(past, "ann")


def test_a_run_of_the_real_model_stops_and_leaves_no_thread(tmp_path: Path) -> None:
    flow = read_flow(Path(flows.__file__).parent / "saved" / "ask.json").with_params(
        {"prompt": {"template": "Write a very long story: {question}"}, "ask": {"max_tokens": 700}}
    )
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    runner = Runner(lambda: history, None, lambda _: Environment(load_catalog(), Pool()))
    before = set(threading.enumerate())
    live = runner.start("doc", "ann", flow, {"question": "A lighthouse"})
    until(lambda: "ask" in live.progress.nodes and live.progress.nodes["ask"].text)
    runner.stop(live.id)
    ended(live)
    assert (live.progress.status, live.progress.nodes["ask"].status) == ("cancelled", "cancelled")
    history.close()  # its writer is the history's, not the run's
    # Those that the loop keeps for what blocks next are the loop's.
    until(
        lambda: (
            not [
                thread
                for thread in set(threading.enumerate()) - before
                if not thread.name.startswith("asyncio_")
            ]
        )
    )


def test_of_two_tabs_that_answer_at_once_one_is_heard(runner: Runner) -> None:
    live = runner.start("doc", "ann", asking(), {})
    until(lambda: live.progress.status == "waiting")

    def one(word: str) -> str:
        try:
            answering.answer(runner, live.id, "pick", word, "ann")
        except AlreadyAnsweredError:
            return ""
        return word

    with ThreadPoolExecutor(2) as tabs:
        (heard,) = [word for word in tabs.map(one, ("a", "b")) if word]
    until(lambda: recorded(runner, live).status == "finished")
    assert recorded(runner, live).outputs == {"out": heard}


def test_runs_are_traced_where_the_environment_asks_for_it(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.flows.traces.receiver import collecting

    with collecting() as collector:
        monkeypatch.setenv("PATCHBAY_TRACE", collector.url)
        live = ended(runner.start("doc", "ann", chain(), {"question": "Why?"}))

        def sent() -> bool:  # the span of the run ends a moment after the run
            runner._traces.flush()
            return any(span.name == "invoke_workflow Untitled" for span in collector.spans)

        until(sent)
        root = collector.named("invoke_workflow Untitled")
        assert root.attributes["patchbay.run.id"] == live.id
        assert {span.name for span in collector.spans} >= {"ask", "answer"}


def test_a_wish_for_traces_that_cannot_be_met_costs_no_run(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATCHBAY_TRACE", "nowhere")
    live = ended(runner.start("doc", "ann", chain(), {"question": "Why?"}))
    assert live.progress.status == "finished"
    ended(runner.start("doc", "ann", chain(), {"question": "Why?"}))
    assert caplog.text.count("Runs are not traced") == 1
