"""The node that describes a model of Transformers, and what it says before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.anatomy import anatomy, read_shapes
from patchbay.nodes.models.transformers.fetch import shards
from patchbay.nodes.models.transformers.load import folder_of
from patchbay.nodes.models.transformers.node import TransformersNode
from patchbay.nodes.models.transformers.precision import Quantization
from patchbay.nodes.models.transformers.source import Gguf, HubFolder, parse
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import run_node
from patchbay.nodes.weights.refs import quiet
from tests.nodes.models.transformers.files import folder_like, write_safetensors


def test_it_describes_without_loading() -> None:
    given = run_node(TransformersNode, {"weights": "hf:owner/repo@v1", "context": 512})
    assert given["model"] == TransformersModel(weights="hf:owner/repo@v1", context=512)
    assert TransformersNode.summary(TransformersNode.Params()) == (
        "smollm2-135m-instruct · 2,048 tokens"
    )


def test_sampling_does_not_open_it_twice() -> None:
    assert TransformersModel(seed=1, temperature=0).resource() == TransformersModel().resource()
    assert TransformersModel(context=512).resource() != TransformersModel().resource()


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("smollm2-135m-instruct", Gguf("smollm2-135m-instruct")),
        ("hf:o/r/model.gguf@main", Gguf("hf:o/r/model.gguf@main")),
        ("ollama:smollm2", Gguf("ollama:smollm2")),
        ("hf:o/r", HubFolder("o/r")),
        ("hf:o/r@v2", HubFolder("o/r", "v2")),
        ("models/tiny", Path("models/tiny")),
    ],
)
def test_references(text: str, source: object) -> None:
    assert parse(text) == source


@pytest.mark.parametrize(
    ("text", "code"),
    [("llama", "weights/unknown"), ("hf:o", "weights/reference"), ("hf:../x", "weights/reference")],
)
def test_what_is_no_reference(text: str, code: str) -> None:
    with pytest.raises(NodeError) as caught:
        TransformersNode.describe(TransformersNode.Params(weights=text), TransformersNode.Inputs())
    assert caught.value.code == code
    assert caught.value.fix


def test_the_anatomy_of_a_folder_comes_from_the_heads_of_its_files(tmp_path: Path) -> None:
    made = anatomy(str(folder_like(tmp_path / "tiny")))
    assert made is not None
    assert (made.architecture, made.layers, made.hidden, made.vocabulary) == ("llama", 2, 16, 64)
    assert made.cache_values == 2 * 2 * 2 * 4
    assert made.linears["model.layers.1.self_attn.q_proj"] == (16, 16)
    assert made.linears["model.layers.0.self_attn.v_proj"] == (8, 16)
    assert len(made.linears) == 14


def test_facts_are_there_before_anything_is_loaded(tmp_path: Path) -> None:
    folder = str(folder_like(tmp_path / "tiny"))
    facts = TransformersNode.facts(TransformersNode.Params(weights=folder))
    assert facts["Architecture"] == "llama, 2 layers"
    assert facts["Parameters"] == "5,632"
    assert facts["Memory"].endswith("MB")
    assert TransformersNode.facts(TransformersNode.Params(weights="nothing")) == {}


def test_fewer_bits_need_less(tmp_path: Path) -> None:
    folder = str(folder_like(tmp_path / "tiny"))
    made = anatomy(folder)
    assert made is not None

    def weights(**fields: object) -> int:
        spec = TransformersModel(weights=folder, context=64, parallel=1)
        return spec.model_copy(update=fields).estimate(made)

    full, half = weights(), weights(dtype="bfloat16")
    assert half < full
    four = weights(quantization=Quantization(bits=4))
    eight = weights(quantization=Quantization(bits=8))
    assert four < eight < full
    single = Quantization(bits=4, double=False).weight_bytes(64, 64)
    assert single == 64 * 64 // 2 + 4 * 64
    assert Quantization(bits=4).weight_bytes(64, 64) == 64 * 64 // 2 + 64 + 4


def test_a_folder_that_holds_no_model(tmp_path: Path) -> None:
    def refused(folder: Path) -> NodeError:
        with pytest.raises(NodeError) as caught:
            folder_of(str(folder), quiet)
        return caught.value

    assert "does not exist" in refused(tmp_path / "none").message
    assert "no config.json" in refused(tmp_path).message
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    assert "no model.safetensors" in refused(tmp_path).message
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    error = refused(tmp_path)
    assert error.code == "weights/not-safe"
    assert "pytorch_model.bin" in error.message


def test_a_list_of_files_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../../x.safetensors"}}), encoding="utf-8")
    with pytest.raises(NodeError) as caught:
        shards(tmp_path)
    assert caught.value.code == "weights/damaged"


def test_offline_it_says_which_files_go_where(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NodeError) as caught:
        folder_of("hf:owner/repo", quiet)
    assert caught.value.code == "weights/offline"
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        assert name in caught.value.fix
    assert str(folder / "hf" / "owner" / "repo" / "main") in caught.value.fix
    assert TransformersModel(weights="hf:owner/repo").memory() is None


def test_a_file_that_only_claims_to_be_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"\xff" * 20)
    with pytest.raises(ValueError, match="no safetensors"):
        read_shapes(path)
    write_safetensors(path, {"a": (2, 3)})
    assert read_shapes(path) == {"a": ((2, 3), "F16")}


def test_what_would_be_lighter(llama: object) -> None:
    spec = TransformersModel()
    assert spec.lighter(100 * 10**6) == (
        "2 parallel requests instead of 4",
        "a context of 1,280 tokens instead of 2,048",
        '8 bits by a "Quantize" node',
    )
    assert spec.lighter(10**10) == ()
    assert TransformersModel(weights="hf:owner/repo").lighter(1) == ()
