"""Run a flow: its inputs and outputs are the ports."""

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import SubflowUse
from patchbay.nodes.logic.run_flow import RunFlow
from patchbay.nodes.testing import RecordingContext, run_node

PARAMS = {
    "flow": "sum",
    "inputs": {"a": "number", "b": "number"},
    "outputs": {"total": "number", "note": "text"},
}


async def add(inputs):
    return {"total": inputs["a"] + inputs["b"], "more": "not asked for"}


def test_values_go_in_and_come_back():
    ctx = RecordingContext(flows={"sum": add})
    assert run_node(RunFlow, PARAMS, {"a": 1, "b": 2}, ctx) == {"total": 3}
    assert ctx.calls == [("sum", {"a": 1, "b": 2}, "")]


def test_the_ports_are_those_of_the_params():
    params = RunFlow.Params(**PARAMS)
    inputs, outputs = RunFlow.input_ports(params).declared, RunFlow.output_ports(params).declared
    assert [(p.name, p.type.ids, p.required) for p in inputs.values()] == [
        ("a", ("number",), True), ("b", ("number",), True),
    ]  # fmt: skip
    assert [(p.name, p.type.ids) for p in outputs.values()] == [
        ("total", ("number",)), ("note", ("text",)),
    ]  # fmt: skip
    assert RunFlow.subflows(params) == (SubflowUse("sum", ("a", "b"), ("total", "note")),)


@pytest.mark.parametrize(
    "params",
    [
        {"outputs": {}},
        {"inputs": {"not a name": "text"}},
        {"inputs": {"a": "chat model"}},
        {"flow": "/etc/passwd"},
    ],
)
def test_bad_params(params):
    with pytest.raises(ValidationError):
        RunFlow.Params(**params)
