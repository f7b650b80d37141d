"""A trained model answers the same in every form that its method has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.atomic import bring_back
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.llama.tokenizer import rule_of
from patchbay.nodes.models.transformers.lora_node import LoraNode
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.datasets import InstructionData
from patchbay.nodes.training.export_node import ExportModel
from patchbay.nodes.training.modelfile import modelfile
from tests.device import DEVICE
from tests.nodes.models import tiny
from tests.nodes.training.conftest import TEMPLATE
from tests.nodes.training.long import long_training, methods
from tests.nodes.training.test_methods import said, trained
from tests.nodes.training.watches import Killed

ASKED = ("Is sun good?", "Is rain good?", "Is fog good?")


@pytest.fixture
def gguf_base(tmp_path: Path) -> TransformersModel:
    """The tiny network out of a GGUF file."""
    path = tiny.gguf_of(tiny.network(), tmp_path / "tiny.gguf")
    return TransformersModel(
        weights=str(path), context=256, chat_template=TEMPLATE, device=DEVICE, dtype="float32"
    )


def exported(model: Any, form: str, beside: Path, **params: Any) -> Any:
    ctx = RecordingContext(folder=beside)
    chosen = {"form": form, "name": form.replace(" ", "-"), **params}
    return run_node(ExportModel, chosen, {"model": model}, ctx)


def learned(base: Any, data: Any, method: str) -> Any:
    """Trained until it answers in letters: bytes that are none come out of each program another."""
    rate = {"IA3": 0.1, "all weights": 1e-2}.get(method, 2e-2)
    return trained(base, data, method=method, layers="all", rate=rate, steps=40, batch=8, rank=16)


def answers(model: Any) -> list[str]:
    # Each program has its own sign for half a letter at the end.
    return [one.rstrip("\ufffd") for one in said(*((model, one) for one in ASKED))]


@pytest.mark.parametrize(
    "method",
    methods("LoRA", "IA3", long=("rank-stabilized LoRA", "DoRA", "QLoRA", "8 bits", "all weights")),
)
def test_it_answers_the_same_in_every_form(
    method: str, gguf_base: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    model = learned(gguf_base, data, method)["model"]
    whole = answers(model)
    assert whole != answers(gguf_base)
    forms = ["merged", "GGUF"]
    if method != "all weights":
        forms.append("PEFT folder")
    if method not in ("all weights", "IA3", "DoRA"):
        forms.append("GGUF adapter")
    for form in forms:
        out = exported(model, form, tmp_path, numbers="F32")
        assert answers(out["model"]) == whole, form
        assert (Path(out["path"]) / "README.md").is_file()
        about = json.loads((Path(out["path"]) / "patchbay.json").read_text("utf-8"))
        assert about["base"].endswith("tiny.gguf") or method == "all weights"
        assert about["base_sha256"]


@pytest.mark.parametrize("method", methods("Houlsby", long=("prompt tuning", "prefix tuning")))
def test_what_has_its_own_folder_only_says_why(
    method: str, base: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    model = trained(base, data, method=method, steps=2)["model"]
    out = exported(model, "PEFT folder", tmp_path)
    assert answers(out["model"]) == answers(model)
    assert "This folder is its only form" in (Path(out["path"]) / "README.md").read_text("utf-8")
    for form in ("merged", "GGUF", "GGUF adapter"):
        with pytest.raises(NodeError, match="has no form") as caught:
            exported(model, form, tmp_path)
        assert caught.value.fix == 'Set the form to "PEFT folder".'


@pytest.mark.parametrize("numbers", ["F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"])
def test_fewer_bits_are_near_the_same_weights(numbers: str, tmp_path: Path) -> None:
    """What the file holds, dequantized, is what went in within a step of its numbers."""
    import gguf
    import numpy as np
    from transformers import AutoTokenizer

    from patchbay.nodes.models.llama.whole import write_model

    network = tiny.network()
    path = tmp_path / "model.gguf"
    folder = tiny.folder_of(network, tmp_path / "folder")
    assert AutoTokenizer.from_pretrained(folder)
    write_model(network, folder, None, path, numbers, "tiny")  # type: ignore[arg-type]
    exact = tmp_path / "exact.gguf"
    write_model(network, folder, None, exact, "F32", "tiny")
    whole = {t.name: t.data for t in gguf.GGUFReader(exact).tensors}
    steps = {"F16": 2**-11, "BF16": 2**-8, "Q8_0": 1 / 127, "Q5_1": 1 / 31, "Q5_0": 1 / 15,
             "Q4_1": 1 / 15, "Q4_0": 1 / 7}  # fmt: skip
    for tensor in gguf.GGUFReader(path).tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        most = np.abs(whole[tensor.name]).max()
        assert np.abs(values - whole[tensor.name]).max() <= most * steps[numbers] * 1.01
    kinds = {t.name: t.tensor_type.name for t in gguf.GGUFReader(path).tensors}
    assert kinds["blk.0.attn_q.weight"] == numbers
    assert kinds["blk.0.attn_norm.weight"] == "F32"
    few = numbers.startswith("Q")
    assert kinds["token_embd.weight"] == ("Q8_0" if few else numbers)
    assert said((GgufModel(weights=str(path), context=256), "Rain"))


def test_a_folder_as_base_reads_the_same_tokens(
    base: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    model = learned(base, data, "LoRA")["model"]
    out = exported(model, "GGUF", tmp_path, numbers="F32")
    # llama.cpp has no context under 256 tokens here.
    assert answers(out["model"]) == answers(model)
    adapter = exported(model, "GGUF adapter", tmp_path)
    assert "model" not in adapter
    whole = exported(base, "GGUF", tmp_path, name="base", numbers="F32")["model"]
    with_it = whole.model_copy(
        update={"adapters": ({"weights": f"{adapter['path']}/adapter.gguf"},)}
    )
    assert answers(type(whole).model_validate(with_it.model_dump())) == answers(model)
    assert "FROM ./base.gguf\nADAPTER ./adapter.gguf" in (
        Path(adapter["path"]) / "Modelfile"
    ).read_text("utf-8")  # fmt: skip


@long_training
def test_half_the_strength_in_every_form(
    gguf_base: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    out = learned(gguf_base, data, "LoRA")
    half = run_node(LoraNode, {"scale": 0.5}, {"model": gguf_base, "adapter": out["adapter"]})
    for form in ("PEFT folder", "merged", "GGUF", "GGUF adapter"):
        there = exported(half["model"], form, tmp_path, numbers="F32")["model"]
        assert answers(there) == answers(half["model"]), form


def test_an_adapter_of_others_says_whose_base_it_is_for(
    base: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    """Neither a card nor a record of a training lies beside it."""
    theirs = tmp_path / "theirs"
    shutil.copytree(trained(base, data, method="LoRA", steps=1)["adapter"].path, theirs)
    for name in ("README.md", "patchbay.json"):
        (theirs / name).unlink()
    model = run_node(LoraNode, {"adapter": str(theirs)}, {"model": base})["model"]
    for _ in range(2):  # it is known again, and replaced
        out = exported(model, "PEFT folder", tmp_path)
    about = json.loads((Path(out["path"]) / "patchbay.json").read_text("utf-8"))
    assert (about["form"], about["base"]) == ("PEFT folder", base.weights)
    assert f"- Base: {base.weights}" in (Path(out["path"]) / "README.md").read_text("utf-8")
    assert answers(out["model"]) == answers(model)


# --- what cannot be written -----------------------------------------------------------------------


def test_forms_that_a_model_has_not(
    base: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    with pytest.raises(NodeError, match="has no adapters"):
        exported(base, "PEFT folder", tmp_path)
    first = trained(base, data, method="LoRA", steps=1)
    second = trained(first["model"], data, method="LoRA", steps=1, seed=2)
    with pytest.raises(NodeError, match="has 2 adapters on one another"):
        exported(second["model"], "PEFT folder", tmp_path)
    dora = trained(base, data, method="DoRA", steps=1)
    with pytest.raises(NodeError, match="they add two matrices to a layer"):
        exported(dora["model"], "GGUF adapter", tmp_path)
    with pytest.raises(NodeError, match="Export takes a Transformers model"):
        exported(GgufModel(), "GGUF", tmp_path)


def test_what_is_not_ours_is_never_replaced(base: TransformersModel, tmp_path: Path) -> None:
    theirs = tmp_path / "output" / "model"
    theirs.mkdir(parents=True)
    (theirs / "letters.txt").write_text("mine")
    with pytest.raises(NodeError, match="was not exported here"):
        exported(base, "merged", tmp_path, name="model")
    assert (theirs / "letters.txt").read_text() == "mine"
    first = exported(base, "merged", tmp_path, name="other")
    assert exported(base, "merged", tmp_path, name="other")["path"] == first["path"]
    with pytest.raises(NodeError, match="already"):
        exported(base, "merged", tmp_path, name="other", if_there="fail")
    with pytest.raises(NodeError, match="nobody allows flows to write there"):
        exported(base, "merged", tmp_path, folder="/somewhere/else")


def test_how_a_file_was_laid_out_is_not_taken_over(tmp_path: Path) -> None:
    import gguf
    import numpy as np

    from patchbay.nodes.models.llama.whole import _take_over

    def written(name: str) -> Any:
        writer = gguf.GGUFWriter(str(tmp_path / name), "llama")
        writer.add_tensor("a", np.ones((2, 5), np.float32))
        writer.add_tensor("b", np.full((2, 5), 2, np.float32))
        return writer

    def read(writer: Any) -> Any:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return gguf.GGUFReader(writer.path)

    first, second = written("first.gguf"), written("second.gguf")
    first.add_custom_alignment(256)
    first.add_uint16("split.count", 3)
    first.add_context_length(99)
    read(first)
    _take_over(second, tmp_path / "first.gguf")
    found = read(second)
    assert [float(tensor.data[0, 0]) for tensor in found.tensors] == [1, 2]
    assert found.fields["llama.context_length"].contents() == 99
    assert "split.count" not in found.fields


def test_a_disk_that_is_full_leaves_nothing_half(
    base: TransformersModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Path(exported(base, "merged", tmp_path)["path"])
    kept = (first / "model.safetensors").read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(NodeError, match="No space left on device"):
        exported(base, "merged", tmp_path)
    monkeypatch.undo()
    assert (first / "model.safetensors").read_bytes() == kept
    assert [path.name for path in first.parent.iterdir()] == ["merged"]


@pytest.mark.parametrize("dies_at", [1, 2])
def test_a_kill_while_one_is_replaced_loses_none(
    dies_at: int, base: TransformersModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before or between both renames: the old one is there, at once or for the next export."""
    first = Path(exported(base, "merged", tmp_path)["path"])
    kept = (first / "model.safetensors").read_bytes()
    rename, renamed = Path.rename, [0]

    def dying(self: Path, target: Any) -> Any:
        renamed[0] += 1
        if renamed[0] >= dies_at:  # as after a kill, nothing is tidied up
            raise Killed
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", dying)
    with pytest.raises(Killed):
        exported(base, "merged", tmp_path)
    monkeypatch.undo()
    bring_back(first)
    assert (first / "model.safetensors").read_bytes() == kept
    again = Path(exported(base, "merged", tmp_path)["path"])
    assert (again / "model.safetensors").read_bytes() == kept
    assert [path.name for path in again.parent.iterdir()] == ["merged"]


