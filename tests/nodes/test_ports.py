"""Ports: declared, and the same ones with types that a person chose."""

from __future__ import annotations

import pytest

from patchbay.nodes.contract import JsonValue, Ports, port
from patchbay.nodes.values import port_type


class Given(Ports):
    text: str = port(doc="What comes.")
    limit: float = port(3.0, doc="How much.", hidden=True)
    more: JsonValue | None = port(None, doc="What else.")


def test_ports_of_another_type_keep_all_else():
    ports = Given.retyped(text=JsonValue)
    assert list(ports.declared) == ["text", "limit", "more"]
    assert ports.declared["text"].type == port_type(JsonValue)
    assert (ports.declared["text"].doc, ports.declared["text"].required) == ("What comes.", True)
    assert ports.declared["limit"] == Given.declared["limit"]
    assert ports.declared["more"] == Given.declared["more"]
    assert ports(text=[1]).as_dict() == {"text": [1], "limit": 3.0, "more": None}


def test_a_port_that_may_be_missing_need_not_be_wired():
    assert not Given.retyped(text=str | None).declared["text"].required


def test_the_declared_ones_stay_and_the_same_types_give_the_same_ports():
    assert Given.retyped(text=JsonValue) is Given.retyped(text=JsonValue)
    assert Given.declared["text"].type == port_type(str)


def test_a_port_that_is_not_declared_cannot_have_another_type():
    with pytest.raises(KeyError, match="words"):
        Given.retyped(words=str)


def test_ports_that_params_bring_stand_after_the_declared_ones():
    ports = Given.plus({"who": (str, port(doc="Who.")), "text": str | None})
    assert list(ports.declared) == ["text", "limit", "more", "who"]
    assert ports.declared["limit"] is Given.declared["limit"]
    assert not ports.declared["text"].required  # the one that params bring counts
    assert ports(text="a", who="b").as_dict() == {
        "text": "a",
        "limit": 3.0,
        "more": None,
        "who": "b",
    }
    assert Given.plus({"who": str}) is Given.plus({"who": str})
    assert list(Given.plus({}).declared) == list(Given.declared)
