"""The report: the lecturers' example, a small network, and the real model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.figures import Table
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.quantization.quantization_report import QuantizationReport, weights_of
from patchbay.nodes.quantization.schemes import SCHEMES
from patchbay.nodes.testing import RecordingContext, run_node
from tests.nodes.models.test_compare import Pair
from tests.nodes.techniques.scripted import Scripted

LECTURE = [[5.47, 3.08, -7.59], [0, -1.95, -4.57], [10.8, 3.02, -1.92]]
NAMES = [scheme.name for scheme in SCHEMES]


def column(table: Table, name: str) -> list[Any]:
    return [row[table.columns.index(name)] for row in table.rows]


def test_the_example_that_lecturers_draw() -> None:
    out = run_node(QuantizationReport, {}, {"numbers": LECTURE})
    assert column(out["values"], "stored") == [64, 36, -89, 0, -23, -54, 127, 36, -23]
    back = [round(number, 2) for number in column(out["values"], "comes back")]
    assert back == [5.44, 3.06, -7.57, 0, -1.96, -4.59, 10.8, 3.06, -1.96]
    assert column(out["values"], "original") == [number for row in LECTURE for number in row]
    assert column(out["values"], "place")[:4] == ["1, 1", "1, 2", "1, 3", "2, 1"]
    assert "perplexity" not in out


def test_the_storage_of_70_billion_parameters() -> None:
    out = run_node(QuantizationReport, {"billions": 70}, {"numbers": LECTURE})
    assert out["storage"].rows == ((64, 560.0), (32, 280.0), (16, 140.0), (8, 70.0), (4, 35.0))
    assert out["storage"].title == "Storage of 70,000,000,000 parameters"


def test_errors_grow_as_bits_go() -> None:
    ctx = RecordingContext()
    out = run_node(QuantizationReport, {"shown": "NF4"}, {"numbers": LECTURE}, ctx)
    assert column(out["table"], "precision") == NAMES
    errors = dict(zip(NAMES, column(out["table"], "RMS error"), strict=True))
    assert errors["float64"] == errors["float32"] == 0
    assert 0 < errors["float16"] < errors["int8 absmax"] < errors["NF4"]
    assert column(out["table"], "perplexity") == [None] * len(NAMES)
    assert len(out["layers"].rows) == len(out["errors"].rows) == len(NAMES) - 2
    assert [row["precision"] for row in out["sizes"].rows] == NAMES
    assert out["values"].title == "numbers as NF4"
    assert ctx.progressed[-1] == (NAMES[-1], len(NAMES), len(NAMES))


def test_numbers_too_large_for_16_bits_are_said_in_words() -> None:
    out = run_node(QuantizationReport, {}, {"numbers": [[70_000.0, 1.0]]})
    assert column(out["table"], "largest error")[NAMES.index("float16")] == "too large"


def test_a_text_without_a_model_says_so() -> None:
    ctx = RecordingContext()
    out = run_node(QuantizationReport, {}, {"numbers": LECTURE, "text": "Bees fly."}, ctx)
    assert ctx.warnings == ["Perplexity needs a model; numbers alone have none."]
    assert "perplexity" not in out


def test_without_anything_wired() -> None:
    with pytest.raises(NodeError, match="Neither a model nor numbers"):
        run_node(QuantizationReport)


def test_weights_under_other_descriptions() -> None:
    assert weights_of(Pair(models=(Scripted(), GgufModel(weights="a.gguf")))) == "a.gguf"
    with pytest.raises(NodeError, match="not on this machine") as caught:
        weights_of(Scripted())
    assert caught.value.port == "model"


def test_a_folder_of_transformers(tmp_path: Path) -> None:
    """A network of two layers, really saved by Transformers."""
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        vocab_size=24,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path / "small")
    model = GgufModel(weights=f"{tmp_path}/small")
    out = run_node(QuantizationReport, {"pattern": "layers.1."}, {"model": model})
    assert set(column(out["layers"], "matrix")) == {
        f"model.layers.1.{part}.weight"
        for part in (
            "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
            "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
        )
    }  # fmt: skip
    numbers = 4 * 16 * 16 + 3 * 16 * 32
    assert out["table"].title == f"7 matrices, {numbers:,} numbers"
    sizes = dict(zip(NAMES, column(out["table"], "size (MB)"), strict=True))
    assert sizes["float32"] == pytest.approx(numbers * 4 / 1e6)
    assert sizes["NF4"] == pytest.approx(numbers * 4.5 / 8 / 1e6)
