"""Indexes: what is embedded and what is not, two processes, crashes, and embeddings that change."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.retrieval import store
from patchbay.nodes.retrieval.build import BATCH
from patchbay.nodes.retrieval.encoder import TransformerEmbeddings
from patchbay.nodes.retrieval.index import IndexSpec
from patchbay.nodes.retrieval.index_node import Index
from patchbay.nodes.retrieval.local_embeddings import LocalEmbeddings
from patchbay.nodes.retrieval.vectors import PROBE
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Document, EmbeddingsSpec
from tests.nodes.retrieval.scripted import Letters

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(autouse=True)
def counting() -> None:
    Letters.embedded.clear()


def chunks(*texts: str) -> list[Document]:
    return [Document(text=t, metadata={"source": f"{t[:1]}.txt", "tags": ["x"]}) for t in texts]


def index(
    documents: list[Document],
    embeddings: EmbeddingsSpec | None,
    ctx: RecordingContext | None = None,
) -> IndexSpec:
    found = run_node(Index, {}, {"chunks": documents, "embeddings": embeddings}, ctx)["index"]
    assert isinstance(found, IndexSpec)
    return found


def embedded() -> list[str]:
    found = sorted(text for text in Letters.embedded if text != PROBE)
    Letters.embedded.clear()
    return found


def test_a_second_run_embeds_nothing_and_opens_no_model() -> None:
    first = index(chunks("apple", "bee"), Letters())
    assert embedded() == ["apple", "bee"]
    ctx = RecordingContext()
    assert index(chunks("apple", "bee"), Letters(), ctx) == first
    assert (embedded(), ctx.opened, ctx.progressed) == ([], [], [])
    opened = first.open(ctx)
    assert opened.documents == chunks("apple", "bee")
    assert opened.by_vector(Letters().open(ctx).embed_query("bee"), 1)[0][0] == 1
    opened.close()


def test_an_edited_file_embeds_only_its_own_chunks() -> None:
    index(chunks("apple", "bee", "cat"), Letters())
    embedded()
    edited = index(chunks("apple", "beetle", "cat"), Letters())
    assert embedded() == ["beetle"]
    assert [d.text for d in edited.open(RecordingContext()).documents] == ["apple", "beetle", "cat"]


def test_an_index_of_an_older_format_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(store, "FORMAT", store.FORMAT - 1)
        old = index(chunks("apple"), None)
    with pytest.raises(NodeError, match="not on this machine"):
        old.open(RecordingContext())
    inputs = Index.Inputs(chunks=chunks("apple"), embeddings=None)
    assert not Index.repeatable(Index.Params(), inputs)  # what was kept of it is not reused
    assert index(chunks("apple"), None).key != old.key
    assert Index.repeatable(Index.Params(), inputs)


def test_equal_texts_are_embedded_once() -> None:
    spec = index(chunks("apple", "apple"), Letters())
    assert embedded() == ["apple"]
    assert spec.chunks == 2


def test_a_lost_index_is_made_again_without_embedding() -> None:
    spec = index(chunks("apple"), Letters())
    ports = Index.Inputs(chunks=chunks("apple"), embeddings=Letters())
    assert Index.repeatable(Index.Params(), ports)
    shutil.rmtree(store.indexes_dir())
    assert not Index.repeatable(Index.Params(), ports)
    with pytest.raises(NodeError) as caught:
        spec.open(RecordingContext())
    assert caught.value.code == "retrieval/index-gone"
    embedded()
    assert index(chunks("apple"), Letters()) == spec
    assert embedded() == []


LOST = {
    "the database": lambda folder: (folder / "chroma" / "chroma.sqlite3").unlink(),
    "the vectors": lambda folder: shutil.rmtree(folder / "chroma"),
    "the words": lambda folder: shutil.rmtree(folder / "bm25"),
    "the documents": lambda folder: (folder / "documents.jsonl").unlink(),
    "all that the database held": lambda folder: (folder / "chroma" / "chroma.sqlite3").write_text(
        ""
    ),
    "what is known of it": lambda folder: (folder / "index.json").write_text("[1]"),
}


@pytest.mark.parametrize("lost", LOST)
def test_an_index_that_lost_a_file_is_made_again(lost: str) -> None:
    made = index(chunks("apple", "bee"), Letters())
    LOST[lost](store.index_dir(made.key))
    assert not Index.repeatable(Index.Params(), _inputs(chunks("apple", "bee"), Letters()))
    again = index(chunks("apple", "bee"), Letters())
    assert again == made
    opened = again.open(RecordingContext())
    assert opened.by_vector(Letters().open(RecordingContext()).embed_query("apple"), 1)[0][0] == 0
    assert opened.by_words("bee", 1)[0][0] == 1
    opened.close()


@pytest.mark.parametrize(("file", "at"), [("chroma/chroma.sqlite3", 1000), ("documents.jsonl", 10)])
def test_a_torn_file_is_noticed_when_the_index_is_opened(file: str, at: int) -> None:
    made = index(chunks("apple", "bee"), Letters())
    with (store.index_dir(made.key) / file).open("r+b") as torn:
        torn.seek(at)
        torn.write(b"\xff" * 100_000)
    with pytest.raises(NodeError, match="damaged") as refused:
        made.open(RecordingContext())
    assert refused.value.code == "retrieval/damaged"
    again = index(chunks("apple", "bee"), Letters()).open(RecordingContext())
    assert len(again.documents) == 2
    again.close()


def _inputs(documents: list[Document], embeddings: EmbeddingsSpec) -> Any:
    return Index.Inputs(chunks=documents, embeddings=embeddings)


def test_without_embeddings_there_are_only_words() -> None:
    opened = index(chunks("red apple", "busy bee"), None).open(RecordingContext())
    assert [number for number, _ in opened.by_words("the bee", 5)] == [1]
    assert [number for number, _ in opened.by_words("APPLES", 5)] == [0]
    with pytest.raises(NodeError, match="no embeddings are wired"):
        opened.by_vector([1.0], 1)


def test_nothing_to_index() -> None:
    with pytest.raises(NodeError) as caught:
        index(chunks(" "), None)
    assert caught.value.code == "retrieval/no-text"


def test_signs_without_words_can_be_indexed() -> None:
    opened = index(chunks("?!", "..."), None).open(RecordingContext())
    assert opened.by_words("anything", 3) == []


def test_a_crash_while_writing_leaves_no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*about: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_write_words", crash)
        with pytest.raises(NodeError, match="No space left"):
            index(chunks("apple"), Letters())
    assert list(store.indexes_dir().glob("[!.]*")) == []
    assert [p.name for p in store.indexes_dir().iterdir()] == [".locks"]
    embedded()
    index(chunks("apple"), Letters())
    assert embedded() == []  # what was embedded before the crash is kept


def test_a_run_that_is_cancelled_while_writing_leaves_no_index() -> None:
    ctx = RecordingContext()
    ctx.cancelled.set()
    with pytest.raises(NodeError, match="cancelled"):
        index(chunks("apple"), Letters(), ctx)
    assert [p.name for p in store.indexes_dir().iterdir()] == [".locks"]


class Stopped(RecordingContext):
    """A run that is stopped once so many chunks are embedded."""

    async def progress(self, message: str, done: float | None = None, *more: Any) -> None:
        if message == "Embedding" and done and done >= BATCH:
            raise asyncio.CancelledError


def test_an_index_that_is_stopped_keeps_what_it_has_embedded() -> None:
    texts = [f"{number:03}" for number in range(BATCH + 10)]
    with pytest.raises(asyncio.CancelledError):
        index(chunks(*texts), Letters(), Stopped())
    assert len(embedded()) == BATCH
    index(chunks(*texts), Letters())
    assert len(embedded()) == 10, "it goes on where it was stopped"


def test_a_damaged_vector_file_is_made_again(home: Path) -> None:
    index(chunks("apple"), Letters())
    (file,) = (home / "cache" / "vectors").iterdir()
    file.write_bytes(b"no database" * 1000)
    embedded()
    index(chunks("apple", "bee"), Letters())
    assert embedded() == ["apple", "bee"]


# --- embeddings that change ---------------------------------------------------------------------


def test_changed_embeddings_are_noticed_and_the_index_is_made_again(tmp_path: Path) -> None:
    salt = tmp_path / "salt"
    salt.write_text("")
    spec = Letters(salt=str(salt))
    made = index(chunks("apple", "bee"), spec)
    ctx = RecordingContext()
    opened = made.open(ctx)
    opened.prove(spec.open(ctx))
    salt.write_text("other")
    opened = made.open(ctx)
    with pytest.raises(NodeError, match="embeddings have changed") as caught:
        opened.prove(spec.open(ctx))
    assert caught.value.code == "retrieval/embeddings-changed"
    embedded()
    assert index(chunks("apple", "bee"), spec) == made
    assert embedded() == ["apple", "bee"]
    made.open(ctx).prove(spec.open(ctx))


def test_an_index_that_is_made_anew_is_open_beside_the_old_one(tmp_path: Path) -> None:
    """Chroma looked into both, and one in forty times found no collection: "damaged"."""
    salt = tmp_path / "salt"
    salt.write_text("0")
    spec, ctx, held = Letters(salt=str(salt)), RecordingContext(), []
    for number in range(1, 12):
        made = index(chunks("apple", "bee"), spec)
        held.append(made.open(ctx))
        held[-1].prove(spec.open(ctx))
        assert held[-1].collection.count() == 2
        salt.write_text(str(number))
        with pytest.raises(NodeError, match="embeddings have changed"):
            made.open(ctx).prove(spec.open(ctx))
    for one in held:
        one.close()


def test_old_and_new_vectors_are_never_mixed(tmp_path: Path) -> None:
    salt = tmp_path / "salt"
    salt.write_text("")
    spec = Letters(salt=str(salt))
    index(chunks("apple"), spec)
    salt.write_text("other")
    embedded()
    index(chunks("apple", "bee"), spec)
    assert embedded() == ["apple", "bee"]


def test_vectors_of_another_length_are_refused(tmp_path: Path) -> None:
    salt = tmp_path / "salt"
    salt.write_text("")
    spec = Letters(salt=str(salt))
    opened = index(chunks("apple"), spec).open(RecordingContext())
    salt.write_text("short")
    with pytest.raises(NodeError, match="2 numbers, not 32"):
        opened.by_vector(spec.open(RecordingContext()).embed_query("x"), 1)


# --- several at once ----------------------------------------------------------------------------

WORKER = """
import sys
from patchbay.nodes.testing import RecordingContext, run_node
from tests.nodes.retrieval.scripted import Letters
from tests.nodes.retrieval.test_index_node import chunks
from patchbay.nodes.retrieval.index_node import Index
texts = chunks(*(f"text {n}" for n in range(200)))
spec = run_node(Index, {}, {"chunks": texts, "embeddings": Letters()})["index"]
opened = spec.open(RecordingContext())
print(spec.key, opened.by_words("text 7", 1)[0][0], len(opened.vectors(range(200))))
"""


def test_two_processes_index_one_folder_at_once() -> None:
    command = [sys.executable, "-c", WORKER]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(2)
    ]
    said = [process.communicate(timeout=600)[0].split() for process in both]
    assert said[0] == said[1]
    assert said[0][2] == "200"
    folders = [path for path in store.indexes_dir().iterdir() if path.name != ".locks"]
    assert [path.name for path in folders] == [said[0][0][:40]]


async def test_waiting_for_another_process_ends_when_the_run_is_cancelled() -> None:
    from patchbay.nodes.retrieval.build import index_key

    documents = chunks("apple")
    ctx = RecordingContext()
    with ExitStack() as stack:
        lock = store.lock(index_key(documents, Letters()), lambda: None)
        await asyncio.to_thread(stack.enter_context, lock)
        ports = Index.Inputs(chunks=documents, embeddings=Letters())
        waiting = asyncio.create_task(Index().run(ports, Index.Params(), ctx))
        await asyncio.sleep(0.05)
        ctx.cancelled.set()
        with pytest.raises(NodeError, match="cancelled"):
            await waiting


# --- the real model, and LlamaIndex -------------------------------------------------------------


def test_llama_index_reads_the_same_store(
    encoder: TransformerEmbeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalEmbeddings, "open", lambda self, opening: encoder)
    monkeypatch.setattr(TransformerEmbeddings, "close", lambda self: None)
    ctx = RecordingContext()
    made = index(
        chunks("Goats graze the dike.", "Bread bakes at noon. " * 90), LocalEmbeddings(), ctx
    )
    assert "1 of 2 chunks are longer than the 256 tokens" in ctx.warnings[0]
    opened = made.open(ctx)
    found = opened.llama_index(encoder).as_retriever(similarity_top_k=1).retrieve("animals")
    assert found[0].node.get_content() == "Goats graze the dike."
    assert json.loads(found[0].node.metadata["tags"]) == ["x"]
    ours = opened.by_vector(encoder.embed_query("animals"), 1)
    assert ours[0][0] == 0
    opened.close()
