"""A trained model in the forms that other programs take: PEFT's folder, merged, GGUF."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.nodes.atomic import put_folder
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.llama.adapter import GgufAdapter
from patchbay.nodes.models.llama.convert import write_gguf
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.llama.whole import NumberKind, write_model
from patchbay.nodes.models.transformers.adapter import IA3, fetch_adapter
from patchbay.nodes.models.transformers.load import folder_of
from patchbay.nodes.models.transformers.lora import LoraModel
from patchbay.nodes.models.transformers.source import Gguf, parse
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.models.transformers.trained import ABOUT, about
from patchbay.nodes.training.base import TrainableModel, base_id, network_of, reader_of, root_of
from patchbay.nodes.training.doing import BaseOpening
from patchbay.nodes.training.forms import WHY, ModelForm, adapters_of
from patchbay.nodes.training.modelfile import modelfile
from patchbay.nodes.values import ModelSpec
from patchbay.nodes.weights.gguf_header import Header, read_header
from patchbay.nodes.weights.refs import Report, quiet
from patchbay.nodes.weights.resolve import resolve

LEAST_CONTEXT = 256
"""Tokens that a description of a GGUF has at the least."""
ADAPTER_FILE, MODEL_FILE, MODELFILE = "adapter.gguf", "model.gguf", "Modelfile"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and the model in that form; None where its base is nowhere as GGUF."""

    model: ModelSpec | None
    note: str = ""


def export(
    model: TrainableModel, form: ModelForm, numbers: NumberKind, place: Path, report: Report
) -> Exported:
    """Write a model to a folder, whole or not at all. Blocks.

    Args:
        model: to be written.
        form: how; checked before.
        numbers: how the numbers of a GGUF, or of merged weights, are stored.
        place: the folder; one that was exported before is replaced.
        report: hears what is being done.

    Raises:
        NodeError: it cannot be written.
    """
    with _making(place) as made:
        if form == "PEFT folder":
            note = _as_peft(model, made, report)
        elif form == "GGUF adapter":
            note = _as_gguf_adapter(model, made, report)
        elif form == "merged":
            note = _merged(model, numbers, made, report)
        else:
            note = _as_gguf(model, numbers, made, place.name, report)
        said = _about(model, form)
        if not about(made):  # a folder of PEFT that was trained here says it by itself
            (made / ABOUT).write_text(json.dumps(said, indent=1) + "\n", "utf-8")
        if not (made / "README.md").is_file():
            (made / "README.md").write_text(_card(said, numbers), "utf-8")
    return Exported(_as_model(model, form, place), note)


@contextmanager
def _making(place: Path) -> Iterator[Path]:
    made = place.with_name(f".{place.name}.making")
    try:
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        yield made
        put_folder(made, place)
    except OSError as error:
        raise NodeError(
            f"The model cannot be written to {place}: {error.strerror or error}.",
            fix="Make room, or choose another folder.",
            param="folder",
            code="io/not-written",
            retry=False,
        ) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _as_peft(model: TrainableModel, made: Path, report: Report) -> str:
    use, adapter = adapters_of(model)[0]
    shutil.copytree(fetch_adapter(use.weights, report), made, dirs_exist_ok=True)
    if adapter.kind in WHY and adapter.kind != IA3:
        with (made / "README.md").open("a", encoding="utf-8") as card:
            card.write(f"\nThis folder is its only form: {WHY[adapter.kind]}.\n")
    if use.scale != 1:
        return f"The folder holds the adapter as it was trained; a scale of {use.scale:g} is set."
    return ""


def _as_gguf_adapter(model: TrainableModel, made: Path, report: Report) -> str:
    use, adapter = adapters_of(model)[0]
    root = root_of(model)
    original = _original(root, report)
    folder = fetch_adapter(use.weights, report)
    base = _header(root, original, report)
    write_gguf(adapter, folder, base, made / ADAPTER_FILE, use.scale)
    named = original.name if original is not None else "base.gguf"
    where = (
        f"# {named} is the model {root.weights}; put it beside this file.\n"
        if original is not None
        else f"# {named}: export {root.weights} alone, in the form GGUF, and put it here.\n"
    )
    _write_modelfile(model, made, f"{where}FROM ./{named}\nADAPTER ./{ADAPTER_FILE}", report)
    return "" if original is not None else f"It needs the base as GGUF beside it, as {named}."