def test_tokenizers_by_their_rules() -> None:
    def bpe(before: Any, **more: Any) -> dict[str, Any]:
        return {"model": {"type": "BPE", **more}, "pre_tokenizer": before}

    level = {"type": "ByteLevel", "add_prefix_space": False}
    digits = {"type": "Digits", "individual_digits": True}
    assert rule_of(bpe(level)) == "gpt-2"
    assert rule_of(bpe({"type": "Sequence", "pretokenizers": [digits, level]})) == "smollm"
    qwen = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    cut = {"type": "Split", "pattern": {"Regex": qwen}, "behavior": "Isolated", "invert": False}
    bytes_ = {**level, "use_regex": False}
    assert rule_of(bpe({"type": "Sequence", "pretokenizers": [cut, bytes_]})) == "qwen2"
    three = {**cut, "pattern": {"Regex": qwen.replace(r"\p{N}|", r"\p{N}{1,3}|")}}
    llama = {"type": "Sequence", "pretokenizers": [three, bytes_]}
    assert rule_of(bpe(llama, ignore_merges=True)) == "llama-bpe"
    for other in (
        {"model": {"type": "Unigram"}, "pre_tokenizer": level},
        bpe({"type": "Whitespace"}),
        bpe({**level, "add_prefix_space": True}),
    ):
        with pytest.raises(NodeError, match=r"llama.cpp would read other tokens"):
            rule_of(other)


