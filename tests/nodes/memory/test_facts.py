"""Facts that outlive a run: kept once, found by meaning or by words, in their scope."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.memory.conversation import ConversationMemory
from patchbay.nodes.memory.recall import Recall
from patchbay.nodes.memory.remember import Remember
from patchbay.nodes.memory.tools import LongTermMemory
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import EmbeddingsSpec, Message, Opening

COLOURS = ("red", "green", "blue")


class Colours(EmbeddingsSpec):
    """Embeddings that see colours alone. `name` makes another model of it."""

    backend: ClassVar[str] = "colours"
    name: str = "one"

    def open(self, opening: Opening) -> Any:
        return self

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(colour in text) for colour in COLOURS] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


FACTS = ("The sea is blue.", "Grass is green.", "Blood is red, the sky blue.")


def kept(ctx: RecordingContext, embeddings: Colours | None, scope: str = "person") -> None:
    for fact in FACTS:
        run_node(Remember, {"scope": scope}, {"text": fact, "embeddings": embeddings}, ctx)


def found(ctx: RecordingContext, query: str, embeddings: Colours | None = None, **params: Any):
    got = run_node(Recall, params, {"query": query, "embeddings": embeddings}, ctx)
    assert got["text"] == "\n".join(document.text for document in got["documents"])
    return [(document.text, document.score) for document in got["documents"]]


def test_facts_are_found_by_meaning_best_first() -> None:
    ctx = RecordingContext()
    kept(ctx, Colours())
    assert found(ctx, "blue?", Colours(), k=2) == [
        ("The sea is blue.", 1.0), ("Blood is red, the sky blue.", 0.7071),
    ]  # fmt: skip
    assert found(ctx, "blue?", Colours(), least=0.9) == [("The sea is blue.", 1.0)]


def test_facts_of_other_embeddings_or_none_are_compared_all_the_same() -> None:
    ctx = RecordingContext()
    kept(ctx, None)
    assert found(ctx, "green", Colours(name="two"), k=1) == [("Grass is green.", 1.0)]


def test_without_embeddings_words_are_compared() -> None:
    ctx = RecordingContext()
    kept(ctx, None)
    assert found(ctx, "GRASS, what is it?") == [
        ("Grass is green.", 0.5), ("The sea is blue.", 0.25), ("Blood is red, the sky blue.", 0.25),
    ]  # fmt: skip
    assert found(ctx, "elephants") == []
    assert found(ctx, "  ") == []


def test_scopes_are_apart_and_a_fact_is_kept_once() -> None:
    ctx = RecordingContext()
    kept(ctx, None, "flow")
    kept(ctx, None, "flow")
    assert found(ctx, "sea", scope="thread") == []
    assert len(ctx.memory.facts("flow")) == 3


@pytest.mark.parametrize("text", ["", " \n\t", "x" * 20_001])
def test_a_fact_must_say_something_and_not_too_much(text: str) -> None:
    with pytest.raises(NodeError) as error:
        run_node(Remember, {}, {"text": text})
    assert error.value.code == "memory/fact"


def test_an_agent_remembers_and_recalls_with_tools() -> None:
    ctx = RecordingContext()
    tools = run_node(LongTermMemory, {"scope": "flow", "k": 1}, {"embeddings": Colours()})
    keep, find = tools["remember"].bind(ctx), tools["recall"].bind(ctx)

    async def use() -> list[str]:
        said = [await find.ainvoke({"query": "blue"})]
        said += [await keep.ainvoke({"fact": fact}) for fact in (*FACTS, FACTS[0])]
        return [*said, await find.ainvoke({"query": "blue"})]

    assert asyncio.run(use()) == [
        "Nothing is remembered of it.", *["Remembered."] * 3, "That is remembered already.",
        "- The sea is blue.",
    ]  # fmt: skip
    assert not tools["recall"].repeatable


def test_older_turns_are_recalled_by_meaning() -> None:
    messages = [
        Message(role=role, content=text)
        for text in ("red?", "green?", "blue?", "red again?")
        for role, text in (("user", text), ("assistant", f"About {text}"))
    ]
    messages.append(Message(role="user", content="What of green?"))
    got = run_node(
        ConversationMemory,
        {"strategy": "recall", "turns": 1, "recalled": 1},
        {"messages": messages, "embeddings": Colours()},
    )
    head, *rest = got["messages"]
    assert head.content == "Earlier in this conversation:\nuser: green?\nassistant: About green?"
    assert [m.content for m in rest] == ["red again?", "About red again?", "What of green?"]
