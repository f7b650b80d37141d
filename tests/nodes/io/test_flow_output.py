"""A flow output hands its value to the run."""

from patchbay.nodes.io.flow_output import FlowOutput
from patchbay.nodes.testing import run_node


def test_it_names_the_output_and_passes_the_value_on():
    assert FlowOutput.flow_output(FlowOutput.Params(name="summary")) == "summary"
    assert run_node(FlowOutput, inputs={"value": {"a": 1}}) == {"value": {"a": 1}}


def test_its_own_output_is_not_shown():
    assert FlowOutput.Outputs.declared["value"].hidden