def test_the_modelfile_says_what_the_template_adds() -> None:
    from patchbay.nodes.calls import CallOptions
    from patchbay.nodes.models.transformers.load import folder_of
    from patchbay.nodes.training.base import reader_of

    model = TransformersModel(weights="smollm2-135m-instruct")
    assert folder_of(model.weights, lambda *_: None)
    tokenizer = reader_of(model, lambda *_: None).tokenizer
    text = modelfile("FROM ./model.gguf", tokenizer, None, 2048, CallOptions(temperature=0.2))
    assert text.startswith('FROM ./model.gguf\nTEMPLATE """')
    assert 'SYSTEM """You are a helpful AI assistant named SmolLM' in text
    assert 'PARAMETER stop "<|im_end|>"\nSYSTEM' in text
    assert text.endswith("PARAMETER num_ctx 2048\nPARAMETER temperature 0.2\n")
    long = modelfile("FROM ./x", tokenizer, None, 64, CallOptions(max_tokens=2_000_000))
    assert long.endswith("PARAMETER num_predict 2000000\n")  # Ollama takes no 2e+06
    other = modelfile("FROM ./x", tokenizer, "{{ messages[0].content }}", 64, CallOptions())
    assert 'TEMPLATE """' not in other
    assert "Ollama looks for one in the GGUF file" in other
