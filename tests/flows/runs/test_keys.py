"""What a node's result depends on."""

from __future__ import annotations

from patchbay.flows.runs.keys import node_key
from patchbay.nodes.retrieval.split import SplitDocuments
from patchbay.nodes.values import Document


def test_a_result_of_another_edition_is_another_result() -> None:
    class Older(SplitDocuments):
        edition = SplitDocuments.edition - 1

    params = SplitDocuments.Params()
    inputs = SplitDocuments.Inputs(documents=[Document(text="x")])
    assert node_key(Older, params, inputs) != node_key(SplitDocuments, params, inputs)
