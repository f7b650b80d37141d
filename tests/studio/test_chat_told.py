"""What a chat asks of a flow, and is told of its runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.studio.chat.telling import rests_on, run_told
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.runs.progress import NodeState, Progress
from patchbay.studio.server.questions import asked

ANSWER = NodeInstance(id="answer", kind="io.output")


def asks(*kinds: str, **params: Any) -> Flow:
    inputs = tuple(
        NodeInstance(
            id=f"in{i}", kind="io.input", params={"name": f"{kind}{i}", "kind": kind, **params}
        )
        for i, kind in enumerate(kinds)
    )
    return Flow(nodes=(*inputs, ANSWER), edges=(Edge(source="in0.value", target="answer.value"),))


@pytest.mark.parametrize(
    ("flow", "name", "remembers"),
    [
        (asks("text"), "text0", False),
        (asks("text", default="Hi"), "text0", False),
        (asks("messages"), "messages0", True),
        (asks("messages", "text", default="Hi"), "messages0", True),
        (asks("messages", "text"), None, False),
        (asks("text", "text", default="Hi"), None, False),
        (asks("number"), None, False),
    ],
)
def test_which_input_a_message_goes_to(flow: Flow, name: str | None, remembers: bool) -> None:
    wanted = asked(flow)
    assert (wanted.chat_input, wanted.remembers) == (name, remembers)


def ran(given: Any, progress: Progress, flow: Flow) -> LiveRun:
    """As much of a run as a chat looks at."""
    turn: Any = SimpleNamespace(thread="talk")
    return LiveRun("r", "doc", "ann", flow, None, {"q": given}, (), turn, progress)


def test_what_was_asked_and_as_much_of_an_answer_as_came() -> None:
    flow = asks("messages")
    done = ran("Hi", Progress("finished", outputs={"answer": "Hello."}), flow)
    told = run_told(done, "q")
    assert (told["asked"], told["outputs"], told["status"]) == (
        "Hi", {"answer": "Hello."}, "finished",
    )  # fmt: skip
    said = [{"role": "user", "content": "Hi"}, {"role": "user", "content": "Who are you?"}]
    stopped = ran(said, Progress("cancelled", nodes={"in0": NodeState(text="A lit")}), flow)
    told = run_told(stopped, "q")
    assert (told["asked"], told["said"]) == ("Who are you?", "A lit")
    problem = {"message": "It broke.", "fix": "Mend it."}
    told = run_told(ran("Lost", Progress("failed", problem=problem), flow), "q")
    assert (told["error"], "outputs" in told) == (problem, False)


def test_an_answer_rests_on_what_the_nearest_node_has_found() -> None:
    found = [{"$type": "document", "text": "near"}]
    far = [{"$type": "document", "text": "far"}]
    nodes = tuple(NodeInstance(id=id, kind="io.input") for id in ("load", "find", "ask"))
    wires = (("load", "find"), ("find", "ask"), ("ask", "answer"))
    edges = tuple(Edge(source=f"{a}.value", target=f"{b}.value") for a, b in wires)
    flow = Flow(nodes=(*nodes, ANSWER), edges=edges)
    states = {
        "load": NodeState(outputs={"documents": far}),
        "find": NodeState(outputs={"documents": found}),
        "ask": NodeState(outputs={"text": "It is [1]."}),
    }
    assert rests_on(ran("q", Progress("finished", nodes=states), flow)) == found
    del states["find"]
    assert rests_on(ran("q", Progress("finished", nodes=states), flow)) == far
    assert rests_on(ran("q", Progress("finished"), flow)) == []
