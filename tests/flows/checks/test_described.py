"""Descriptions follow the wires before anything runs."""

from __future__ import annotations

from patchbay.flows.checks.described import describe_flow
from patchbay.flows.checks.resolve import resolve
from patchbay.nodes.contract import NodeError
from tests.flows.checks.rules_kit import CATALOG, Plain, flow, node


def described(*nodes, wires=()):
    return describe_flow(resolve(flow(list(nodes), *wires), CATALOG))


BIG = node("big", "plain", size="large")
SMALL = node("small", "plain")
LORA, MORE, TALK = node("lora", "adapt"), node("more", "adapt"), node("talk", "talk")


def test_a_chain_is_followed_to_who_uses_it():
    wires = ("small.model > lora.base", "lora.model > more.base", "more.model > talk.model")
    found = described(TALK, MORE, LORA, SMALL, wires=wires)
    assert list(found.outputs) == ["small", "lora", "more"]
    assert found.inputs["talk"] == {"model": Plain()}
    assert not found.errors


def test_what_does_not_go_together_is_kept_and_nothing_follows_from_it():
    found = described(BIG, LORA, MORE, wires=("big.model > lora.base", "lora.model > more.base"))
    assert isinstance(found.errors["lora"], NodeError)
    assert list(found.errors) == ["lora"], "what hangs on it is not blamed"


def test_nothing_is_said_about_what_is_not_wired_or_not_known():
    assert described(LORA).outputs == {}
    wires = ("m.model > lora.base",)  # a model of no known kind: it only comes about in a run
    assert described(node("m", "model"), LORA, wires=wires).outputs == {}


def test_a_disabled_node_describes_nothing():
    found = described(
        node("small", "plain", disabled=True), LORA, wires=("small.model > lora.base",)
    )
    assert found.outputs == {}


def test_a_cycle_of_describing_nodes_ends():
    found = described(LORA, MORE, wires=("lora.model > more.base", "more.model > lora.base"))
    assert found.outputs == {}
    assert found.errors == {}


def test_a_defect_in_a_node_is_its_error():
    class Odd(CATALOG.get("test.plain")):
        kind = "test.odd"

        @classmethod
        def describe(cls, params, inputs):
            raise ZeroDivisionError("oh")

    found = describe_flow(resolve(flow([node("o", "odd")]), CATALOG.extended([Odd])))
    assert isinstance(found.errors["o"], ZeroDivisionError)
