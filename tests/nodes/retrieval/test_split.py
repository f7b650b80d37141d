"""Documents into chunks, by the real splitters, with the network switched off."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.retrieval.split import SplitDocuments
from patchbay.nodes.retrieval.split import split as cut
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Document

SENTENCES = "One sentence stands here, i.e. the first. " * 12 + "The last one is different."


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*about: Any, **more: Any) -> Any:
        raise AssertionError("a splitter reaches for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def split(*texts: str, **params: object) -> list[Document]:
    documents = [Document(text=text, metadata={"source": "a.md"}) for text in texts]
    chunks: list[Document] = run_node(SplitDocuments, params, {"documents": documents})["chunks"]
    return chunks


def words(chunks: list[Document]) -> list[int]:
    return [len(chunk.text.split()) for chunk in chunks]


def test_by_sentences() -> None:
    chunks = split(SENTENCES, by="sentences", size=40, overlap=0)
    assert len(chunks) > 2
    assert all(chunk.text.endswith(".") for chunk in chunks)
    assert " ".join(chunk.text for chunk in chunks) == SENTENCES
    assert [chunk.metadata["chunk"] for chunk in chunks] == list(range(1, len(chunks) + 1))
    overlapping = split(SENTENCES, by="sentences", size=40, overlap=15)
    assert sum(words(overlapping)) > sum(words(chunks))


def test_by_tokens() -> None:
    chunks = split("word " * 100, by="tokens", size=25, overlap=0)
    assert words(chunks) == [25, 25, 25, 25]


def test_recursively() -> None:
    paragraphs = ["alpha " * 15, "beta " * 15, "gamma " * 60]
    chunks = split("\n\n".join(paragraphs), by="recursive", size=25, overlap=0)
    assert chunks[0].text.split()[0] == "alpha"
    assert all(len(set(chunk.text.split())) == 1 for chunk in chunks)  # no paragraph is mixed
    assert len(chunks) > 3


def test_by_headings() -> None:
    text = "Before.\n\n# A/B\n\nIntro.\n\n## Deep\n\n```\n# no heading\n```\n\n# C\n\n## Empty\n"
    text += "\n# D\n\n"
    chunks = split(text + SENTENCES, by="headings", size=60, overlap=0)
    found = [chunk.metadata.get("heading") for chunk in chunks]
    assert found[:3] == [None, "A/B", "A/B › Deep"]
    assert set(found[3:]) == {"D"}  # long: cut by sentences; those that hold nothing are left out
    assert len(found) > 4
    assert "# no heading" in chunks[2].text


def test_numbers_go_on_through_the_pages_of_a_file() -> None:
    chunks = split("Page one.", "Page two.", size=20, overlap=0)
    assert [chunk.metadata for chunk in chunks] == [
        {"source": "a.md", "chunk": 1},
        {"source": "a.md", "chunk": 2},
    ]


def test_no_text_and_bad_params() -> None:
    with pytest.raises(NodeError) as caught:
        split("  \n")
    assert caught.value.code == "retrieval/no-text"
    with pytest.raises(ValidationError, match="must be smaller than the size"):
        SplitDocuments.Params(size=20, overlap=20)


def test_it_stops_when_the_run_is_cancelled() -> None:
    ctx = RecordingContext()
    ctx.cancelled.set()
    inputs = {"documents": [Document(text="some text")]}
    assert run_node(SplitDocuments, {}, inputs, ctx)["chunks"] == []


MARKDOWN = st.lists(
    st.one_of(
        st.text(st.sampled_from("#=-`~ \n\t<!>*.,;ab。？é\u2028"), max_size=40),
        st.text(max_size=20),
        st.sampled_from(
            [
                "\n# A heading\n",
                "\n```\n# code\n```\n",
                "Wait... what?!",
                "a,b;c.d" * 30,
                "<!-- # -->",
            ]
        ),
    ),
    max_size=12,
).map("".join)


@pytest.mark.parametrize("by", ["sentences", "tokens", "recursive", "headings"])
@settings(max_examples=40, deadline=None)
@given(text=MARKDOWN)
def test_without_overlap_nothing_is_lost_or_doubled(by: str, text: str) -> None:
    document = Document(text=text)
    params = SplitDocuments.Params(by=by, size=20, overlap=0)  # type: ignore[arg-type]
    chunks = cut([document], params, lambda: False)
    assert "".join("".join(c.text for c in chunks).split()) == "".join(text.split())
