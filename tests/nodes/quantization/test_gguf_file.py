"""The tensors of a GGUF file, against the package that defines the format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nodes.contract import NodeError
from nodes.quantization.gguf_file import places, read

gguf = pytest.importorskip("gguf")


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, np.ndarray]:
    path = tmp_path / "small.gguf"
    numbers = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_string("note", "a text")
    writer.add_array("words", ["one", "two", "three"])
    writer.add_array("scores", [1.0, 2.0])
    writer.add_bool("flag", True)
    writer.add_custom_alignment(64)
    writer.add_tensor("plain.weight", numbers)
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor("blk.0.weight", gguf.quants.quantize(numbers, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path, numbers


def test_tensors_are_found_and_read(written: tuple[Path, np.ndarray]) -> None:
    path, numbers = written
    found = {place.name: place for place in places(path)}
    assert {name: place.shape for name, place in found.items()} == {
        "plain.weight": (4, 64), "blk.0.weight": (4, 64),
    }  # fmt: skip
    assert read(path, found["plain.weight"]).tolist() == numbers.tolist()
    kind = gguf.GGMLQuantizationType.Q8_0
    expected = gguf.quants.dequantize(gguf.quants.quantize(numbers, kind), kind)
    assert read(path, found["blk.0.weight"]).tolist() == expected.tolist()
    assert found["blk.0.weight"].count == 256


@pytest.mark.parametrize("cut", [0, 3, 20, 60, 150])
def test_a_damaged_file_says_so(written: tuple[Path, np.ndarray], cut: int) -> None:
    path, _ = written
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(NodeError, match="not a readable GGUF file"):
        places(path)


def test_another_kind_of_file(tmp_path: Path) -> None:
    path = tmp_path / "text.gguf"
    path.write_bytes(b"This is a text and no model at all.")
    with pytest.raises(NodeError, match="first four bytes"):
        places(path)
