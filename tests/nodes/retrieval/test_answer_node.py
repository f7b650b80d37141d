"""Answers with numbered sources, on a scripted model and on the real one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.retrieval import citing
from patchbay.nodes.retrieval.answer_node import NOTHING, AnswerWithSources
from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node
from patchbay.nodes.values import Document, Spec

PASSAGES = [
    Document(text="Spruce is never burned.", metadata={"source": "oven.md", "heading": "Firing"}),
    Document(
        text="Books are lent for weeks. " * 20, metadata={"source": "a.pdf", "page": 3}, score=0.4
    ),
]


def answer(
    *lines: tuple[str, str],
    documents: list[Document] = PASSAGES,
    ctx: RecordingContext | None = None,
    **params: Any,
) -> dict[str, Any]:
    inputs = {
        "model": ScriptedModel(lines=lines),
        "question": "What burns?",
        "documents": documents,
    }
    ScriptedModel.asked.clear()
    return run_node(AnswerWithSources, params, inputs, ctx)


def test_numbers_point_to_chunks() -> None:
    ctx = RecordingContext()
    out = answer(("Question: What burns", "Not spruce [1], but books [1, 2]."), ctx=ctx)
    assert out["text"] == "Not spruce [1], but books [1, 2]."
    assert out["sources"] == PASSAGES
    first, second = out["citations"]
    assert first == {
        "number": 1,
        "place": "oven.md, Firing",
        "metadata": {"source": "oven.md", "heading": "Firing"},
        "score": None,
        "quote": "Spruce is never burned.",
    }
    assert (second["place"], second["score"]) == ("a.pdf, page 3", 0.4)
    assert second["quote"].endswith(" …")
    assert len(second["quote"]) <= 202
    asked = ScriptedModel.asked[0][0]
    assert "[1] (oven.md, Firing)\nSpruce is never burned." in asked
    assert "".join(piece for _, piece in ctx.streamed) == out["text"]
    assert ctx.warnings == []


def test_an_answer_without_numbers_is_asked_for_one() -> None:
    ctx = RecordingContext()
    lines = (("Question: What burns", "Not spruce."), ("Which passage", '{"passage": 1}'))
    out = answer(*lines, ctx=ctx)
    assert out["text"] == "Not spruce. [1]"
    assert [citation["number"] for citation in out["citations"]] == [1]
    assert "".join(piece for _, piece in ctx.streamed) == out["text"]
    assert "response_format" in ScriptedModel.asked[1][1]


@pytest.mark.parametrize("said", ['{"passage": 9}', "no JSON", '{"passage": true}', "[]"])
def test_a_number_that_is_none_is_not_cited(said: str) -> None:
    ctx = RecordingContext()
    out = answer(("Question: What burns", "Not spruce."), ("Which passage", said), ctx=ctx)
    assert (out["text"], out["citations"]) == ("Not spruce.", [])
    assert ctx.warnings == ["The answer cites none of its passages."]


def test_citing_inline_asks_once() -> None:
    out = answer(("Question: What burns", "Not spruce."), cite="inline")
    assert out["citations"] == []
    assert len(ScriptedModel.asked) == 1


def test_a_citation_of_nothing_is_said() -> None:
    ctx = RecordingContext()
    out = answer(("Question: What burns", "Not spruce [1][7]."), ctx=ctx)
    assert [citation["number"] for citation in out["citations"]] == [1]
    assert ctx.warnings == ["The answer cites [7], but there are 2 passages."]


def test_where_nothing_was_found_nobody_is_asked() -> None:
    ctx = RecordingContext()
    out = answer(documents=[], ctx=ctx)
    assert out == {"text": NOTHING, "sources": [], "citations": []}
    assert ScriptedModel.asked == []
    out = answer(documents=[PASSAGES[1]], least_score=0.5, nothing="Nothing there.")
    assert (out["text"], ScriptedModel.asked) == ("Nothing there.", [])


def test_a_model_may_say_that_nothing_is_there() -> None:
    out = answer(("Question: What burns", f" {NOTHING}"))
    assert out["citations"] == []
    assert len(ScriptedModel.asked) == 1


def test_an_empty_question_and_an_empty_answer() -> None:
    with pytest.raises(NodeError) as caught:
        run_node(
            AnswerWithSources,
            {},
            {"model": ScriptedModel(lines=()), "question": " ", "documents": PASSAGES},
        )
    assert caught.value.code == "retrieval/empty-query"
    ctx = RecordingContext()
    assert answer(ctx=ctx)["text"] == ""
    assert ctx.warnings == ["The model gave an empty answer."]


def test_numbers_in_texts() -> None:
    assert citing.cited("a [2] b [1, 3] c [2] [x] 4 [1234]") == [2, 1, 3]
    assert citing.cited("") == []


class OneModel(RecordingContext):
    model: Any = None

    @contextlib.asynccontextmanager
    async def use(self, spec: Spec, *, slot: bool = True) -> AsyncIterator[Any]:
        yield self.model


def test_the_real_model_cites_a_passage_that_there_is() -> None:
    ctx = OneModel()
    spec = GgufModel(context=512, parallel=1, temperature=0)
    ctx.model = spec.open(ctx)
    try:
        inputs = {"model": spec, "question": "What is never burned?", "documents": PASSAGES[:1]}
        out = run_node(AnswerWithSources, {"max_tokens": 12}, inputs, ctx)
    finally:
        ctx.model.close()
    assert out["text"].endswith("[1]")
    assert out["citations"][0]["place"] == "oven.md, Firing"
    assert ctx.prompt_tokens > 0
