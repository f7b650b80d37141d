"""Loop: state from round to round, until a condition or the bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError, SubflowUse
from patchbay.nodes.logic.loop import Loop
from patchbay.nodes.testing import RecordingContext, run_node

COUNT = {"flow": "f", "state": {"n": "number"}}


async def count(given: Mapping[str, Any]) -> dict[str, Any]:
    """One more; `done` from 3 on, as behind a branch."""
    n = given["n"] + given.get("by", 1)
    return {"n": n, **({"done": "yes"} if n >= 3 else {})}


def looped(flow: Any = count, ctx: RecordingContext | None = None, **params: Any) -> dict[str, Any]:
    ctx = ctx or RecordingContext()
    ctx.flows = {"f": flow}
    given = {"n": 0} | ({"by": params.pop("by")} if "by" in params else {})
    return run_node(Loop, {**COUNT, **params}, given, ctx)


def test_it_goes_round_until_the_output_is_there():
    ctx = RecordingContext()
    assert looped(ctx=ctx) == {"n": 3, "rounds": 3}
    assert [(given, label) for _, given, label in ctx.calls] == [
        ({"n": 0}, "0"), ({"n": 1}, "1"), ({"n": 2}, "2"),
    ]  # fmt: skip
    assert ctx.progressed == [("rounds", 1, 10), ("rounds", 2, 10), ("rounds", 3, 10)]
    assert ctx.warnings == []
    assert ctx.come_about is not None
    assert ctx.come_about().as_dict() == {"n": 3, "rounds": 3}


def test_it_ends_where_a_comparison_holds():
    assert looped(until="n", test=">=", operand=5) == {"n": 5, "rounds": 5}


def test_a_pointer_looks_inside_what_is_looked_at():
    async def flow(given: Mapping[str, Any]) -> dict[str, Any]:
        return {"n": given["n"] + 1, "report": {"finished": given["n"] == 1}}

    params = {"until": "report", "pointer": "/finished", "test": "equals", "operand": True}
    assert looped(flow, **params) == {"n": 2, "rounds": 2}


def test_extra_inputs_stay_the_same():
    ctx = RecordingContext()
    assert looped(ctx=ctx, extra=["by"], by=2)["n"] == 4
    assert all(given["by"] == 2 for _, given, _ in ctx.calls)


def test_without_a_condition_it_goes_as_often_as_told():
    ctx = RecordingContext()
    assert looped(ctx=ctx, until="", most=5, keep_history=True) == {
        "n": 5, "rounds": 5, "history": [{"n": n} for n in (1, 2, 3, 4, 5)],
    }  # fmt: skip
    assert ctx.warnings == []


def test_what_a_round_leaves_out_keeps_its_value():
    async def flow(given: Mapping[str, Any]) -> dict[str, Any]:
        return {"n": given["n"] + 1} if given["n"] < 2 else {"done": "yes"}

    assert looped(flow) == {"n": 2, "rounds": 3}


def test_a_condition_that_never_held_is_a_warning_or_a_failure():
    ctx = RecordingContext()
    assert looped(ctx=ctx, most=2) == {"n": 2, "rounds": 2}
    assert ctx.warnings == [
        'After 2 rounds "done" still does not pass the test is not empty. The state of the last '
        "round is given."
    ]
    with pytest.raises(NodeError) as failure:
        looped(most=2, at_most="fail")
    assert failure.value.code == "loop/never-done"


def test_a_test_that_cannot_look_at_the_output_names_it():
    with pytest.raises(NodeError, match='"done": ">" looks at a number, but the value is text'):
        looped(test=">", operand=1)


def test_a_value_of_another_type_comes_to_light():
    async def flow(given: Mapping[str, Any]) -> dict[str, Any]:
        return {"n": "three", "done": "yes"}

    with pytest.raises(AssertionError, match="not what its port gives"):
        looped(flow)


def test_what_the_checks_are_told_of_the_flow():
    params = Loop.Params.model_validate({**COUNT, "extra": ["by"]})
    assert Loop.subflows(params) == (SubflowUse("f", ("n", "by"), ("n", "done")),)
    params = Loop.Params.model_validate({**COUNT, "until": "n", "test": ">", "operand": 3})
    assert Loop.subflows(params) == (SubflowUse("f", ("n",), ("n",)),)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"state": {"rounds": "number"}}, "an output of every loop"),
        ({"extra": ["history"]}, "an output of every loop"),
        ({"extra": ["text"]}, "need different names"),
        ({"state": {}}, "at least 1"),
        ({"test": ">", "operand": "x"}, "compares with a number"),
        ({"until": "a b"}, "not the name of an output"),
        ({"pointer": "x"}, "starts with /"),
        ({"most": 0}, "greater than or equal"),
        ({"flow": "../x"}, "not the name of a flow"),
    ],
)
def test_bad_settings_are_refused_in_words(params: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        Loop.Params.model_validate(params)
