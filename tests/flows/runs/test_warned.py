"""What a person should know of a run reaches a Python program as well."""

from __future__ import annotations

import pytest

from patchbay.flows import run
from patchbay.flows.runs.warned import RunWarning
from tests.flows.runs.harness import OUT, environment, flow
from tests.flows.runs.nodes import Fail


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Fail.seen.clear()


def test_tries_failures_and_their_reasons_are_in_the_result() -> None:
    document = flow(
        {
            "t": ("test.text", {"text": "x"}),
            "f": ("test.fail", {}, {"on_error": "continue", "retries": 1, "backoff_s": 0}),
            "g": ("test.fail", {"name": "g", "times": 1}, {"retries": 1, "backoff_s": 0}),
            "p": ("io.output", {"name": "p"}),
            "o": OUT,
        },
        ["t.text > o.value", "g.text > p.value"],
    )
    result = run(document, environment=environment())
    assert result.failed == ("f",)
    assert set(result.warnings) == {
        RunWarning("f", "no luck 1 Trying again in 0 s."),
        RunWarning("g", "no luck 1 Trying again in 0 s."),
        RunWarning("f", "It failed, and the run went on as it was told to: no luck 2"),
    }


def test_a_quiet_run_has_none() -> None:
    document = flow({"t": ("test.text", {"text": "x"}), "o": OUT}, ["t.text > o.value"])
    assert run(document, environment=environment()).warnings == ()
