"""A whole model and an adapter from a hub: a small real network, fetched, checked, and asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.flows.testing import PooledContext
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse
from patchbay.nodes.models.transformers.spec import TransformersModel
from tests.nodes.models.site import Site
from tests.nodes.models.transformers.test_adapters import said

MODEL = TransformersModel(weights="hf:me/tiny", context=64, parallel=1)
WORDS = ("what", "is", "this", "a", "tree", "house", "user", "assistant")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two thin layers in two files, and an adapter for it, as their libraries save."""
    import torch
    from peft import LoraConfig, get_peft_model
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("saved")
    vocabulary = {word: number for number, word in enumerate(("[UNK]", "[END]", *WORDS))}
    plain = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, unk_token="[UNK]", eos_token="[END]", pad_token="[END]"
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}"
    torch.manual_seed(1)
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(vocabulary), hidden_size=32, intermediate_size=64,
            num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
            max_position_embeddings=128, eos_token_id=1, pad_token_id=1, bos_token_id=1,
        )
    )  # fmt: skip
    network.save_pretrained(folder / "tiny", max_shard_size="40KB")
    tokenizer.save_pretrained(folder / "tiny")
    config = LoraConfig(r=2, target_modules=["q_proj"], base_model_name_or_path="me/tiny")
    get_peft_model(network, config).save_pretrained(folder / "thin")
    return folder


@pytest.fixture
def served(hub: Site, saved: Path) -> Site:
    for path in saved.rglob("*"):
        if path.is_file():
            repo, name = path.relative_to(saved).parts
            hub.files[f"/me/{repo}/resolve/main/{name}"] = path.read_bytes()
    return hub


@pytest.fixture
def pooled() -> PooledContext:
    context = PooledContext()
    context.pool = Pool()
    return context


async def test_a_model_in_several_files_is_fetched_once_and_answers(
    served: Site, pooled: PooledContext
) -> None:
    assert await said(pooled, MODEL, "what is this", tokens=3)
    fetched = [path.rpartition("/")[2] for path, _ in served.requests]
    assert sum(name.endswith(".safetensors") for name in fetched) >= 2
    assert any("Fetching" in label for label, _, _ in pooled.progressed)
    served.requests.clear()
    pooled.pool.close()
    assert await said(pooled, MODEL, "what is this", tokens=3)
    assert served.requests == []


async def test_an_adapter_of_a_hub_hangs_on_it(served: Site, pooled: PooledContext) -> None:
    both = LoraModel(base=MODEL, adapters=(LoraUse(weights="hf:me/thin", scale=1.0),))
    assert await said(pooled, both, "what is this", tokens=3)


async def test_pickled_weights_are_not_taken(served: Site, pooled: PooledContext) -> None:
    served.files = {name: data for name, data in served.files.items() if "safetensors" not in name}
    served.files["/me/tiny/resolve/main/pytorch_model.bin"] = b"\x80\x04."
    with pytest.raises(NodeError, match=r"model\.safetensors"):
        await said(pooled, MODEL, "what is this", tokens=3)


async def test_an_index_that_leads_out_of_the_folder_is_refused(
    served: Site, pooled: PooledContext
) -> None:
    index = json.dumps({"weight_map": {"x": "../../else.safetensors"}}).encode()
    served.files["/me/tiny/resolve/main/model.safetensors.index.json"] = index
    with pytest.raises(NodeError, match=r"it names '\.\./\.\./else"):
        await said(pooled, MODEL, "what is this", tokens=3)
