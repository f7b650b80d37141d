"""The node `retrieval.picture_index`: make the pictures of a folder searchable by words."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.embedded import checked
from patchbay.nodes.encoders.clip_spec import ClipEmbeddings
from patchbay.nodes.encoders.picture_files import find_pictures, picture_document
from patchbay.nodes.retrieval import store
from patchbay.nodes.retrieval.build import Waiting, embed, index_key
from patchbay.nodes.retrieval.index import IndexSpec
from patchbay.nodes.retrieval.vectors import PROBE, VectorStore, alike
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.values import Document, content_hash

if TYPE_CHECKING:
    from patchbay.nodes.encoders.clip import ClipEncoder
    from patchbay.nodes.retrieval.vectors import Vector

BATCH = 32
"""Pictures between two looks at whether the run goes on."""


class PictureIndex(Node):
    """Make the pictures of a folder searchable by words, and keep that on disk.

    The vectors are of the pictures themselves; the text of each is its file's name in words, so
    that a search by words (BM25) finds names. Search it with *Retriever* and *Search*, and see what
    was found with *Found picture*. What was embedded once is not embedded again.
    """

    kind, version = "retrieval.picture_index", 1
    title, family, icon = "Picture index", "Retrieval", "picture"
    synonyms = ("image search", "photo search", "clip", "multimodal", "search pictures")
    requires = ("chromadb", "llama_index", "bm25s", "torch", "transformers", "PIL")

    class Params(NodeParams):
        path: str = Field("", max_length=4000, widget="folder")
        """A folder of pictures. A relative path starts at the folder of the flow."""
        pattern: str = Field("*", min_length=1, max_length=200)
        """Which pictures: *.png, or cats/*. Only * is special."""
        subfolders: bool = Field(True)
        """Whether folders inside the folder are looked into, too."""
        limit_mb: float = Field(20.0, gt=0, le=500)
        """The largest picture that is read, in megabytes (1,000,000 bytes)."""
        most_files: int = Field(2000, ge=1, le=1_000_000)
        """The most pictures that are read."""

    class Inputs(Ports):
        embeddings: ClipEmbeddings = port(doc="Sees the pictures, and later reads the query.")

    class Outputs(Ports):
        index: IndexSpec = port(doc="The description; a retriever opens it.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The folder."""
        return params.path

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Never: the folder is looked at anew, and only what is new is embedded."""
        return False

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        if not params.path.strip():
            raise NodeError(
                "No folder of pictures is named.",
                fix="Name one under path.",
                code="retrieval/no-such-folder",
                retry=False,
            )
        folder = _place(params.path, ctx.folder)
        found = await ctx.blocking(_documents, folder, params)
        async with ctx.use(inputs.embeddings, slot=False):
            pass  # fetched now, so that the index is named by the content of the weights
        key = await ctx.blocking(index_key, found, inputs.embeddings)
        spec = IndexSpec(key=key, chunks=len(found), embeddings=inputs.embeddings)
        with ExitStack() as stack:
            await ctx.blocking(stack.enter_context, store.lock(key, Waiting(ctx)))
            if store.facts(key) is None:
                await _make(spec, found, folder, params, ctx)
        return self.Outputs(index=spec)


def _place(path: str, start: Path | None) -> Path:
    folder = Path(path).expanduser()
    return folder if start is None else start / folder


def _documents(folder: Path, params: PictureIndex.Params) -> list[Document]:
    paths = find_pictures(folder, params.pattern, params.subfolders, params.most_files)
    limit = round(params.limit_mb * MEGABYTE)
    return [picture_document(path, folder, limit)[0] for path in paths]


async def _make(
    spec: IndexSpec,
    found: Sequence[Document],
    folder: Path,
    params: PictureIndex.Params,
    ctx: Context,
) -> None:
    assert spec.embeddings is not None  # noqa: S101 - the port requires it
    key = content_hash(spec.embeddings)
    known = VectorStore(key)
    async with ctx.use(spec.embeddings) as model:
        probe = (await ctx.blocking(embed, model, [PROBE]))[PROBE]
        names = [_name(document) for document in found]
        vectors: dict[str, Vector] = await ctx.blocking(known.get, [PROBE, *names])
        if PROBE in vectors and not alike(vectors[PROBE], probe):
            await ctx.blocking(known.clear)
            vectors = {}
        await ctx.blocking(known.put, {PROBE: probe})
        lacking = [document for document in found if _name(document) not in vectors]
        for start in range(0, len(lacking), BATCH):
            await ctx.progress("Looking at pictures", start, len(lacking))
            some = lacking[start : start + BATCH]
            fresh = await ctx.blocking(_seen, model, some, folder, params)
            await ctx.blocking(known.put, fresh)
            vectors |= fresh
    about: dict[str, Any] = {"embeddings": key, "dimensions": len(probe), "probe": probe.tolist()}
    rows = [vectors[name] for name in names]
    await ctx.progress("Writing the index", 0)
    await ctx.blocking(store.write, spec.key, found, rows, about, ctx.cancelled.is_set)


def _seen(
    model: ClipEncoder, some: Sequence[Document], folder: Path, params: PictureIndex.Params
) -> dict[str, Vector]:
    """The vectors of pictures, by the names under which they are kept."""
    limit = round(params.limit_mb * MEGABYTE)
    files = []
    for document in some:
        path = Path(str(document.metadata["path"]))
        now, data = picture_document(path, folder, limit)
        if now != document:
            raise NodeError(
                f"The picture {document.metadata['source']} was changed while the flow ran.",
                fix="Run the flow again.",
                code="io/file-changed",
            )
        files.append(data)
    try:
        rows = model.embed_pictures(files)
    except NodeError:
        _name_the_bad_one(some, files)
        raise
    vectors = checked(rows, len(files)).astype("float32")
    return {_name(document): row for document, row in zip(some, vectors, strict=True)}


def _name_the_bad_one(some: Sequence[Document], files: Sequence[bytes]) -> None:
    """Say which picture cannot be read."""
    from patchbay.nodes.models.picture_files import open_picture

    for document, data in zip(some, files, strict=True):
        try:
            open_picture(data)
        except NodeError as error:
            raise NodeError(
                f"{document.metadata['source']}: {error.message}",
                fix=f"{error.fix} Or leave it out by the pattern.",
                code=error.code,
                retry=False,
            ) from error


def _name(document: Document) -> str:
    """What the vector of a picture is kept under, beside those of texts."""
    return f"\0picture {document.metadata['sha256']}"
