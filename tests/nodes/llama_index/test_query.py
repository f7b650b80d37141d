"""The node `llama_index.query`, over the real LlamaIndex."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.llama_index.query import QueryEngine
from patchbay.nodes.models.servers.openai.spec import OpenAiModel
from patchbay.nodes.retrieval.answer_node import NOTHING
from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node
from tests.nodes.llama_index.sources import Shelf
from tests.nodes.models.servers.told_server import says, told

BEES = Shelf(name="bees", texts=("Seven hives stand in the orchard.",))
MILL = Shelf(name="mill", texts=("The mill grinds rye.", "The stones weigh a ton."))
SOURCES = [{"name": "bees", "description": "About hives."}, {"name": "mill"}]


def asked(
    engine: str, *lines: tuple[str, str], ctx: RecordingContext | None = None, **inputs: Any
) -> dict[str, Any]:
    Shelf.asked.clear()
    ScriptedModel.asked.clear()
    params = {"engine": engine, "sources": SOURCES, "max_tokens": 40}
    given = {"question": "What is ground?", "model": ScriptedModel(lines=lines),
             "retrievers": [BEES, MILL], **inputs}  # fmt: skip
    return run_node(QueryEngine, params, given, ctx)


@pytest.mark.parametrize(("choice", "name"), [(1, "bees"), (2, "mill")])
def test_a_router_asks_the_one_source_that_the_model_chose(choice: int, name: str) -> None:
    ctx = RecordingContext()
    lines = (("Which source", f'{{"choice": {choice}}}'), ("grinds rye", "Rye."), ("", "Seven."))
    out = asked("router", *lines, ctx=ctx)
    assert Shelf.asked == [(name, "What is ground?")]
    assert out["text"] == ("Rye." if name == "mill" else "Seven.")
    assert {document.metadata["source"] for document in out["documents"]} == {name}
    assert ctx.streamed == [("text", out["text"])]
    first, options = ScriptedModel.asked[0]
    assert "(1) bees: About hives." in first
    assert "json_schema" in str(options["response_format"])
    assert ScriptedModel.asked[1][1]["max_tokens"] == 40


@pytest.mark.parametrize("answer", ['{"choice": 0}', '{"choice": 3}', "the mill", ""])
def test_a_choice_of_nothing_is_said_and_asks_no_source(answer: str) -> None:
    """LlamaIndex's own selector takes 0 for the last one."""
    with pytest.raises(NodeError, match="its answer cannot be used"):
        asked("router", ("Which source", answer))
    assert Shelf.asked == []


def test_a_question_is_split_and_each_part_asks_its_source() -> None:
    ctx = RecordingContext()
    split = (
        '{"questions": [{"question": "How many hives?", "source": "bees"}, '
        '{"question": "What is ground?", "source": "mill"}]}'
    )
    out = asked(
        "sub-questions", ("Split the question", split), ("Sub question", "Seven, and rye."),
        ("How many hives", "Seven."), ("What is ground", "Rye."), ctx=ctx,
    )  # fmt: skip
    assert sorted(Shelf.asked) == [("bees", "How many hives?"), ("mill", "What is ground?")]
    assert out["text"] == "Seven, and rye."
    assert ("thought", "How many hives?", "bees") in ctx.steps
    last = ScriptedModel.asked[-1][0]
    assert "Seven." in last
    assert "Rye." in last


def test_a_tree_summary_reads_all_that_was_found() -> None:
    out = asked("tree summary", ("", "Hives and a mill."))
    assert [name for name, _ in Shelf.asked] == ["bees", "mill"]
    assert out["text"] == "Hives and a mill."
    prompt = ScriptedModel.asked[0][0]
    for text in (*BEES.texts, *MILL.texts):
        assert text in prompt
    assert len(out["documents"]) == 3


def test_a_tree_summary_of_more_than_the_model_reads_is_made_of_summaries() -> None:
    long = Shelf(name="long", texts=tuple(f"Chapter {n}. " + "word " * 1500 for n in range(4)))
    out = asked("tree summary", ("", "A summary."), retrievers=[long, MILL])
    assert out["text"] == "A summary."
    assert len(ScriptedModel.asked) > 2
    assert ScriptedModel.asked[-1][0].count("A summary.") >= 2


def test_the_real_model_answers_through_an_engine() -> None:
    from patchbay.nodes.models.llama.spec import GgufModel

    model = GgufModel(context=2048, temperature=0)
    shelf = Shelf(texts=("The capital of France is Paris.",))
    given = {"question": "What is the capital of France?", "model": model, "retrievers": [shelf]}
    params = {"engine": "router", "sources": [{"name": "cities"}], "max_tokens": 24}
    assert "Paris" in run_node(QueryEngine, params, given)["text"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"question": " "}, "The question is empty"),
        ({"retrievers": [BEES]}, "1 retrievers are wired in for 2 sources"),
    ],
)
def test_what_cannot_be_asked_is_said(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(NodeError, match=message):
        asked("router", **inputs)


def test_sources_of_one_name_are_said() -> None:
    params = {"sources": [{"name": "a"}, {"name": "a"}]}
    given = {"question": "x", "model": ScriptedModel(lines=()), "retrievers": [BEES, MILL]}
    with pytest.raises(NodeError, match="Two sources have one name"):
        run_node(QueryEngine, params, given)


EMPTY = [Shelf(name="bees", texts=()), Shelf(name="mill", texts=())]
SPLIT = json.dumps({"questions": [{"question": "How many?", "source": "bees"},
                                  {"question": "What is ground?", "source": "mill"}]})  # fmt: skip


@pytest.mark.parametrize(
    ("engine", "first"), [("tree summary", ""), ("router", json.dumps({"choice": 1}))]
)
def test_where_nothing_was_found_it_says_so(engine: str, first: str) -> None:
    lines = [("Choose|choice", first)] if first else []
    out = asked(engine, *lines, retrievers=EMPTY)
    assert out["text"] == NOTHING
    assert out["documents"] == []
    assert len(ScriptedModel.asked) == len(lines), "nobody is asked about nothing"


def test_a_part_without_a_find_is_told_to_the_model_in_words() -> None:
    out = asked(
        "sub-questions", ("Split the question", SPLIT), ("Sub question", "Nothing known."),
        retrievers=EMPTY,
    )  # fmt: skip
    assert out["text"] == "Nothing known."
    last = ScriptedModel.asked[-1][0]
    assert last.count(NOTHING) == 2
    assert "Empty Response" not in last


@pytest.mark.parametrize("engine", ["tree summary", "router"])
def test_an_empty_answer_is_said_and_stays_empty(engine: str) -> None:
    ctx = RecordingContext()
    out = asked(engine, ("Choose|choice", json.dumps({"choice": 1})), ("", ""), ctx=ctx)
    assert out["text"] == ""
    assert ctx.warnings == ["The model gave an empty answer."]


@pytest.mark.parametrize("broken", [0, 1])
def test_a_part_that_fails_is_not_left_out(broken: int) -> None:
    """LlamaIndex logs it, and answers from the others."""
    reply = says(SPLIT)
    with told(
        reply, *[says("Seven.")] * broken, says("Half", reason=None, end="silence")
    ) as server:
        model = OpenAiModel(base_url=server.v1, model="told", retries=0)
        with pytest.raises(NodeError) as caught:
            asked("sub-questions", model=model)
    assert caught.value.code == "model/broke-off"
