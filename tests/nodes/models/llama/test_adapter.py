"""LoRA adapters in GGUF files, on the real model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.llama.adapter import GgufAdapter, check_adapters
from patchbay.nodes.models.llama.chat import ChatLlama
from patchbay.nodes.models.llama.node import QuantizedModel
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.values import content_hash
from patchbay.nodes.weights.gguf_header import read_header
from patchbay.nodes.weights.manifest import DEFAULT
from tests.nodes.models.conftest import Quiet
from tests.nodes.models.lora_files import write_adapter

ASKED = "What is the capital of Denmark?"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("adapters")
    return [write_adapter(folder / f"{seed}.gguf", seed) for seed in (1, 2)]


def described(files: list[Path], *scales: float) -> GgufModel:
    adapters = tuple(
        GgufAdapter(weights=str(file), scale=scale)
        for file, scale in zip(files, scales, strict=True)
    )
    return GgufModel(adapters=adapters, context=256, parallel=2, temperature=0)


@pytest.fixture(scope="module")
def adapted(files: list[Path]) -> Iterator[ChatLlama]:
    model = described(files, 1, 1).open(Quiet())
    yield model
    model.close()


def test_each_request_has_its_own_scales(adapted: ChatLlama, files: list[Path]) -> None:
    def say(*scales: float) -> str:
        options = described(files, *scales).call_options(max_tokens=10)
        return adapted.invoke(ASKED, **options).text

    none, first, second = say(0, 0), say(1, 0), say(0, 1)
    assert len({none, first, second}) == 3
    # llama.cpp keeps what it read for one request for the next; not across adapters.
    assert [say(0, 1), say(0, 0), say(1, 0), say(0, 0)] == [second, none, first, none]


def test_an_adapter_of_no_strength_is_the_base(
    adapted: ChatLlama, files: list[Path], llama: ChatLlama
) -> None:
    options = described(files, 0, 0).call_options(max_tokens=10)
    base = llama.invoke(ASKED, temperature=0, top_p=0.9, max_tokens=10)
    assert adapted.invoke(ASKED, **options).text == base.text


def test_other_scales_share_the_loaded_model_but_not_the_answers(files: list[Path]) -> None:
    weak, strong = described(files, 0.1, 0), described(files, 2, 1)
    assert weak.resource() == strong.resource() != GgufModel(context=256, parallel=2).resource()
    assert content_hash(weak) != content_hash(strong)
    assert weak.call_options()["lora"] == [{"id": 0, "scale": 0.1}, {"id": 1, "scale": 0.0}]
    assert "lora" not in GgufModel().call_options()


def test_the_memory_of_adapters_counts(files: list[Path]) -> None:
    plain, adapted = GgufModel(context=256, parallel=2), described(files, 1, 1)
    known, more = plain.memory(), adapted.memory()
    assert known is not None
    assert more == known + sum(file.stat().st_size for file in files)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 512}, "changes blk.0.attn_q.weight as 512 x 512, which has 576 x 576 there"),
        ({"layers": 31}, "changes blk.30.attn_q.weight, which the model does not have"),
        ({"architecture": "qwen3"}, "made for qwen3, the model is llama"),
    ],
)
def test_a_misfit_is_told_before_anything_is_loaded(
    llama: ChatLlama, tmp_path: Path, changes: dict[str, int], words: str
) -> None:
    file = write_adapter(tmp_path / "other.gguf", 1, **changes)
    params = QuantizedModel.Params(adapters=[{"weights": str(file)}])
    with pytest.raises(NodeError, match=words) as caught:
        QuantizedModel.describe(params, QuantizedModel.Inputs())
    assert caught.value.code == "adapter/misfit"


def test_models_and_adapters_are_told_apart(files: list[Path], tmp_path: Path) -> None:
    header = read_header(files[0])
    assert header is not None
    assert (header.is_adapter, header.alpha) == (True, 4.0)
    assert header.parameters == 30 * 2 * 2 * 576
    with pytest.raises(NodeError, match="It is a LoRA adapter, not a model"):
        GgufModel(weights=str(files[0])).open(Quiet())
    model = tmp_path / "model.gguf"
    model.write_bytes(files[0].read_bytes().replace(b"general.type", b"general.tyqe"))
    with pytest.raises(NodeError, match="is a whole model, not a LoRA adapter"):
        check_adapters(DEFAULT, [GgufAdapter(weights=str(model))])
    check_adapters(DEFAULT, [GgufAdapter(weights="hf:nobody/nothing/not-here.gguf")])
