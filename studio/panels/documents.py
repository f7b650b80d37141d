"""The documents of a flow: how each file was read and cut, and what a query finds in them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from pydantic import ValidationError

from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.problems import FlowError
from patchbay.flows.wording import plural
from patchbay.nodes.errors import NodeError
from patchbay.nodes.units import duration, pace, size_in_words
from patchbay.nodes.values import Document
from patchbay.studio.documents import corpus
from patchbay.studio.documents.corpus import Chain, FileState, TextStretch
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.plain_text import plain
from patchbay.studio.runs.progress import Pace
from patchbay.studio.server import session
from patchbay.studio.server.services import services
from patchbay.studio.views.documents import show_documents

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from patchbay.flows.runs.events import NodeProgress
    from patchbay.nodes.retrieval.load import LoadDocuments
    from patchbay.nodes.retrieval.split import SplitDocuments

Chunks = dict[str, list[Document]]
"""The chunks of each file, by its name."""

WAYS = {
    "bm25": "By words (BM25)",
    "similarity": "By meaning (similarity)",
    "hybrid": "Both (hybrid)",
    "mmr": "By meaning, each unlike the others (MMR)",
}
COLORS = ("blue", "green")
"""Chunks that follow each other; what two of them hold has another color."""
SHOWN_TEXT = 20_000
"""Characters of a document that are shown with its chunks."""
SHOWN_FAULTS = 5
READ = "documents-read"
"""Where a page keeps what was read last, and of what: each press in the dialog draws it anew."""
FOUND = "documents-found"
"""Where a page keeps what was found last: other widgets of the dialog draw it anew."""


@st.dialog("Documents", width="large")
def documents_dialog(document: FlowDocument, node_id: str) -> None:
    """Show what the loader of this id reads; the only one, or one to choose, where it is none."""
    chain = _chain(document.flow, node_id)
    if chain is None:
        st.markdown("**The flow reads no documents yet**")
        st.markdown("Drop some on the canvas, or add *Load documents*.")
        return
    try:
        params, cut = corpus.load_params(chain), corpus.split_params(chain)
    except ValidationError as error:
        st.error(f"The settings are not right yet: {plain(str(error.errors()[0]['msg']))}.")
        return
    if not params.path.strip():
        st.markdown("**No folder is named yet**")
        st.markdown("Name one in *Load documents*, or drop files on it.")
        return
    try:
        files = corpus.names(params, document.folder)
    except (NodeError, OSError) as error:
        fix = error.fix if isinstance(error, NodeError) else ""
        st.error(plain(f"{error} {fix}".strip()))
        return
    with st.container(gap="small"):  # one place, however much is said: the tabs below keep theirs
        states, chunks = _looked_through(files, params, cut)
        _summary(states, chunks, chain, cut)
    looked, tried = st.tabs(["Files", "Try a query"])
    with looked:
        _files(states, chunks)
    with tried:
        _try(document, chain)


def _chain(flow: Flow, node_id: str) -> Chain | None:
    """The loader that is meant, and what comes after it."""
    found = corpus.loaders(flow)
    if not found:
        return None
    ids = [node.id for node in found]
    if len(found) > 1 and node_id not in ids:
        node_id = st.selectbox(
            "Which documents", ids, key="documents-of",
            format_func=lambda one: _called(flow.by_id()[one]),
        )  # fmt: skip
    return corpus.chain_of(flow, next((one for one in found if one.id == node_id), found[0]))


def _called(node: NodeInstance) -> str:
    return f"{node.title or 'Load documents'}: {node.params.get('path', '')}"


def _looked_through(
    files: Sequence[tuple[Path, str]], params: LoadDocuments.Params, cut: SplitDocuments.Params
) -> tuple[list[FileState], Chunks]:
    """The files read and cut, once for all that is pressed in the dialog while they stay as they
    are."""
    stamp = (corpus.stamps(files), params.model_dump_json(), cut.model_dump_json())
    before, states, chunks = session.recall(READ, (None, [], {}))
    # Always there: what is drawn below keeps its place, and is not seen twice meanwhile.
    place = st.empty()
    if before != stamp:
        # What reads and cuts is imported with the first file, which takes some seconds once.
        with place.container(), st.spinner("Reading and cutting", show_time=True):
            states, chunks = _read_and_cut(files, params, cut, st.empty())
        place.empty()
        session.remember(READ, (stamp, states, chunks))
    return states, chunks


def _read_and_cut(
    files: Sequence[tuple[Path, str]],
    params: LoadDocuments.Params,
    cut: SplitDocuments.Params,
    bar: DeltaGenerator,
) -> tuple[list[FileState], Chunks]:
    """All of them, with a bar. What was read is kept, also where this is left early."""
    began = time.monotonic()
    states: list[FileState] = []
    chunks: Chunks = {}
    for number, state in enumerate(corpus.read(files, params), 1):
        states.append(state)
        chunks[state.name] = corpus.chunks_of(state, cut)
        spent = time.monotonic() - began
        if spent > 0.3:
            left = duration(spent / number * (len(files) - number))
            told = f"{number} of {len(files)}, {pace(number / spent)}, {left} left"
            bar.progress(number / len(files), f"{plain(state.name)}: {told}")
    return states, chunks


def _summary(
    states: Sequence[FileState],
    chunks: Chunks,
    chain: Chain,
    cut: SplitDocuments.Params,
) -> None:
    bad = [state for state in states if state.problem]
    count = sum(map(len, chunks.values()))
    how = f"{cut.by}, at most {cut.size} tokens, {cut.overlap} of them repeated"
    usual = "" if chain.split else " (as usual: the flow does not split them)"
    parts = [plural(len(states), "file"), f"{plural(count, 'chunk')} by {how}{usual}"]
    st.caption(plain(" · ".join(parts)))
    for state in bad[:SHOWN_FAULTS]:
        st.error(plain(state.problem))
    if len(bad) > SHOWN_FAULTS:
        st.caption(f"and {plural(len(bad) - SHOWN_FAULTS, 'file')} more that cannot be read.")


# --- the files ----------------------------------------------------------------------------------


def _files(states: Sequence[FileState], chunks: Chunks) -> None:
    ordered = sorted(states, key=lambda state: (not state.problem, state.name))
    rows = [
        {
            "file": state.name,
            "state": "failed" if state.problem else "read",
            "parts": len(state.documents),
            "chunks": len(chunks[state.name]),
            "size": size_in_words(state.size),
        }
        for state in ordered
    ]
    chosen = st.dataframe(
        rows, hide_index=True, key="documents-table", height=min(38 + 35 * len(rows), 260),
        on_select="rerun", selection_mode="single-row",
        column_config={
            "file": st.column_config.TextColumn("File", width="large"),
            "state": st.column_config.TextColumn("State"),
            "parts": st.column_config.NumberColumn("Parts", help="Pages of a PDF, rows of a CSV."),
            "chunks": st.column_config.NumberColumn("Chunks"),
            "size": st.column_config.TextColumn("Size"),
        },
    )  # fmt: skip
    picked = chosen.selection.rows if hasattr(chosen, "selection") else []
    usual = next((state for state in ordered if not state.problem), ordered[0])
    state = ordered[picked[0]] if picked and picked[0] < len(ordered) else usual
    st.markdown(f"**{plain(state.name)}**")
    if state.problem:
        st.error(plain(state.problem))
        return
    _text(state, chunks[state.name])


def _text(state: FileState, chunks: Sequence[Document]) -> None:
    """Its text, with the chunks laid over it."""
    documents = state.documents
    number = 1
    if len(documents) > 1:
        number = st.number_input(
            f"Part, of {len(documents)}", 1, len(documents), key=f"documents-part:{state.name}"
        )
    document = documents[int(number) - 1]
    mine = [
        chunk
        for chunk in chunks
        if all(chunk.metadata.get(name) == value for name, value in document.metadata.items())
    ]
    st.caption("A change of color is where a chunk ends; orange is in two of them.")
    with st.container(height=320, border=True, key="documents-text"):
        for line in _lines(corpus.laid_over(document, mine)):
            st.markdown(line)
    if len(document.text) > SHOWN_TEXT:
        st.caption(f"The first {SHOWN_TEXT:,} of {len(document.text):,} characters.")


def _lines(pieces: Sequence[TextStretch]) -> list[str]:
    """Paragraphs of Markdown: each piece in the color of its chunks, numbered where one begins."""
    lines, seen, left = [""], 0, SHOWN_TEXT
    for piece in pieces:
        color = "orange" if len(piece.chunks) > 1 else ""
        if len(piece.chunks) == 1:
            color = COLORS[piece.chunks[0] % len(COLORS)]
        for fresh in (number for number in piece.chunks if number > seen):
            seen = fresh
            lines[-1] += f" :gray-badge[{fresh}] "
        for nth, part in enumerate(piece.text[:left].split("\n")):
            if nth:
                lines.append("")
            if part.strip():
                lines[-1] += f":{color}-background[{plain(part)}]" if color else plain(part)
        left -= len(piece.text)
        if left <= 0:
            break
    return [line for line in lines if line.strip()]


# --- a query ------------------------------------------------------------------------------------


def _try(document: FlowDocument, chain: Chain) -> None:
    st.caption("What each way finds, with its scores. No model is asked.")
    embeddings = chain.embeddings
    if embeddings is None and st.toggle("Look for meaning, too", True, key="documents-meaning"):
        embeddings = NodeInstance(id="embeddings", kind="embeddings.local")
    with st.form("documents-query", border=False):
        query = st.text_input("Query", key="documents-words", placeholder="What to look for")
        asked = st.form_submit_button(
            "Search", icon=":material/search:", type="primary", key="documents-search"
        )
    if asked and not query.strip():
        st.caption("Type what to look for first.")
        return
    if asked:
        session.forget(FOUND)
        began = time.monotonic()
        with st.spinner("Searching. What is new is embedded first, once.", show_time=True):
            found = _found(document, chain, embeddings, query, st.empty())
        if found is None:
            return
        session.remember(FOUND, (document.id, query, found, time.monotonic() - began))
    of, words, found, seconds = session.recall(FOUND, ("", "", {}, 0.0))
    if of != document.id:
        return
    st.caption(f"{plain(words)} · {duration(seconds)}, the embedding of what was new included")
    for tab, way in zip(st.tabs([WAYS[way] for way in found]), found, strict=True):
        with tab:
            if found[way]:
                show_documents(found[way], f"documents-found:{way}")
            else:
                st.caption("Nothing is found.")


def _found(
    document: FlowDocument,
    chain: Chain,
    embeddings: NodeInstance | None,
    query: str,
    place: DeltaGenerator,
) -> dict[str, list[dict[str, object]]] | None:
    """What each strategy finds; None where that cannot be, which is told. A bar goes to `place`."""
    from patchbay.flows.runs.failures import RunError
    from patchbay.flows.runs.running import LoadedFlow

    loaded = LoadedFlow(corpus.trial(chain, embeddings), document.folder)
    environment = services().runner.environment(document.folder)
    so_far = Pace()

    def hear(event: NodeProgress) -> None:
        if event.total:
            place.progress(min(1.0, event.done / event.total), plain(so_far.words(event)))

    try:
        found = asyncio.run(corpus.search(loaded, query, environment, hear))
    except FlowError as error:
        st.error(plain(" ".join(f"{p.message} {p.fix}" for p in error.problems[:3])))
        return None
    except RunError as error:
        st.error(plain(f"{error.problem.message} {error.problem.fix}"))
        return None
    finally:
        place.empty()
    return {way: _stored(documents) for way, documents in found.items()}


def _stored(documents: Sequence[Document]) -> list[dict[str, object]]:
    return [document.model_dump(exclude_none=True) for document in documents]
