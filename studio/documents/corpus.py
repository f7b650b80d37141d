"""What *Load documents* reads: file by file, as it is cut into chunks, and as it is found.

Everything is done by the flow's own nodes, with their params, before any model runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from patchbay.flows.document.graph import links, onward
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.nodes.errors import NodeError
from patchbay.nodes.values import Document

if TYPE_CHECKING:
    from patchbay.flows.runs.environment import Environment
    from patchbay.flows.runs.events import NodeProgress
    from patchbay.flows.runs.running import LoadedFlow
    from patchbay.nodes.retrieval.load import LoadDocuments
    from patchbay.nodes.retrieval.split import SplitDocuments

LOAD, SPLIT, INDEX, RETRIEVER = (
    "retrieval.load", "retrieval.split", "retrieval.index", "retrieval.retriever",
)  # fmt: skip
KEPT = 256
"""Files whose documents are kept after they were read."""
FOUND = 5
"""Chunks that each strategy gives to a query."""
SearchWay = Literal["bm25", "similarity", "hybrid", "mmr"]
STRATEGIES: tuple[SearchWay, ...] = ("bm25", "similarity", "hybrid", "mmr")
"""Ways of finding, in the order in which they are shown; all but the first need embeddings."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The nodes of a flow that a loader's documents go through.

    Attributes:
        load: reads the files.
        split: cuts what they hold, where the flow does.
        embeddings: turns chunks into vectors, where the flow does.
    """

    load: NodeInstance
    split: NodeInstance | None = None
    embeddings: NodeInstance | None = None


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was read.

    Attributes:
        name: as documents call it.
        size: in bytes.
        documents: what it holds, page by page; empty where it cannot be read.
        problem: why it cannot be read, and what would help.
    """

    name: str
    size: int
    documents: tuple[Document, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TextStretch:
    """A stretch of a text, and the numbers of the chunks that hold it: none, one, or two."""

    text: str
    chunks: tuple[int, ...]


def loaders(flow: Flow) -> list[NodeInstance]:
    """The nodes of a flow that read documents."""
    return [node for node in flow.nodes if node.kind == LOAD]


def chain_of(flow: Flow, load: NodeInstance) -> Chain:
    """What comes after a loader, found along the wires."""
    nodes = flow.by_id()
    after = [nodes[node_id] for node_id in onward(links(flow), load.id)[1:]]
    split = next((node for node in after if node.kind == SPLIT), None)
    index = next((node for node in after if node.kind == INDEX), None)
    wired = (
        nodes[edge.source_node]
        for edge in flow.edges
        if index and edge.target == f"{index.id}.embeddings"
    )
    return Chain(load, split, next(wired, None))


def load_params(chain: Chain) -> LoadDocuments.Params:
    """Checked.

    Raises:
        ValidationError: they are not right yet.
    """
    from patchbay.nodes.retrieval.load import LoadDocuments

    return LoadDocuments.Params.model_validate(chain.load.params)


def split_params(chain: Chain) -> SplitDocuments.Params:
    """Those of the flow's splitter, or the defaults; checked likewise."""
    from patchbay.nodes.retrieval.split import SplitDocuments

    return SplitDocuments.Params.model_validate(chain.split.params if chain.split else {})


def names(params: LoadDocuments.Params, folder: Path | None) -> list[tuple[Path, str]]:
    """The files that are read, with what documents call them.

    Raises:
        NodeError: there is no such folder, or nothing in it that can be read.
    """
    from patchbay.nodes.retrieval.load import found_by

    return list(found_by(params, folder).files)


def stamps(files: Sequence[tuple[Path, str]]) -> list[tuple[str, int, int]]:
    """What tells whether files are as they were: name, time of the last change, size."""
    return [(name, *_stamp(path)) for path, name in files]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


def read(files: Sequence[tuple[Path, str]], params: LoadDocuments.Params) -> Iterator[FileState]:
    """Read files one after the other; those that are as they were read before, at once."""
    from patchbay.nodes.units import MEGABYTE

    for path, name in files:
        try:
            stat = path.stat()
        except OSError as error:
            yield FileState(name, 0, problem=error.strerror or str(error))
            continue
        limit = int(params.limit_mb * MEGABYTE)
        yield _read(path, name, stat.st_mtime_ns, stat.st_size, limit, params.delimiter)


@lru_cache(maxsize=KEPT)
def _read(path: Path, name: str, changed: int, size: int, limit: int, delimiter: Any) -> FileState:
    del changed  # a part of the key: a file that was changed is read anew
    from patchbay.nodes.io.files import read_bytes
    from patchbay.nodes.retrieval.readers import PLACE, ReadOptions, read_documents

    try:
        data = read_bytes(path, PLACE, limit)
        documents = read_documents(path, data, name, ReadOptions(delimiter, lambda: False))
    except NodeError as error:
        return FileState(name, size, problem=f"{error.message} {error.fix}".strip())
    return FileState(name, size, tuple(documents))


def chunks_of(state: FileState, params: SplitDocuments.Params) -> list[Document]:
    """The chunks of a file."""
    from patchbay.nodes.retrieval.split import split

    return split(list(state.documents), params, lambda: False)


def laid_over(document: Document, chunks: Sequence[Document]) -> list[TextStretch]:
    """A document's text in pieces, each with the chunks that hold it.

    A chunk is looked for after where the one before it began. What a splitter changed, so that it
    is not found letter by letter, is left out.
    """
    text, spans, start = document.text, [], 0
    for chunk in chunks:
        at = text.find(chunk.text, start)
        if at < 0:
            continue
        spans.append((at, at + len(chunk.text), int(str(chunk.metadata["chunk"]))))
        start = at + 1
    edges = sorted({0, len(text), *(at for span in spans for at in span[:2])})
    pieces = []
    for begin, end in itertools.pairwise(edges):
        inside = tuple(number for first, last, number in spans if first <= begin and end <= last)
        pieces.append(TextStretch(text[begin:end], inside))
    return pieces


async def search(
    flow: LoadedFlow,
    query: str,
    environment: Environment,
    hear: Callable[[NodeProgress], None],
) -> dict[str, Any]:
    """What a trial flow finds, by strategy. What was embedded before somebody left is kept.

    Args:
        flow: see `trial`.
        query: what to look for.
        environment: what the run goes in.
        hear: is told how far its nodes are.

    Raises:
        FlowError: the flow has errors.
        RunError: a node failed.
    """
    from patchbay.flows.problems import Problem
    from patchbay.flows.runs.api import stream
    from patchbay.flows.runs.events import NodeProgress, RunFailed, RunFinished
    from patchbay.flows.runs.failures import RunError

    async with aclosing(stream(flow, {"query": query}, environment=environment)) as events:
        async for event in events:
            if isinstance(event, NodeProgress):
                hear(event)
            elif isinstance(event, RunFailed):
                raise RunError(event.problem)
            elif isinstance(event, RunFinished):
                return {way: event.outputs[way] for way in STRATEGIES if way in event.outputs}
    raise RunError(Problem("run/cancelled", "The search was stopped."))


def trial(chain: Chain, embeddings: NodeInstance | None) -> Flow:
    """A flow that searches in what a loader reads: one output for each strategy that can be.

    Args:
        chain: the nodes that read and cut.
        embeddings: what turns texts into vectors; without it words alone are looked for.
    """
    split = chain.split or NodeInstance(id="split", kind=SPLIT)
    nodes = [
        NodeInstance(id="load", kind=LOAD, params=chain.load.params),
        NodeInstance(id="split", kind=SPLIT, params=split.params),
        NodeInstance(id="index", kind=INDEX),
        NodeInstance(id="query", kind="io.input", params={"name": "query"}),
    ]
    wires = [("load.documents", "split.documents"), ("split.chunks", "index.chunks")]
    if embeddings is not None:
        nodes.append(NodeInstance(id="embeddings", kind=embeddings.kind, params=embeddings.params))
        wires.append(("embeddings.embeddings", "index.embeddings"))
    for way in STRATEGIES if embeddings is not None else STRATEGIES[:1]:
        nodes += [
            NodeInstance(id=f"by_{way}", kind=RETRIEVER, params={"strategy": way, "k": FOUND}),
            NodeInstance(id=f"find_{way}", kind="retrieval.search"),
            NodeInstance(id=f"out_{way}", kind="io.output", params={"name": way}),
        ]
        wires += [
            ("index.index", f"by_{way}.index"),
            (f"by_{way}.retriever", f"find_{way}.retriever"),
            ("query.value", f"find_{way}.query"),
            (f"find_{way}.documents", f"out_{way}.value"),
        ]
    edges = tuple(Edge(source=source, target=target) for source, target in wires)
    return Flow(name="Try a query", nodes=tuple(nodes), edges=edges)
