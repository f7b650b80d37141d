"""Variables on the Node tab: rows of a table, and back."""

from __future__ import annotations

from patchbay.flows.document.model import Flow, FlowVariable
from patchbay.studio.inspector.variables import rows_of, variables_of

VARIABLES = (
    FlowVariable(name="language", value="Danish", environments={"production": "German"}),
    FlowVariable(name="most", value=3),
    FlowVariable(name="code", value="42"),
    FlowVariable(name="shape", value={"a": [1, None]}),
)


def test_rows_are_one_for_each_value_and_read_back_the_same():
    rows = rows_of(Flow(variables=VARIABLES))
    assert rows[:3] == [
        {"name": "language", "environment": "", "value": "Danish"},
        {"name": "language", "environment": "production", "value": "German"},
        {"name": "most", "environment": "", "value": "3"},
    ]
    assert rows[3]["value"] == '"42"'  # a text that would read as a number
    assert variables_of(rows) == VARIABLES


def test_rows_that_are_begun_are_no_variables_yet():
    assert variables_of([{"name": None, "value": "x"}, {"name": " "}, {}]) == ()
    assert variables_of([{"name": "a"}]) == (FlowVariable(name="a", value=""),)
    assert variables_of(None) == ()
