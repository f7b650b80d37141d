"""The LoRA node: what it describes, and every way in which adapter and base do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.transformers.adapter import SHIPPED, read_adapter, shipped
from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse
from patchbay.nodes.models.transformers.lora_node import LoraNode
from patchbay.nodes.models.transformers.precision import Quantization
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import ModelSpec, content_hash, decode, encode
from tests.nodes import loop_watch
from tests.nodes.models.transformers.files import SHAPES, adapter_like, folder_like

BASE = TransformersModel()


def described(model: ModelSpec, **params: Any) -> LoraModel:
    given = LoraNode.describe(LoraNode.Params(**params), LoraNode.Inputs(model=model))
    made: LoraModel = given.model
    return made


def misfit(model: ModelSpec, **params: Any) -> NodeError:
    with pytest.raises(NodeError) as caught:
        described(model, **params)
    assert caught.value.fix
    assert not caught.value.retry
    return caught.value


@pytest.fixture
def tiny(tmp_path: Path) -> TransformersModel:
    return TransformersModel(weights=str(folder_like(tmp_path / "tiny")))


def test_it_describes_the_adapted_model() -> None:
    given = run_node(LoraNode, {"adapter": "pirate"}, {"model": BASE})
    model = given["model"]
    assert model == LoraModel(base=BASE, adapters=(LoraUse(weights="pirate"),))
    assert model.parts() == (BASE,)
    assert model.queue() == BASE
    assert decode(encode(model), {c.tag(): c for c in (TransformersModel, LoraModel)}) == model


async def test_the_files_of_an_adapter_are_read_off_the_loop(
    tiny: TransformersModel, tmp_path: Path
) -> None:
    loop_watch.watch()
    folder = adapter_like(tmp_path / "adapter")
    params = LoraNode.Params(adapter=str(folder))
    loop_watch.found.clear()
    given = await LoraNode().run(LoraNode.Inputs(model=tiny), params, RecordingContext())
    assert given["model"].adapters == (LoraUse(weights=str(folder)),)
    loop_watch.check()


def test_a_chain_is_one_model_with_several_adapters() -> None:
    one = described(BASE, adapter="pirate")
    two = described(one, adapter="sentiment", scale=0.5)
    assert [(a.weights, a.scale) for a in two.adapters] == [("pirate", 1.0), ("sentiment", 0.5)]
    assert two.base == BASE


def test_merging_makes_a_base_of_its_own() -> None:
    merged = described(BASE, adapter="pirate", merge=True)
    assert merged.parts() == ()
    assert merged.queue() == merged
    on_top = described(merged, adapter="sentiment")
    assert on_top.base == merged
    assert on_top.parts() == (merged,)
    assert on_top.queue() == merged


def test_an_adapter_needs_little_memory() -> None:
    one, base = described(BASE, adapter="pirate").memory(), BASE.memory()
    assert one is not None
    assert 0 < one < 2_000_000
    assert described(BASE, adapter="pirate", merge=True).memory() == base


def test_its_sampling_is_that_of_the_base() -> None:
    model = described(TransformersModel(temperature=0, seed=3), adapter="pirate")
    assert model.call_options()["seed"] == 3
    assert model.resource() == described(BASE, adapter="pirate").resource()


def test_the_ones_that_ship_are_small_and_name_no_place() -> None:
    assert shipped() == ["pirate", "sentiment"]
    for name in shipped():
        files = list((SHIPPED / name).iterdir())
        assert sum(path.stat().st_size for path in files) < 1_000_000
        config = json.loads((SHIPPED / name / "adapter_config.json").read_text("utf-8"))
        assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
        facts = LoraNode.facts(LoraNode.Params(adapter=name))
        assert facts["Rank"] == "4"
        assert "q_proj, v_proj" in facts["Layers"]


def test_its_content_counts(tmp_path: Path, tiny: TransformersModel) -> None:
    folder = adapter_like(tmp_path / "a")
    before = content_hash(described(tiny, adapter=str(folder)))
    adapter_like(tmp_path / "b", rank=4)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).write_bytes((tmp_path / "b" / name).read_bytes())
    assert content_hash(described(tiny, adapter=str(folder))) != before


# --- what does not fit --------------------------------------------------------------------------


def test_the_layers_are_of_another_size(tmp_path: Path, tiny: TransformersModel) -> None:
    wide = adapter_like(tmp_path / "wide", targets={"self_attn.q_proj": (32, 32)})
    error = misfit(tiny, adapter=str(wide))
    assert error.code == "adapter/misfit"
    assert error.port == "model"
    assert "32 x 32" in error.message
    assert "16 x 16" in error.message
    assert "someone/tiny" in error.message


def test_the_base_has_fewer_layers(tmp_path: Path, tiny: TransformersModel) -> None:
    error = misfit(tiny, adapter=str(adapter_like(tmp_path / "deep", layers=4)))
    assert "model.layers.2.self_attn.q_proj and 1 more" in error.message
    assert "2 layers" in error.message


def test_the_architecture_is_another(tmp_path: Path, tiny: TransformersModel) -> None:
    other = adapter_like(tmp_path / "gpt", targets={"attn.c_attn": (48, 16)})
    error = misfit(tiny, adapter=str(other))
    assert "c_attn" in error.message
    assert "q_proj" in error.message
    assert "llama" in error.message


def test_the_config_says_another_rank(tmp_path: Path, tiny: TransformersModel) -> None:
    folder = adapter_like(tmp_path / "a", rank=2)
    about = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    (folder / "adapter_config.json").write_text(json.dumps({**about, "r": 8}), encoding="utf-8")
    error = misfit(tiny, adapter=str(folder))
    assert "says rank 8" in error.message
    assert "have rank 2" in error.message


def test_it_was_trained_with_more_tokens(tmp_path: Path, tiny: TransformersModel) -> None:
    extra = {"base_model.model.model.embed_tokens.weight": (70, 16)}
    error = misfit(tiny, adapter=str(adapter_like(tmp_path / "a", extra=extra)))
    assert "70 tokens" in error.message
    assert "64" in error.message


def test_a_base_that_is_not_here_is_compared_by_name(tmp_path: Path, folder: Path) -> None:
    adapter = str(adapter_like(tmp_path / "a"))
    error = misfit(TransformersModel(weights="hf:other/model-7b"), adapter=adapter)
    assert "someone/tiny" in error.message
    assert "other/model-7b" in error.message
    assert described(TransformersModel(weights="hf:someone/tiny@v2"), adapter=adapter)
    assert described(TransformersModel(weights="hf:else/tiny-bnb-4bit"), adapter=adapter)


def test_a_shipped_adapter_on_another_model(tiny: TransformersModel) -> None:
    error = misfit(tiny, adapter="pirate")
    assert "'pirate'" in error.message
    assert "HuggingFaceTB/SmolLM2-135M-Instruct" in f"{error.message} {error.fix}"


def test_all_targets_fit(tmp_path: Path, tiny: TransformersModel) -> None:
    assert described(tiny, adapter=str(adapter_like(tmp_path / "a", targets=SHAPES)))


def test_a_gguf_says_what_to_do() -> None:
    error = misfit(GgufModel(), adapter="pirate")
    assert "chat model/gguf" in error.message
    assert "Transformers model" in error.fix
    assert "adapter in GGUF" in error.fix


def test_merging_into_four_bits_is_refused() -> None:
    model = TransformersModel(quantization=Quantization(bits=4))
    assert described(model, adapter="pirate")
    assert misfit(model, adapter="pirate", merge=True).code == "adapter/merge"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "adapter/missing"),
        ({"adapter_config.json": b"{}"}, "adapter/missing"),
        ({"adapter_config.json": b"{}", "adapter_model.bin": b"\x80"}, "adapter/not-safe"),
        ({"adapter_config.json": b"{", "adapter_model.safetensors": b""}, "adapter/damaged"),
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": b"x"}, "adapter/damaged"),
    ],
)
def test_folders_that_hold_no_adapter(tmp_path: Path, files: dict[str, bytes], code: str) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(NodeError) as caught:
        read_adapter(str(tmp_path))
    assert caught.value.code == code


def test_other_kinds_of_adapters(tmp_path: Path) -> None:
    with pytest.raises(NodeError) as caught:
        read_adapter(str(adapter_like(tmp_path / "a", peft_type="LOHA")))
    assert caught.value.code == "adapter/kind"


def test_an_unknown_name_lists_those_that_ship() -> None:
    error = misfit(BASE, adapter="parrot")
    assert error.code == "adapter/unknown"
    assert "pirate, sentiment" in error.message
