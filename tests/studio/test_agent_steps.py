"""What agents did and what it cost, as pages and browsers are told."""

from __future__ import annotations

from patchbay.flows.runs.events import (
    NodeFinished,
    NodeStarted,
    NodeStepped,
    NodeStreamed,
    NodeWaiting,
    Tokens,
)
from patchbay.studio.runs.progress import STEPS, Progress
from patchbay.studio.runs.steps import STEP_TEXT, by_role, spent, tokens_of


def stepped(
    text: str = "hm", who: str = "A", tokens: int = 0, what: str = "thought"
) -> NodeStepped:
    return NodeStepped(
        at=1.0, node="n", what=what, text=text, who=who, seconds=0.5, tokens=Tokens(0, tokens)
    )  # fmt: skip


def test_browsers_hear_each_step_once_and_all_when_they_join_late() -> None:
    progress = Progress()
    progress.take(NodeStarted(at=1.0, node="n"))
    told = [progress.take(stepped(text, tokens=3)) for text in ("one", "two")]
    one = {"what": "thought", "text": "one", "who": "A", "seconds": 0.5, "tokens": 3}
    assert told[0] == {"node": "n", "status": "running", "since": 1.0, "step": one}
    assert [s["text"] for s in progress.messages("r")[1]["steps_all"]] == ["one", "two"]


def test_a_talkative_agent_does_not_fill_the_memory_of_a_page() -> None:
    progress = Progress()
    for number in range(STEPS + 5):
        progress.take(stepped(f"{number}" * STEP_TEXT))
    steps = progress.node("n").steps
    assert len(steps) == STEPS
    assert all(len(step["text"]) == STEP_TEXT + 1 for step in steps[5:])


def test_each_role_is_told_what_it_spent() -> None:
    progress = Progress()
    events = [stepped(tokens=10), stepped(what="tool call"), stepped(who="B", what="answer")]
    for event in events:
        progress.take(event)
    assert by_role(progress.node("n").steps) == {
        "A": "2 steps, 1 tool call, 10 tokens, 1 s",
        "B": "1 step, 0.5 s",
    }


def test_tokens_come_with_their_pace() -> None:
    tokens = Tokens(37, 12, 0.214, 0.4)
    assert spent(1.25, tokens) == ["1.2 s", "49 tokens", "0.21 s to first", "30 tokens/s"]
    assert spent(None, Tokens()) == []
    assert spent(2.0, tokens_of({"prompt": 1, "completion": 0})) == ["2 s", "1 token"]
    progress = Progress()
    told = progress.take(
        NodeFinished(at=2.0, node="n", seconds=1.25, source="run", tokens=tokens, outputs={})
    )
    assert told == {
        "node": "n", "status": "done", "seconds": 1.25,
        "tokens": 49, "first_token_s": 0.214, "per_second": 30.0,
    }  # fmt: skip


def test_who_waits_hears_how_many_come_first() -> None:
    progress = Progress()
    for position, words in ((3, ", 2 before it"), (1, ", next in line")):
        told = progress.take(NodeWaiting(at=1.0, node="n", resource="model", position=position))
        assert told is not None
        assert (told["status"], told["message"]) == ("waiting", f"Waits for model{words}")
    progress.take(NodeStreamed(at=1.0, node="n", port="text", piece="a"))
    assert progress.node("n").status == "running"
