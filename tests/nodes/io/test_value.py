"""Value: what stands in the flow."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from patchbay.nodes.io.value import GivenValue
from patchbay.nodes.testing import run_node


@pytest.mark.parametrize(
    ("params", "given", "port"),
    [
        ({"value": "hello"}, "hello", "text"),
        ({"value": 3}, "3", "text"),
        ({"value": {"a": 1}}, '{\n  "a": 1\n}', "text"),
        ({"value": 3, "type": "number"}, 3, "number"),
        ({"value": {"a": [1]}, "type": "json"}, {"a": [1]}, "json"),
        ({"value": None, "type": "json"}, None, "json"),
    ],
)
def test_it_gives_what_stands_there(params, given, port):
    assert run_node(GivenValue, params)["value"] == given
    outputs = GivenValue.output_ports(GivenValue.Params.model_validate(params))
    assert str(outputs.declared["value"].type) == port


@pytest.mark.parametrize("value", ["three", True, None, [1]])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValidationError, match="must be a number"):
        GivenValue.Params.model_validate({"value": value, "type": "number"})
