"""What a chat sends along: earlier turns where the flow takes messages, else the text alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.studio.panels.chat import question_of, said
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


@dataclass
class Ran:
    """As much of a run as a chat looks at."""

    inputs: dict[str, Any]
    progress: Progress
    flow: Flow = field(default_factory=lambda: asks("messages"))


def test_what_was_asked_and_as_much_of_an_answer_as_came() -> None:
    one = Ran({"q": "Hi"}, Progress("finished", outputs={"answer": "Hello."}))
    two = Ran(
        {"q": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "Who are you?"}]},
        Progress("cancelled", nodes={"in0": NodeState(text="A lit")}),
    )
    failed = Ran({"q": "Lost"}, Progress("failed"))
    assert [question_of(run, "q") for run in (one, two, failed)] == ["Hi", "Who are you?", "Lost"]
    assert [said(run) for run in (one, two, failed)] == ["Hello.", "A lit", ""]