def _merged(model: TrainableModel, numbers: NumberKind, made: Path, report: Report) -> str:
    import torch

    network, _ = network_of(model, "float32", None, BaseOpening(report))
    kind = {"F32": torch.float32, "BF16": torch.bfloat16}.get(numbers, torch.float16)
    report("writing the weights", 0, None)
    network.config.use_cache = True
    network.to(kind).save_pretrained(made)
    tokenizer = reader_of(model, report).tokenizer
    if (template := root_of(model).chat_template) is not None:
        tokenizer.chat_template = template
    tokenizer.save_pretrained(made)
    whole = numbers in ("F32", "F16", "BF16")
    return "" if whole else f"Merged weights are in 16 bits; {numbers} is for GGUF."


def _as_gguf(
    model: TrainableModel, numbers: NumberKind, made: Path, name: str, report: Report
) -> str:
    root = root_of(model)
    network, folder = network_of(model, "float32", None, BaseOpening(report))
    report(f"writing {numbers}", 0, None)
    original = _original(root, report)
    write_model(network, Path(folder), original, made / MODEL_FILE, numbers, name)
    _write_modelfile(model, made, f"FROM ./{MODEL_FILE}", report)
    return ""


def _write_modelfile(model: TrainableModel, made: Path, start: str, report: Report) -> None:
    root = root_of(model)
    tokenizer = reader_of(model, report).tokenizer
    text = modelfile(start, tokenizer, root.chat_template, root.context, root.sampling)
    (made / MODELFILE).write_text(text, "utf-8")


def _original(root: TransformersModel, report: Report) -> Path | None:
    """The GGUF file that the base was dequantized from."""
    source = parse(root.weights)
    return resolve(source.text, report) if isinstance(source, Gguf) else None


def _header(root: TransformersModel, original: Path | None, report: Report) -> Header:
    if original is not None and (known := read_header(original)) is not None:
        return known
    held = json.loads((folder_of(root.weights, report) / "config.json").read_text("utf-8"))
    heads = int(held.get("num_attention_heads", 0))
    shared = int(held.get("num_key_value_heads") or heads)
    return Header(str(held.get("model_type", "")), 0, 0, heads=heads, shared_heads=shared)


def _as_model(model: TrainableModel, form: ModelForm, place: Path) -> ModelSpec | None:
    root = root_of(model)
    fields = {
        name: getattr(root, name)
        for name in ("context", "parallel", "chat_template", "temperature", "top_p", "max_tokens",
                     "seed", "repeat_penalty")
    }  # fmt: skip
    fields["context"] = max(root.context, LEAST_CONTEXT)
    if form == "merged":
        return root.model_copy(update={"weights": str(place)})
    if form == "PEFT folder":
        use = adapters_of(model)[0][0].model_copy(update={"weights": str(place)})
        return LoraModel(base=root, adapters=(use,))
    if form == "GGUF":
        return GgufModel(weights=str(place / MODEL_FILE), **fields)
    if not isinstance(parse(root.weights), Gguf):
        return None
    adapter = GgufAdapter(weights=str(place / ADAPTER_FILE))
    return GgufModel(weights=root.weights, adapters=(adapter,), **fields)


def _about(model: TrainableModel, form: ModelForm) -> dict[str, Any]:
    """Base and adapters by name and hash."""
    root = root_of(model)
    adapters = [
        {"adapter": use.weights.rsplit("/", 1)[-1], "kind": adapter.kind, "scale": use.scale,
         **about(fetch_adapter(use.weights, quiet))}
        for use, adapter in adapters_of(model)
    ]  # fmt: skip
    return {"form": form, "base": root.weights, "base_sha256": base_id(root), "adapters": adapters}


def _card(held: dict[str, Any], numbers: NumberKind) -> str:
    form = held["form"]
    lines = ["# A model exported with Patchbay", "", f"- Form: {form}, {numbers}"]
    lines.append(f"- Base: {held['base']}, content {held['base_sha256']}")
    lines += [
        f"- Adapter: {one['kind']}, strength {one['scale']:g}, trained on "
        f"{one.get('data', 'rows that are not named')} ({one.get('data_sha256', 'no hash')})"
        for one in held["adapters"]
    ]
    if form in ("GGUF", "GGUF adapter"):
        lines.append("- Ollama: `ollama create NAME -f Modelfile` in this folder")
    return "\n".join(lines) + "\n"
