"""What was typed for a run: by flow and browser, the oldest forgotten."""

from __future__ import annotations

from patchbay.studio.runs.run_forms import RunForms


def test_a_form_belongs_to_a_flow_and_a_browser():
    forms = RunForms()
    forms.of("flow", "ada").values["text"] = "Hi"
    forms.of("flow", "ada").environment = "test"
    assert forms.of("flow", "ada").values == {"text": "Hi"}
    assert forms.of("flow", "ada").environment == "test"
    assert forms.of("flow", "bob").values == forms.of("other", "ada").values == {}
    assert forms.of("flow", "bob").environment is None


def test_the_form_that_was_used_longest_ago_goes_first():
    forms = RunForms(kept=2)
    for flow in ("a", "b", "a", "c"):
        forms.of(flow, "ada").values[flow] = flow
    assert forms.of("a", "ada").values == {"a": "a"}
    assert forms.of("b", "ada").values == {}
