"""Make an index: embed what has not been embedded yet, and write it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from patchbay.nodes.contract import Context, NodeError
from patchbay.nodes.cut_texts import with_cut
from patchbay.nodes.embedded import embedded
from patchbay.nodes.retrieval import store
from patchbay.nodes.retrieval.index import IndexSpec
from patchbay.nodes.retrieval.local_embeddings import LocalEmbeddings
from patchbay.nodes.retrieval.vectors import PROBE, VectorStore, alike
from patchbay.nodes.values import Document, EmbeddingsSpec, content_hash

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

    from patchbay.nodes.retrieval.vectors import Vector

BATCH = 64
"""Texts between two looks at whether the run goes on."""


def index_key(chunks: Sequence[Document], embeddings: EmbeddingsSpec | None) -> str:
    """The name of an index: the hash of its chunks and of what their vectors depend on.

    Raises:
        NodeError: the embeddings name weights that are not there.
    """
    return content_hash([store.FORMAT, list(chunks), embeddings])


async def make_index(
    chunks: Sequence[Document], embeddings: EmbeddingsSpec | None, ctx: Context
) -> IndexSpec:
    """The index of chunks, made unless it is there already.

    Raises:
        NodeError: the embeddings fail, or the disk refuses.
    """
    if isinstance(embeddings, LocalEmbeddings) and not embeddings.is_here():
        async with ctx.use(embeddings, slot=False):
            pass  # fetched now, so that the index is named by its content and not by its reference
    key = await ctx.blocking(index_key, chunks, embeddings)
    spec = IndexSpec(key=key, chunks=len(chunks), embeddings=embeddings)
    if await ctx.blocking(store.facts, key) is not None:
        return spec
    with ExitStack() as stack:
        await ctx.blocking(stack.enter_context, store.lock(key, Waiting(ctx)))
        if await ctx.blocking(store.facts, key) is None:  # another process may just have made it
            await _make(spec, chunks, ctx)
    return spec


class Waiting:
    """Ends the waiting for another process when the run is cancelled."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def __call__(self) -> None:
        if self._ctx.cancelled.is_set():
            raise NodeError("The run was cancelled.", retry=False)


async def _make(spec: IndexSpec, chunks: Sequence[Document], ctx: Context) -> None:
    about: dict[str, Any] = {}
    vectors: list[Vector] | None = None
    if spec.embeddings is not None:
        key = content_hash(spec.embeddings)
        found = await _vectors([c.text for c in chunks], spec.embeddings, VectorStore(key), ctx)
        vectors = [found[chunk.text] for chunk in chunks]
        probe = found[PROBE]
        about = {"embeddings": key, "dimensions": len(probe), "probe": probe.tolist()}
    await ctx.progress("Writing the index", 0)
    await ctx.blocking(store.write, spec.key, chunks, vectors, about, ctx.cancelled.is_set)


async def _vectors(
    texts: Sequence[str], spec: EmbeddingsSpec, known: VectorStore, ctx: Context
) -> dict[str, Vector]:
    """A vector for each text, and for the probe; only what is not known is computed."""
    found = await ctx.blocking(known.get, [PROBE, *texts])
    if all(text in found for text in (PROBE, *texts)):
        return found
    async with ctx.use(spec) as model:
        probe = (await ctx.blocking(embed, model, [PROBE]))[PROBE]
        if PROBE in found and not alike(found[PROBE], probe):
            # The model behind the name has changed: what it gave before is of no use any more.
            await ctx.blocking(known.clear)
            found = {}
        found[PROBE] = probe
        await ctx.blocking(known.put, {PROBE: probe})
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        await ctx.progress("Embedding", 0, len(missing))
        done = cut = 0
        for batch in _batches(missing):
            fresh, more = await ctx.blocking(embed_counted, model, batch, len(probe))
            cut += more
            await ctx.blocking(known.put, fresh)
            found |= fresh
            done += len(batch)
            await ctx.progress("Embedding", done, len(missing))
        if cut:
            await ctx.warn(
                f"{cut} of {len(missing)} chunks are longer than the {model.max_tokens} tokens "
                "that the embeddings model reads; what comes after is not found by its meaning. "
                "Split into smaller chunks."
            )
    return found


def _batches(texts: list[str]) -> Iterator[list[str]]:
    """Texts of like length together, the longest first: less is padded, and memory peaks early."""
    ordered = sorted(texts, key=len, reverse=True)
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


def embed(model: Embeddings, texts: Sequence[str], dimensions: int = 0) -> dict[str, Vector]:
    """The vectors of texts, checked.

    Raises:
        NodeError: what comes back are no vectors, or not as many or as long as they should be.
    """
    rows = embedded(model, texts, dimensions).astype("float32")
    return dict(zip(texts, rows, strict=True))


def embed_counted(
    model: Embeddings, texts: Sequence[str], dimensions: int = 0
) -> tuple[dict[str, Vector], int]:
    """Likewise, and how many of the texts were cut."""
    return with_cut(model, embed, model, texts, dimensions)
