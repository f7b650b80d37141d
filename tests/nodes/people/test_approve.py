"""The node *Approve*: what it asks, what it gives, what it refuses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from patchbay.nodes.errors import Suspended
from patchbay.nodes.people.approve import Approve
from patchbay.nodes.questions import Reply
from patchbay.nodes.testing import RecordingContext, run_node


@pytest.mark.parametrize("within", [0, -1, 1e9])
def test_a_deadline_that_is_none(within: float) -> None:
    with pytest.raises(ValidationError):
        Approve.Params(within_hours=within)


@pytest.mark.parametrize(("said", "way"), [(True, "approved"), (False, "rejected")])
def test_approve_sends_the_value_one_way(said: bool, way: str) -> None:
    ctx = RecordingContext(answers=[Reply(said, "ada", 0, "because")])
    assert run_node(Approve, {}, {"value": "mail"}, ctx) == {way: "mail", "comment": "because"}
    assert ctx.questions[0].value == "mail"


@pytest.mark.parametrize(("late", "default"), [("approve", True), ("reject", False)])
def test_approve_when_it_is_late(late: str, default: bool) -> None:
    ctx = RecordingContext()
    with pytest.raises(Suspended):
        run_node(Approve, {"when_late": late, "within_hours": 1}, {"value": "x"}, ctx)
    assert ctx.questions[0].default is default


def test_approve_carries_json() -> None:
    ctx = RecordingContext(answers=[True])
    outputs = run_node(Approve, {"carries": "json"}, {"value": [1, None]}, ctx)
    assert outputs["approved"] == [1, None]
