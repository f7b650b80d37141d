"""What a model thought before its answer: folded, unless the person wants all."""

from __future__ import annotations

import pytest

from patchbay.flows.checks.resolve import resolve
from patchbay.flows.cli.watch import Terminal
from patchbay.flows.runs.events import NodeStepped, Tokens
from tests.flows.runs.harness import CATALOG, OUT, flow


@pytest.mark.parametrize("verbose", [False, True])
def test_it_is_folded(verbose: bool, capsys: pytest.CaptureFixture[str]) -> None:
    asked = flow({"ask": ("test.text", {"text": "x"}), "o": OUT}, ["ask.text > o.value"])
    view = Terminal(resolve(asked, CATALOG), verbose=verbose)
    thought = NodeStepped(
        at=0, node="ask", what="thought", text="Hm.", seconds=2.5, tokens=Tokens(0, 40)
    )
    view.show(thought)
    said = capsys.readouterr().err
    assert said.startswith("ask: thought (2.5 s")
    assert "40" in said
    assert ("Hm." in said) == verbose
    assert ("--verbose shows it" in said) != verbose
