"""The tensors of a folder: names and shapes from headers, numbers one at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.quantization.tensors import chosen, from_numbers, in_folder
from tests.needs import needs

pytestmark = needs("torch", "safetensors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import torch
    from safetensors.torch import save_file

    first = {
        "layers.10.q.weight": torch.ones(2, 3, dtype=torch.bfloat16),
        "layers.2.q.weight": torch.full((2, 3), 0.5),
        "layers.2.norm.weight": torch.ones(3),
    }
    save_file(first, tmp_path / "model-1.safetensors", metadata={"format": "pt"})
    save_file({"embed.weight": torch.zeros(4, 2)}, tmp_path / "model-2.safetensors")
    return tmp_path


def test_every_tensor_of_every_file(folder: Path) -> None:
    found = {tensor.name: tensor for tensor in in_folder(folder)}
    assert {name: tensor.shape for name, tensor in found.items()} == {
        "layers.10.q.weight": (2, 3), "layers.2.q.weight": (2, 3),
        "layers.2.norm.weight": (3,), "embed.weight": (4, 2),
    }  # fmt: skip
    assert found["layers.10.q.weight"].read().dtype == np.float32
    assert found["layers.2.q.weight"].read().tolist() == [[0.5] * 3] * 2
    assert found["embed.weight"].count == 8


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("", ["embed.weight", "layers.2.q.weight", "layers.10.q.weight"]),
        ("layers.2", ["layers.2.q.weight"]),
        ("layers.*.weight", ["layers.2.q.weight", "layers.10.q.weight"]),
        ("*q.weight", ["layers.2.q.weight", "layers.10.q.weight"]),
    ],
)
def test_matrices_are_chosen_by_name_in_the_order_of_layers(
    folder: Path, pattern: str, names: list[str]
) -> None:
    assert [tensor.name for tensor in chosen(in_folder(folder), pattern)] == names


def test_a_name_that_nothing_has(folder: Path) -> None:
    with pytest.raises(
        NodeError, match=r"named like 'norm'. There are 3, such as: layers"
    ) as caught:
        chosen(in_folder(folder), "norm")
    assert caught.value.code == "quantization/no-tensor"


@pytest.mark.parametrize("data", [b"", b"\x05", b"\xff" * 20, b"\x02\0\0\0\0\0\0\0no"])
def test_a_damaged_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(data)
    with pytest.raises(NodeError, match="not a readable safetensors file"):
        in_folder(tmp_path)


@pytest.mark.parametrize("value", [[[1, 2], [3]], "text", [], [[1, None]], [[1e999]], {"a": 1}])
def test_numbers_that_are_no_matrix(value: object) -> None:
    with pytest.raises(NodeError) as caught:
        from_numbers(value)
    assert caught.value.port == "numbers"
