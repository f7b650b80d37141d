"""What a quantized model takes of memory: estimated from its header, and measured."""

from __future__ import annotations

import pytest

from patchbay.nodes.models.llama.chat import ChatLlama
from patchbay.nodes.models.llama.memory import footprint, lighter
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.weights.gguf_header import Header
from tests.nodes.models.resident import resident

LIBRARIES = ("xllamacpp", "patchbay.nodes.models.llama.chat")
BIG = Header("llama", 8192, 100_000, width=4096, vocabulary=100_000, parameters=8 * 10**9)
GB = 10**9


@pytest.mark.parametrize(
    ("spec", "prompt"),
    [
        (GgufModel(context=512, parallel=1), "Hello " * 400),
        (GgufModel(context=4096, parallel=4), ""),  # the cache is all taken when it is opened
    ],
    ids=["mostly weights", "mostly cache"],
)
def test_the_estimate_is_within_15_percent_of_what_is_taken(
    llama: ChatLlama, spec: GgufModel, prompt: str
) -> None:
    estimated = spec.memory()
    assert estimated is not None
    assert estimated == pytest.approx(resident(spec, prompt, LIBRARIES), rel=0.15)


def test_the_parts_of_a_footprint() -> None:
    found = footprint(5 * GB, BIG, context=4000, parallel=2, adapters=10**7)
    assert found.weights == 5 * GB
    assert found.cache == 100_000 * 4096 * 2, "in blocks of 256 tokens"
    assert found.total == sum(found)
    more = footprint(5 * GB, BIG, context=100_000, parallel=2, adapters=0)
    assert more.cache == 100_000 * 8192 * 2, "no more than the model can use"


def test_what_would_be_lighter() -> None:
    assert list(lighter(8 * GB, BIG, 4096, 4, GB)) == [
        "1 parallel request instead of 4",
        "a context of 1,536 tokens instead of 4,096",
        "weights in Q6_K (about 6.6 bits each)",
    ]
    assert list(lighter(8 * GB, BIG, 4096, 4, 7 * GB)) == []
