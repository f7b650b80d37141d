"""Merge: the first wire that delivered."""

import pytest

from patchbay.nodes.logic.merge import Merge
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Document, Message


@pytest.mark.parametrize(
    ("carries", "value"),
    [
        ("text", "a"), ("number", 1.5), ("json", {"a": None}), ("any", [1]),
        ("documents", [Document(text="d")]), ("messages", [Message(role="user", content="m")]),
    ],
)  # fmt: skip
def test_the_way_that_was_taken(carries, value):
    ctx = RecordingContext()
    assert run_node(Merge, {"carries": carries}, {"values": [value]}, ctx) == {"value": value}
    assert ctx.warnings == []


def test_several_deliveries_are_told():
    ctx = RecordingContext()
    assert run_node(Merge, inputs={"values": ["a", "b"]}, ctx=ctx) == {"value": "a"}
    assert ctx.warnings == ["2 wires delivered a value; only the first is used."]


@pytest.mark.parametrize("carries", ["text", "number", "json", "messages", "documents", "any"])
def test_it_takes_many_wires_of_its_type(carries):
    port = Merge.input_ports(Merge.Params(carries=carries)).declared["values"]
    assert port.type.many
    assert port.type.ids == (carries,)
    assert port.required
