"""Facts are kept once, each in its scope."""

from __future__ import annotations

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.memory.remember import Remember
from patchbay.nodes.testing import RecordingContext, run_node
from tests.nodes.memory.colours import found, kept


def test_scopes_are_apart_and_a_fact_is_kept_once() -> None:
    ctx = RecordingContext()
    kept(ctx, None, "flow")
    kept(ctx, None, "flow")
    assert found(ctx, "sea", scope="thread") == []
    assert len(ctx.memory.facts("flow")) == 3


@pytest.mark.parametrize("text", ["", " \n\t", "x" * 20_001])
def test_a_fact_must_say_something_and_not_too_much(text: str) -> None:
    with pytest.raises(NodeError) as error:
        run_node(Remember, {}, {"text": text})
    assert error.value.code == "memory/fact"
