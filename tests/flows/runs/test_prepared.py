"""A flow that is checked and planned once, on the real model."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from patchbay.flows import load
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.events import Event, NodeStreamed
from patchbay.flows.runs.prepared import PreparedFlow
from patchbay.nodes.models.llama.engine import LlamaEngine
from tests.paths import ROOT


async def test_who_hears_nothing_gets_the_same_in_fewer_pieces(monkeypatch: pytest.MonkeyPatch):
    seen: list[bool] = []
    real = LlamaEngine.chat

    def chat(
        self: LlamaEngine, request: dict[str, Any], emit: Callable[[Any], None],
        stop: threading.Event, gathered: bool = False,
    ) -> None:  # fmt: skip
        seen.append(gathered)
        real(self, request, emit, stop, gathered)

    monkeypatch.setattr(LlamaEngine, "chat", chat)
    ask = PreparedFlow(
        load(ROOT / "flows" / "saved" / "ask.json"), default_environment(use_cache=False)
    )
    told: list[Event] = []
    unheard, heard = await ask.run({}), await ask.run({}, told.append)
    assert seen == [True, False]
    assert unheard.outputs == heard.outputs
    assert unheard.tokens.completion == heard.tokens.completion
    pieces = [event.piece for event in told if isinstance(event, NodeStreamed)]
    assert "".join(pieces) == heard.outputs["answer"]
    assert len(pieces) > 2
