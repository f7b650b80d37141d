"""Equal to Python is not equal to JSON: 1 and true, 0 and false, 1 and 1.0, 0.0 and -0.0."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patchbay.flows.document.diff import changes
from patchbay.flows.document.edit import apply, inverse
from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.document.operations import Replace, SetParams
from patchbay.flows.document.patch import diff
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.runs.keys import node_key
from patchbay.nodes.contract import Node, NodeParams, Ports, port
from patchbay.nodes.data import content_hash, same_json

PAIRS: list[tuple[Any, Any]] = [
    (1, True), (0, False), (1, 1.0), (0.0, -0.0), (0, -0.0), (True, 1.0),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"b": 2, "a": 1}, {"$type": "json", "names": ["b", "a"], "value": {"a": 1, "b": 2}}),
]  # fmt: skip
"""The last: an object against how its order is written down for a key."""
SHAPES = {
    "bare": lambda value: value,
    "in a list": lambda value: ["a", [value]],
    "in an object": lambda value: {"a": {"b": value}},
}

pairs = pytest.mark.parametrize(("one", "other"), PAIRS)
shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def flow_with(value: Any) -> Flow:
    return Flow(nodes=(NodeInstance(id="n", kind="test.box", params={"x": value}),))


@pairs
@shapes
def test_undo_brings_back_the_old_value(one: Any, other: Any, shape: Any) -> None:
    before = flow_with(shape(one))
    op = SetParams(node="n", params={"x": shape(other)})
    after = apply(before, op)
    again = apply(after, inverse(before, op))
    assert canonical_text(again) == canonical_text(before) != canonical_text(after)
    assert json.dumps(again.nodes[0].params) == json.dumps(before.nodes[0].params)


@pairs
@shapes
def test_the_change_is_seen(one: Any, other: Any, shape: Any) -> None:
    before, after = flow_with(shape(one)), flow_with(shape(other))
    assert before != after
    assert before.nodes[0] != after.nodes[0]
    assert diff(before, after).nodes
    assert changes(before, after) == ['`x` of "n" changed.']
    assert inverse(before, Replace(flow=after)).nodes


@pairs
@shapes
def test_results_are_kept_apart(one: Any, other: Any, shape: Any) -> None:
    class Takes(Node):
        """Takes a value."""

        kind = "test.takes"

        class Params(NodeParams):
            x: Any = None

        class Inputs(Ports):
            x: Any

        async def run(self, inputs: Any, params: Any, ctx: Any) -> Any:
            return self.Outputs()

    a, b = shape(one), shape(other)
    assert content_hash(a) != content_hash(b)
    keys = {
        node_key(Takes, Takes.Params(x=param), Takes.Inputs(x=value), {"given": extra})
        for param in (a, b)
        for value in (a, b)
        for extra in (a, b)
    }
    assert len(keys) == 8


@pairs
def test_defaults_of_ports_are_kept_apart(one: Any, other: Any) -> None:
    first, second = (Ports.of({"x": (Any, port(value))})().as_dict()["x"] for value in (one, other))
    assert same_json(first, one)
    assert same_json(second, other)


def test_a_param_that_is_null_is_not_one_that_is_absent() -> None:
    absent = Flow(nodes=(NodeInstance(id="n", kind="test.box"),))
    assert changes(absent, flow_with(None)) == ['`x` of "n" changed.']


def test_params_are_saved_by_name_so_their_order_is_none() -> None:
    one = NodeInstance(id="n", kind="test.box", params={"a": 1, "b": 2})
    two = NodeInstance(id="n", kind="test.box", params={"b": 2, "a": 1})
    assert one == two


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "a", [1, [2]], {"a": {"b": [None]}}])
def test_what_is_the_same_is_equal(value: Any) -> None:
    copy = json.loads(json.dumps(value))
    assert same_json(value, copy)
    assert flow_with(value) == flow_with(copy)
    assert changes(flow_with(value), flow_with(copy)) == []
