"""Answers on a graphics card: nothing is left on the processor, and they are the same."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.models.transformers.adapter import LEADS, WEIGHTS, read_adapter
from patchbay.nodes.models.transformers.adapters import Adapters, merge
from patchbay.nodes.models.transformers.answer import Request
from patchbay.nodes.models.transformers.changing import changes_of
from patchbay.nodes.models.transformers.engine import HfEngine
from patchbay.nodes.models.transformers.sampling import SamplerOptions
from tests.card import CARD, card
from tests.nodes.models import tiny
from tests.nodes.models.transformers.variants import PROMPT, VARIANTS, base, write

HONOURED = [name for name, variant in VARIANTS.items() if not variant.refused]


def scores(network: Any, folder: Path) -> list[Any]:
    """With an adapter beside none, and with it in the weights."""
    import torch
    from safetensors.torch import load_file

    adapter = read_adapter(str(folder))
    assert adapter is not None
    assert adapter.kind not in LEADS
    adapters = Adapters(network)
    asked = torch.tensor([PROMPT] * 2, device=network.device)
    found = []
    with torch.no_grad():
        changes = changes_of(adapter, load_file(folder / WEIGHTS), 1.0, network)
        adapters.attach("it", changes)
        out, failed = adapters.forward(["it", None], input_ids=asked)
        assert not failed
        found.append(out.logits)
        adapters.detach("it")
        merge(network, changes)
        found.append(network(input_ids=asked).logits)
    return [one.cpu() for one in found]


@pytest.mark.parametrize("name", HONOURED)
def test_an_adapter_acts_as_on_the_processor(name: str, tmp_path: Path) -> None:
    folder = write(VARIANTS[name], tmp_path / "adapter")
    here = scores(base(VARIANTS[name]), folder)
    with card():
        there = scores(base(VARIANTS[name]).to(CARD), folder)
    for found, wanted in zip(there, here, strict=True):
        assert float((found - wanted).abs().max()) < 1e-4


@pytest.fixture
def on_card(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The thread that computes has it, too."""
    work = HfEngine._work

    def with_card(engine: HfEngine) -> None:
        with card():
            work(engine)

    monkeypatch.setattr(HfEngine, "_work", with_card)
    with card():
        yield


def answers(network: Any, folder: Path) -> list[str]:
    """Of several that are computed together, one drawn and one held to a schema among them."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny.folder_of(tiny.network(), folder))
    engine = HfEngine(network, tokenizer, context=64, parallel=4)
    sure, drawn = SamplerOptions(temperature=0), SamplerOptions(temperature=1, seed=4)
    schema = engine.grammars.for_schema({"type": "object", "maxProperties": 0})
    said: list[queue.SimpleQueue[Any]] = []
    for prompt, sampling, grammar in (
        (PROMPT, sure, None), (PROMPT[:3], drawn, None), (PROMPT * 2, sure, schema),
    ):  # fmt: skip
        said.append(queue.SimpleQueue())
        engine.submit(
            Request(
                prompt=prompt, put=said[-1].put, sampling=sampling, max_tokens=12, stops=(),
                grammar=grammar, adapter=None,
            )
        )  # fmt: skip
    found = []
    for waiting in said:
        pieces = []
        while isinstance(piece := waiting.get(timeout=60), str):
            pieces.append(piece)
        assert piece.error is None, piece.error
        found.append("".join(pieces))
    engine.close()
    return found


def test_answers_are_those_of_the_processor(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    here = answers(tiny.network(), tmp_path / "here")
    request.getfixturevalue("on_card")
    network = tiny.network().to(CARD)
    assert network.device.type == CARD
    assert answers(network, tmp_path / "there") == here
    assert all(here)
