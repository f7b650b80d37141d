"""The node that describes a quantized model, and the description."""

from __future__ import annotations

from nodes.models.ask import AskModel
from nodes.models.gguf import GgufModel
from nodes.models.gguf_node import QuantizedModel
from nodes.values import compatible, content_hash
from tests.nodes.models.conftest import SharedContext


async def test_the_quantized_model_is_only_described(ctx: SharedContext) -> None:
    params = QuantizedModel.Params(context=2048, temperature=0)
    out = await QuantizedModel().run(QuantizedModel.Inputs(), params, ctx)
    assert out.model == GgufModel(context=2048, temperature=0)
    assert QuantizedModel.summary(params) == "smollm2-135m-instruct · 2,048 tokens"
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
