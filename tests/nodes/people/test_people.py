"""What all nodes that ask people have in common."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.errors import Suspended
from patchbay.nodes.people.approve import Approve
from patchbay.nodes.people.choose import Choose
from patchbay.nodes.people.edit import Edit
from patchbay.nodes.people.form import FillForm
from patchbay.nodes.questions import question_of
from patchbay.nodes.testing import RecordingContext, run_node

NODES = (Approve, Choose, Edit, FillForm)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.kind)
def test_it_ends_its_task_where_nobody_has_answered(node: Any) -> None:
    ctx = RecordingContext()
    with pytest.raises(Suspended):
        run_node(node, {}, {"value": "x"}, ctx)
    (question,) = ctx.questions
    assert question.title == node.Params().question
    assert question_of(question.as_json()) == question, "it is the same after a pause"
    assert not question.has_default


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.kind)
def test_whom_and_until_when(node: Any) -> None:
    ctx = RecordingContext()
    with pytest.raises(Suspended):
        run_node(node, {"question": "Q?", "whom": "Ada", "within_hours": 2}, {"value": "x"}, ctx)
    (question,) = ctx.questions
    assert (question.title, question.whom, question.within_s) == ("Q?", "Ada", 7200)
    assert node.summary(node.Params(question="Q?", whom="Ada")) == "Ada: Q?"
    assert node.asks(node.Params())
