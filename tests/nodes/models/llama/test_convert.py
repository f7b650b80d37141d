"""Adapters that PEFT saved, used with llama.cpp: converted, compared, and of the same effect."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.llama import convert as gguf_convert
from patchbay.nodes.models.llama.adapter import (
    GgufAdapter,
    adapter_bytes,
    adapter_file,
    adapter_id,
    check_adapters,
)
from patchbay.nodes.models.llama.chat import ChatLlama
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.transformers.adapter import read_adapter
from patchbay.nodes.weights.gguf_header import read_header
from patchbay.nodes.weights.manifest import DEFAULT, NAMED
from patchbay.nodes.weights.refs import quiet
from tests.nodes.models.conftest import Quiet
from tests.nodes.models.peft_files import write_peft

BASE = NAMED[DEFAULT].header
REVIEWS = {"The food was cold and the waiter rude.": "negative", "A wonderful film!": "positive"}


def test_an_adapter_that_ships_has_its_effect_in_llama_cpp(llama: ChatLlama) -> None:
    def described(scale: float) -> GgufModel:
        adapter = GgufAdapter(weights="sentiment", scale=scale)
        return GgufModel(adapters=(adapter,), context=256, parallel=1, temperature=0, max_tokens=6)

    model = described(1).open(Quiet())
    try:
        on, off = (
            [model.invoke(text, **described(scale).call_options()).text for text in REVIEWS]
            for scale in (1, 0)
        )
    finally:
        model.close()
    assert on == list(REVIEWS.values())
    assert not set(off) & set(on)


def test_rows_are_put_back_as_transformers_reads_them(llama: ChatLlama) -> None:
    import numpy as np
    from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

    read = LlamaTensorProcessor(config={})._reverse_permute_weights
    for name, rows, heads, shared in (("attn_q", 576, 9, 9), ("attn_k", 192, 9, 3)):
        values = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)
        written = gguf_convert.permuted(
            f"blk.0.{name}.weight", values, BASE.heads, BASE.shared_heads
        )
        assert not np.array_equal(written, values)
        assert np.array_equal(read(written, heads, shared), values)
    other = np.ones((4, 2), dtype=np.float32)
    assert gguf_convert.permuted("blk.0.attn_v.weight", other, 9, 3) is other


def test_it_is_written_once_under_what_it_holds(folder: Path, tmp_path: Path) -> None:
    saved = str(write_peft(tmp_path / "one", 1))
    path = adapter_file(saved, BASE, quiet)
    written = path.stat().st_mtime_ns
    assert adapter_file(saved, BASE, quiet) == path
    assert path.stat().st_mtime_ns == written
    header = read_header(path)
    assert header is not None
    assert (header.is_adapter, header.architecture, header.alpha) == (True, "llama", 4.0)
    assert header.shapes is not None
    assert header.shapes["blk.29.attn_k.weight.lora_b"] == (2, 192)
    assert adapter_bytes(saved) == 4 * header.parameters
    other = str(write_peft(tmp_path / "two", 1, use_rslora=True))
    assert adapter_id(other) != adapter_id(saved)
    stable = read_header(adapter_file(other, BASE, quiet))
    assert stable is not None
    assert stable.alpha == pytest.approx(4 * 2**0.5)


def test_layers_of_different_strength_are_told_apart_in_the_matrices(
    folder: Path, tmp_path: Path
) -> None:
    import gguf

    def ups(saved: Path) -> list[float]:
        read = gguf.GGUFReader(str(adapter_file(str(saved), BASE, quiet)))
        found = {tensor.name: tensor.data for tensor in read.tensors}
        return [float(abs(found[f"blk.0.attn_{name}.weight.lora_b"]).sum()) for name in "qk"]

    plain = ups(write_peft(tmp_path / "plain", 1))
    half = ups(write_peft(tmp_path / "half", 1, alpha_pattern={"q_proj": 2}))
    assert half[0] / half[1] == pytest.approx(plain[0] / plain[1] / 2)
    assert ups(write_peft(tmp_path / "none", 1, lora_alpha=0)) == [0, 0]


def test_other_architectures_are_not_guessed(tmp_path: Path) -> None:
    adapter = read_adapter(str(write_peft(tmp_path / "adapter", 1)))
    assert adapter is not None
    with pytest.raises(NodeError, match="architecture gemma3 are not converted"):
        gguf_convert.check_convertible(adapter, replace(BASE, architecture="gemma3"))


def test_a_misfit_and_a_missing_one_are_told(llama: ChatLlama, tmp_path: Path) -> None:
    folder = write_peft(tmp_path / "adapter", 1, targets=("v_proj",))
    check_adapters(DEFAULT, [GgufAdapter(weights=str(folder))])
    import numpy as np
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "adapter_model.safetensors")
    wide = {k: np.ones((192, 2), np.float32) if "_B" in k else v for k, v in tensors.items()}
    renamed = {k.replace("v_proj", "q_proj"): v for k, v in wide.items()}
    save_file(renamed, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2}))
    with pytest.raises(NodeError, match=r"attn_q\.weight as 576 x 192, which has 576 x 576"):
        check_adapters(DEFAULT, [GgufAdapter(weights=str(folder))])
    with pytest.raises(NodeError, match="There is no adapter named 'nobody'"):
        check_adapters(DEFAULT, [GgufAdapter(weights="nobody")])
