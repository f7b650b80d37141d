"""What a loader reads, file by file, as it is cut, and as it is found."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.document.graph import links, onward
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.document.reading import read_flow
from patchbay.flows.problems import errors
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.events import NodeProgress
from patchbay.flows.runs.running import LoadedFlow
from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.errors import NodeError
from patchbay.nodes.values import Document
from patchbay.studio.documents import corpus
from patchbay.studio.documents.corpus import Chain, TextStretch, chain_of, laid_over, loaders, trial

SAVED = Path(__file__).parents[2] / "flows" / "saved" / "ask_folder.json"


def reads(path: Path | str, **params: object) -> Chain:
    return Chain(NodeInstance(id="load", kind=corpus.LOAD, params={"path": str(path), **params}))


def states(chain: Chain, folder: Path | None = None) -> list[corpus.FileState]:
    params = corpus.load_params(chain)
    return list(corpus.read(corpus.names(params, folder), params))


def test_the_chain_of_a_saved_flow_is_found_along_its_wires() -> None:
    flow = read_flow(SAVED)
    chain = chain_of(flow, loaders(flow)[0])
    assert chain.split is not None
    assert chain.split.params["by"] == "headings"
    assert chain.embeddings is not None
    assert chain.embeddings.kind == "embeddings.local"


def test_of_two_loaders_each_has_what_comes_after_it() -> None:
    flow = Flow(
        nodes=(
            NodeInstance(id="a", kind=corpus.LOAD),
            NodeInstance(id="b", kind=corpus.LOAD),
            NodeInstance(id="cut", kind=corpus.SPLIT, params={"size": 50}),
        ),
        edges=(Edge(source="b.documents", target="cut.documents"),),
    )
    first, second = loaders(flow)
    assert chain_of(flow, first).split is None
    assert chain_of(flow, second).split == flow.by_id()["cut"]


def test_along_a_loop_of_wires_each_node_is_come_to_once() -> None:
    ring = [NodeInstance(id=one, kind=corpus.LOAD) for one in "abc"]
    edges = [Edge(source=f"{a}.documents", target=f"{b}.files") for a, b in ("ab", "bc", "ca")]
    joined = links(Flow(nodes=tuple(ring), edges=tuple(edges)))
    assert onward(joined, "b") == ["b", "c", "a"]
    assert onward(joined, "nobody") == []


def test_a_file_that_cannot_be_read_stands_beside_those_that_can(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Ada")
    (tmp_path / "b.pdf").write_bytes(b"no pdf")
    (tmp_path / "c.txt").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "d.csv").write_text("name,year\nAda,1815\nGrace,1906\n")
    found = {state.name: state for state in states(reads("."), tmp_path)}
    assert [name for name, state in found.items() if state.problem] == ["b.pdf", "c.txt"]
    assert "b.pdf" in found["b.pdf"].problem
    assert len(found["d.csv"].documents) == 2
    assert found["a.md"].size == 5


def test_a_file_that_was_changed_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("one")
    assert states(reads(file))[0].documents[0].text == "one"
    file.write_text("two")
    os.utime(file, ns=(1, 1))
    assert states(reads(file))[0].documents[0].text == "two"
    file.unlink()
    with pytest.raises(NodeError, match="no file or folder"):
        states(reads(file))


@pytest.mark.parametrize("by", ["sentences", "tokens", "recursive", "headings"])
@pytest.mark.parametrize("overlap", [0, 8])
def test_pieces_laid_one_after_the_other_are_the_text(by: str, overlap: int) -> None:
    text = "# One\n\n" + " ".join(f"Sentence {n} says something." for n in range(60))
    state = corpus.FileState("a.md", 1, (Document(text=text, metadata={"source": "a.md"}),))
    cut = NodeInstance(
        id="cut", kind=corpus.SPLIT, params={"by": by, "size": 40, "overlap": overlap}
    )
    chunks = corpus.chunks_of(state, corpus.split_params(Chain(cut, split=cut)))
    pieces = laid_over(state.documents[0], chunks)
    assert "".join(piece.text for piece in pieces) == text
    assert {number for piece in pieces for number in piece.chunks} == set(range(1, len(chunks) + 1))
    doubled = [piece for piece in pieces if len(piece.chunks) > 1]
    assert bool(doubled) == (overlap > 0 and by != "headings") or by == "headings"


def test_the_same_words_twice_are_each_their_own_chunk() -> None:
    chunks = [Document(text="la la", metadata={"chunk": n}) for n in (1, 2)]
    assert laid_over(Document(text="la la. la la"), chunks) == [
        TextStretch("la la", (1,)), TextStretch(". ", ()), TextStretch("la la", (2,)),
    ]  # fmt: skip


def test_a_query_is_tried_by_the_flows_own_nodes_which_tell_how_far_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kept in ("PATCHBAY_HOME", "PATCHBAY_CACHE"):  # nothing is embedded nor indexed yet
        monkeypatch.setenv(kept, str(tmp_path / kept))
    flow = read_flow(SAVED)
    chain = chain_of(flow, loaders(flow)[0])
    for embeddings, ways in ((None, ("bm25",)), (chain.embeddings, corpus.STRATEGIES)):
        made = trial(chain, embeddings)
        assert not list(errors(validate(made, load_catalog(), SAVED.parent)))
        heard: list[NodeProgress] = []
        environment = default_environment(folder=SAVED.parent)
        loaded, query = LoadedFlow(made, SAVED.parent), "Which wood must never be burned?"
        outputs = asyncio.run(corpus.search(loaded, query, environment, heard.append))
        assert tuple(outputs) == ways
        assert any(event.label == "Embedding" and event.total for event in heard) == bool(
            embeddings
        )
        for found in outputs.values():
            assert found[0].metadata["source"] == "oven.md"
            assert found[0].score is not None
