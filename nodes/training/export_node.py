"""The node `train.export`: a trained model in the forms that other programs take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, JsonValue

from patchbay.nodes.atomic import bring_back
from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.io.write_file import (
    checked_folder,
    checked_name,
    target_below,
    writable_root,
)
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.llama.whole import NumberKind
from patchbay.nodes.models.transformers.lora import LoraModel
from patchbay.nodes.models.transformers.lora_node import wrong_kind
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.models.transformers.trained import ABOUT
from patchbay.nodes.training.base import TrainableModel
from patchbay.nodes.training.exporting import Exported, export
from patchbay.nodes.training.forms import ModelForm, check_form
from patchbay.nodes.units import size_in_words
from patchbay.nodes.values import ModelSpec
from patchbay.nodes.weights.reporter import reporter


class ExportModel(Node):
    """Write a trained model as a PEFT folder, merged, or as GGUF for llama.cpp and Ollama.

    LoRA and its kin have all forms, all weights those of whole models, IA3 all but an adapter in
    GGUF; prompts, prefixes and Houlsby's adapters only their own folder. What is written answers as
    the model that is wired, within what the numbers allow, and comes out as a model to ask. With
    GGUF there is a Modelfile: `ollama create NAME -f Modelfile`. Each folder names base and rows by
    name and hash.
    """

    kind, version = "train.export", 1
    title, family, icon = "Export model", "Training", "save"
    synonyms = ("gguf", "ollama", "modelfile", "merge", "peft", "save", "llama.cpp", "deploy")
    requires = ("torch", "transformers", "peft", "gguf")
    deterministic = False
    value_types = (GgufModel, LoraModel, TransformersModel)

    class Params(NodeParams):
        form: ModelForm = Field("GGUF")
        """The adapter as PEFT saves it; weights with it merged in; that as GGUF; or the adapter
        alone as GGUF."""
        numbers: NumberKind = Field("Q8_0")
        """How GGUF stores the numbers: 32, 16, 8, 5 or 4 bits. Merged weights have 32 or 16."""
        folder: Annotated[str, AfterValidator(checked_folder)] = Field(
            "output", max_length=1000, widget="folder"
        )
        """The folder, beside the flow. It is made where it is missing."""
        name: Annotated[str, AfterValidator(checked_name)] = Field("model", max_length=300)
        """The folder in it that is written."""
        if_there: Literal["replace", "fail"] = Field("replace")
        """What becomes of one that was exported before; any other is never touched."""

    class Inputs(Ports):
        model: ModelSpec = port(doc="A Transformers model, trained or with adapters.")

    class Outputs(Ports):
        model: ModelSpec = port(doc="The model in that form, to ask; not for a GGUF adapter whose "
                                "base is no GGUF.")  # fmt: skip
        path: str = port(doc="The folder.")
        report: Table = port(doc="The files and their sizes.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The form, and how numbers are stored."""
        if params.form in ("PEFT folder", "GGUF adapter"):
            return params.form
        return f"{params.form}, {params.numbers}"

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> tuple[str, ...]:
        """None of its own.

        Raises:
            NodeError: the model is of another backend.
        """
        if isinstance(model := inputs["model"], ModelSpec):
            _trainable(model)
        return ()

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        model = _trainable(inputs.model)
        done, place = await ctx.blocking(_exported, model, params, ctx.folder, reporter(ctx))
        if done.note:
            await ctx.warn(done.note)
        outputs: dict[str, Any] = {} if done.model is None else {"model": done.model}
        return self.Outputs(path=str(place), report=_report(place), **outputs)


def _trainable(model: ModelSpec) -> TrainableModel:
    if not isinstance(model, (TransformersModel, LoraModel)):
        raise wrong_kind("Export takes", model)
    return model


def _exported(
    model: TrainableModel, params: ExportModel.Params, folder: Path | None, report: Any
) -> tuple[Exported, Path]:
    check_form(model, params.form)
    root = writable_root(params.folder, folder)
    place = target_below(root, f"{params.name}.part").with_suffix("")
    bring_back(place)
    there = place.exists() or place.is_symlink()
    if there and (params.if_there == "fail" or not (place / ABOUT).is_file()):
        raise NodeError(
            f"There is a {place} already"
            f"{'' if params.if_there == 'fail' else ', which was not exported here'}.",
            fix="Choose another name.",
            param="name",
            code="io/not-written",
            retry=False,
        )
    return export(model, params.form, params.numbers, place, report), place


def _report(place: Path) -> Table:
    files = sorted(path for path in place.rglob("*") if path.is_file())
    rows: list[tuple[JsonValue, ...]] = [
        (path.relative_to(place).as_posix(), path.stat().st_size) for path in files
    ]
    total = size_in_words(sum(path.stat().st_size for path in files))
    return Table(columns=("file", "bytes"), rows=tuple(rows), title=f"{place.name}: {total}")
