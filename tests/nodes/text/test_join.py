"""Joining: wires in order, lists and documents item by item."""

import pytest

from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.text.join import JoinTexts
from patchbay.nodes.values import Document


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["a", "b"], "a|b"),
        ([3.0, {"k": 1}], '3|{\n  "k": 1\n}'),
        ([[Document(text="a"), Document(text="b")], "c"], "a|b|c"),
        ([["x", 1, True]], "x|1|true"),
        (["", "b"], "|b"),
        ([[]], ""),
    ],
)
def test_joining(values, text):
    assert run_node(JoinTexts, {"separator": "|"}, {"texts": values}) == {"text": text}


def test_missing_items_are_left_out_with_a_warning():
    ctx = RecordingContext()
    out = run_node(JoinTexts, {"separator": "|"}, {"texts": [["a", None, "c"]]}, ctx)
    assert out == {"text": "a|c"}
    assert ctx.warnings == ["1 of 3 items are missing and were left out."]


def test_it_takes_many_wires_of_what_can_be_written_out():
    port = JoinTexts.Inputs.declared["texts"]
    assert port.type.many
    assert {"text", "number", "json", "documents", "messages"} <= set(port.type.ids)
