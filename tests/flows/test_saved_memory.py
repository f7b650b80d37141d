"""The saved flows that remember: exactly over a scripted model, and once on the real one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from patchbay.flows import History, LoadedFlow, RunResult, load, run
from patchbay.flows.document.model import Flow
from patchbay.flows.runs.defaults import default_environment
from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from tests.flows.scripts import SAVED, Script, scripted


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(f"sqlite:///{tmp_path / 'history.sqlite'}")


def ran(flow: Flow, history: History, thread: str | None = None, **inputs: object) -> RunResult:
    env = replace(
        default_environment(catalog=Catalog([Script], table=BUILTIN), use_cache=False),
        folder=SAVED, history=history,
    )  # fmt: skip
    return run(LoadedFlow(flow), inputs, environment=env, thread=thread, history=history)


def test_a_conversation_is_summarized_as_it_grows(history: History) -> None:
    flow = scripted(
        "chat_with_summary",
        (r"Summary so far:\nFIRST(?s:.*)two", "BOTH"), ("Summarize(?s:.*)one", "FIRST"),
        ("one", "A1"), ("two", "A2"), ("three", "A3"), ("four", "A4"),
    )  # fmt: skip
    for text in ("one", "two", "three"):
        ran(flow, history, "ada", conversation=text)
    last = ran(flow, history, "ada", conversation="four")
    assert last.outputs["answer"] == "A4"
    head, *rest = last.nodes["memory"]["messages"]
    assert head.content == "Summary of what was said before:\nBOTH"
    assert [message.content for message in rest] == ["three", "A3", "four"]
    assert last.nodes["memory"]["about"] == "1 of 3 past turns kept, 2 in the summary."


def test_an_agent_remembers_in_one_run_and_recalls_in_another(history: History) -> None:
    flow = scripted(
        "agent_that_remembers",
        ("Remembered", '{"answer": "Noted."}'),
        ("colour is green", '{"tool": "remember", "input": {"fact": "Ada likes green."}}'),
        ("gives: - Ada likes green", '{"answer": "Green."}'),
        ("What does Ada like", '{"tool": "recall", "input": {"query": "Ada"}}'),
    )
    assert "Noted" in ran(flow, history).outputs["answer"]
    assert "Green" in ran(flow, history, message="What does Ada like?").outputs["answer"]


def test_a_fact_of_one_run_is_in_the_prompt_of_the_next(history: History) -> None:
    flow = scripted(
        "remember_and_recall",
        (r"^(?s:.*)plumber comes(?s:.*)When is the plumber here\? Answer in one", "On Friday."),
        (r"^(?s:.*)plumber comes(?s:.*)When does the plumber come\? Answer", "At nine."),
    )
    first = ran(flow, history)
    assert first.outputs["answer"] == "At nine."
    later = ran(flow, history, fact="Ada bakes on Sunday.", question="When is the plumber here?")
    assert later.outputs["answer"] == "On Friday."
    assert later.outputs["facts"].splitlines()[0].endswith("The plumber comes on Friday at nine.")


def test_what_was_remembered_is_recalled_on_the_real_model(history: History) -> None:
    flow = load(SAVED / "remember_and_recall.json").flow
    assert "nine" in ran(flow, history).outputs["answer"]
    later = ran(flow, history, fact="Ada bakes on Sunday.", question="When is the plumber here?")
    assert "plumber comes on Friday" in later.outputs["facts"]


def test_a_real_model_sums_a_conversation_up(history: History) -> None:
    result = ran(load(SAVED / "chat_with_summary.json").flow, history)
    assert result.outputs["answer"].strip()
    assert result.nodes["memory"]["messages"][0].content.startswith("Summary of what was said")


def test_an_agent_keeps_a_fact_on_the_real_model(history: History) -> None:
    assert ran(load(SAVED / "agent_that_remembers.json").flow, history).outputs["answer"].strip()
