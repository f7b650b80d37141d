"""The node that describes a quantized model, and the description."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.ask import AskModel
from patchbay.nodes.models.llama.chat import ChatLlama
from patchbay.nodes.models.llama.node import QuantizedModel
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.values import compatible, content_hash
from patchbay.nodes.weights.gguf_header import read_header
from patchbay.nodes.weights.manifest import DEFAULT, NAMED
from patchbay.nodes.weights.resolve import find
from tests.nodes.models.conftest import SharedContext


async def test_the_quantized_model_is_only_described(ctx: SharedContext) -> None:
    params = QuantizedModel.Params(context=2048, temperature=0)
    out = await QuantizedModel().run(QuantizedModel.Inputs(), params, ctx)
    assert out.model == GgufModel(context=2048, temperature=0)
    assert QuantizedModel.summary(params) == "smollm2-135m-instruct · 2,048 tokens · 326 MB"
    given = QuantizedModel.Outputs.declared["model"].type
    assert compatible(given, AskModel.Inputs.declared["model"].type)


def test_params_and_description_have_the_same_fields_defaults_and_bounds() -> None:
    assert set(QuantizedModel.Params.model_fields) == set(GgufModel.model_fields)
    assert GgufModel(**QuantizedModel.Params().model_dump()) == GgufModel()


def test_sampling_does_not_open_a_second_model() -> None:
    hot, cold = GgufModel(temperature=1.5, seed=3), GgufModel(temperature=0, max_tokens=9)
    assert hot.resource() == cold.resource()
    assert content_hash(hot) != content_hash(cold)
    assert GgufModel(context=512).resource() != GgufModel().resource()


def test_the_call_wins_over_the_description() -> None:
    spec = GgufModel(temperature=0.9, seed=1, top_p=0.5, max_tokens=None)
    assert spec.call_options(temperature=0, stop=["x"]) == {
        "temperature": 0, "seed": 1, "top_p": 0.5, "stop": ["x"],
    }  # fmt: skip


def test_facts_are_known_before_the_weights_are_here(folder: Path) -> None:
    facts = QuantizedModel.facts(QuantizedModel.Params(context=1000, parallel=2))
    assert facts["file"] == "98.4 MB, not fetched yet"
    assert facts["precision"] == "Q4_1, 5.85 bits per weight"
    assert facts["parameters"] == "134.5 million in 30 layers"
    assert facts["context"] == "1,024 tokens of 8,192"
    assert facts["memory"] == "185 MB: weights 98.4 MB, cache 47.2 MB, working 39.1 MB"
    other = QuantizedModel.Params(weights="hf:a/b/c.gguf")
    assert list(QuantizedModel.facts(other)) == ["file"]
    assert QuantizedModel.summary(other) == "c.gguf · 4,096 tokens"


def test_what_is_known_of_named_weights_is_what_the_file_says(llama: ChatLlama) -> None:
    path = find(DEFAULT)
    assert path is not None
    header = read_header(path)
    assert header is not None
    known = NAMED[DEFAULT].header
    assert replace(header, name="", shapes=None) == replace(known, name="")
    assert header.shapes is not None
    assert header.shapes["token_embd.weight"] == (576, 49152)


def test_more_sampling_travels_with_the_call() -> None:
    options = GgufModel(top_k=5, min_p=0.1).call_options()
    assert (options["top_k"], options["min_p"]) == (5, 0.1)
    assert GgufModel(top_k=5, min_p=0.1).resource() == GgufModel().resource()


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        ("nonesuch", "weights/unknown"),
        ("SmolLM2-135M-Instruct", "weights/unknown"),
        ("hf:../x", "weights/reference"),
        ("ollama:../x", "weights/reference"),
    ],
)
def test_what_is_no_reference_is_refused_when_checked(weights: str, code: str) -> None:
    with pytest.raises(NodeError) as caught:
        QuantizedModel.describe(QuantizedModel.Params(weights=weights), QuantizedModel.Inputs())
    assert caught.value.code == code
