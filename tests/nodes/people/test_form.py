"""The node *Form*: what it asks, what it gives, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.people.form import FillForm
from patchbay.nodes.testing import RecordingContext, run_node

FIELDS = [
    {"name": "team", "type": "choice", "choices": "billing, support"},
    {"name": "urgent", "type": "yes or no"},
    {"name": "note", "required": False},
]


def test_form() -> None:
    filled = {"team": "support", "urgent": True, "note": None}
    ctx = RecordingContext(answers=[filled])
    assert run_node(FillForm, {"fields": FIELDS}, {"value": "a mail"}, ctx) == {"json": filled}
    assert ctx.questions[0].value == "a mail"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"team": "sales", "urgent": True, "note": None}, "\"team\": 'sales' is not one of"),
        ({"team": "support", "urgent": "yes", "note": None}, "\"urgent\": 'yes' is not of type"),
        ({"urgent": True}, "'team' is a required property"),
        ({"team": "support", "urgent": True, "more": 1}, "'more' was unexpected"),
        ([], "a JSON object"),
        (None, "a JSON object"),
    ],
)
def test_forms_that_do_not_fit(answer: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        run_node(FillForm, {"fields": FIELDS}, {}, RecordingContext(answers=[answer]))


@pytest.mark.parametrize("late", [{"team": "sales", "urgent": True}, [], "x", {"urgent": 1}])
def test_a_late_form_that_does_not_fit(late: Any) -> None:
    with pytest.raises(ValidationError, match="when_late does not fit"):
        FillForm.Params(fields=FIELDS, when_late=late)


def test_a_form_needs_fields() -> None:
    with pytest.raises(ValidationError, match="at least one field"):
        FillForm.Params(fields=[])
