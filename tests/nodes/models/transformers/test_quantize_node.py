"""The Quantize node describes; the network is quantized when it is loaded."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse
from patchbay.nodes.models.transformers.precision import Quantization
from patchbay.nodes.models.transformers.quantize_node import QuantizeNode
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import ModelSpec, content_hash

BASE = TransformersModel()
FOUR = TransformersModel(quantization=Quantization())


@pytest.mark.parametrize(
    ("params", "how", "words"),
    [
        ({}, Quantization(), "NF4, double quantized"),
        ({"bits": "8"}, Quantization(bits=8), "int8"),
        (
            {"kind": "fp4", "double": False, "compute": "float32"},
            Quantization(kind="fp4", double=False, compute="float32"),
            "FP4",
        ),
    ],
)
def test_it_describes_the_same_model_in_fewer_bits(
    params: dict[str, Any], how: Quantization, words: str
) -> None:
    given = run_node(QuantizeNode, params, {"model": BASE})
    assert given["model"] == BASE.model_copy(update={"quantization": how})
    assert QuantizeNode.summary(QuantizeNode.Params(**params)) == words
    assert content_hash(given["model"]) != content_hash(BASE)


def test_four_bits_need_the_least_memory() -> None:
    sizes = [
        spec.memory() for spec in (FOUR, TransformersModel(quantization=Quantization(bits=8)), BASE)
    ]
    assert None not in sizes
    assert sizes == sorted(sizes, key=lambda size: size or 0)


@pytest.mark.parametrize(
    ("model", "code", "words"),
    [
        (GgufModel(), "adapter/backend", "chat model/gguf"),
        (FOUR, "quantize/twice", "quantized already"),
        (LoraModel(base=BASE, adapters=(LoraUse(weights="pirate"),)), "quantize/order", "Quantize"),
    ],
)
def test_what_cannot_be_quantized(model: ModelSpec, code: str, words: str) -> None:
    with pytest.raises(NodeError) as caught:
        QuantizeNode.describe(QuantizeNode.Params(), QuantizeNode.Inputs(model=model))
    assert caught.value.code == code
    assert words in caught.value.message + caught.value.fix
    assert caught.value.port == "model"
