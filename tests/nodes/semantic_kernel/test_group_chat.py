"""The node `semantic_kernel.group_chat`, over the real Semantic Kernel."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.agents.specs import RoleAgent
from patchbay.nodes.contract import NodeError
from patchbay.nodes.semantic_kernel.group_chat import GroupChat
from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node


def agent(role: str, *lines: tuple[str, str]) -> RoleAgent:
    return RoleAgent(role=role, goal=f"be {role}", backstory="", model=ScriptedModel(lines=lines))


WRITER = agent("Writer", ("too long", "A short line."), ("", "A very long line."))
CRITIC = agent("The critic!", ("short", "Approved."), ("long", "That is too long."))


def chat(params: dict[str, Any], *agents: Any, **inputs: Any) -> dict[str, Any]:
    given = {"task": "Write a line.", "agents": list(agents), **inputs}
    return run_node(GroupChat, params, given, inputs.pop("ctx", None) or RecordingContext())


def test_they_speak_in_turn_and_hear_each_other() -> None:
    ScriptedModel.asked.clear()
    out = chat({"turns": 3}, WRITER, CRITIC)
    assert [message.content for message in out["messages"]] == [
        "Write a line.", "Writer: A very long line.", "The critic!: That is too long.",
        "Writer: A short line.",
    ]  # fmt: skip
    assert out["text"] == "A short line."
    assert [last for last, _ in ScriptedModel.asked] == [
        "Write a line.", "Writer: A very long line.", "The_critic: That is too long.",
    ]  # fmt: skip
    assert [row[0] for row in out["usage"].rows][:2] == ["Writer", "The critic!"]


def test_the_closing_words_end_it() -> None:
    out = chat({"turns": 20, "closing": "approved"}, WRITER, CRITIC)
    assert out["text"] == "Approved."
    assert len(out["messages"]) == 5


def test_a_model_chooses_who_speaks() -> None:
    chooser = ScriptedModel(lines=(("", "The_critic"),))
    out = chat({"turns": 2, "order": "a model chooses"}, WRITER, CRITIC, model=chooser)
    assert all(m.content.startswith("The critic!") for m in out["messages"][1:])


def test_where_the_model_names_nobody_it_goes_in_turn() -> None:
    chooser = ScriptedModel(lines=(("", "hm"),))
    out = chat({"turns": 2, "order": "a model chooses"}, WRITER, CRITIC, model=chooser)
    assert [m.content.split(":")[0] for m in out["messages"][1:]] == ["Writer", "The critic!"]


def test_real_agents_talk() -> None:
    from patchbay.nodes.models.llama.spec import GgufModel

    model = GgufModel(context=1024, temperature=0, max_tokens=24)
    pair = [
        RoleAgent(role=role, goal="answer in one sentence", backstory="", model=model)
        for role in ("Ann", "Bob")
    ]
    out = run_node(
        GroupChat, {"turns": 2}, {"task": "What is the capital of France?", "agents": pair}
    )
    assert len(out["messages"]) == 3
    assert "Paris" in out["messages"][1].content


@pytest.mark.parametrize(
    ("params", "inputs", "message"),
    [
        ({}, {"agents": [WRITER]}, "needs two role agents or more; 1 are"),
        ({}, {"task": " "}, "the task is empty"),
        ({"order": "a model chooses"}, {}, "No model is wired in"),
    ],
)
def test_what_cannot_begin_is_said(
    params: dict[str, Any], inputs: dict[str, Any], message: str
) -> None:
    given = {"task": "Write.", "agents": [WRITER, CRITIC], **inputs}
    with pytest.raises(NodeError, match=message):
        run_node(GroupChat, params, given)
