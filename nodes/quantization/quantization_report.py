"""The node `model.quantization_report`: what fewer bits save, and what they lose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.quantization.errors import Loss
from patchbay.nodes.quantization.figures import (
    SchemeResult,
    errors_chart,
    layers_table,
    perplexity_chart,
    precisions_table,
    sizes_chart,
    storage_table,
    values_table,
)
from patchbay.nodes.quantization.perplexity import Subject
from patchbay.nodes.quantization.schemes import SCHEMES, Scheme
from patchbay.nodes.quantization.tensors import Tensor, chosen, from_numbers, in_folder
from patchbay.nodes.values import ModelSpec, Spec
from patchbay.nodes.weights.refs import Report
from patchbay.nodes.weights.reporter import reporter

SchemeName = Literal[
    "float16", "int8 absmax", "int8 absmax by row", "int8 zero-point", "NF4", "FP4"
]


class QuantizationReport(Node):
    """Write a model's weights in 64 to 4 bits, and report sizes, errors and perplexity.

    Compares 16-bit floats, 8 bits by absolute maximum (Dettmers et al. 2022, "LLM.int8()",
    arXiv:2208.07339) and with a zero point (Jacob et al. 2017, arXiv:1712.05877), and 4 bits as NF4
    and FP4 (Dettmers et al. 2023, "QLoRA", arXiv:2305.14314). Weights are read one matrix at a
    time. With a text wired in, a copy of the model foresees it with each kind of weights; only the
    chosen ones change. Instead of a model, a matrix of numbers can be wired in.
    """

    kind, version, edition = "model.quantization_report", 1, 2
    title, family, icon = "Quantization report", "Models", "chart"
    synonyms = ("weights", "histogram", "bits", "error", "perplexity", "gptq")
    requires = ("numpy", "safetensors", "torch", "transformers")

    class Params(NodeParams):
        pattern: str = Field("layers.0.", max_length=500)
        """Which matrices: a part of their names, with * for any text; empty for all."""
        shown: SchemeName = Field("int8 absmax")
        """The precision whose single numbers are shown."""
        corner: int = Field(3, ge=1, le=20)
        """How many rows and columns of the first matrix are shown."""
        tokens: int = Field(256, ge=2, le=4096)
        """How much of the text the perplexity is taken over."""
        billions: float | None = Field(None, gt=0, le=1e6)
        """Show the storage of so many billion parameters; empty: of this model."""

    class Inputs(Ports):
        model: ModelSpec | None = port(
            None, doc="Whose weights are looked at, without adapters; it is not opened."
        )
        numbers: JsonValue = port(None, doc="A matrix of numbers, in place of a model.")
        text: str | None = port(
            None, doc="What perplexity is measured on; without it, there is none."
        )

    class Outputs(Ports):
        table: Table = port(doc="Each precision: bits, size, error and perplexity.")
        layers: Table = port(doc="The error of every matrix in each precision.")
        values: Table = port(doc="Single numbers: original, code, and what comes back.")
        storage: Table = port(doc="What all parameters take at 64, 32, 16, 8 and 4 bits.")
        errors: Chart = port(doc="The error of every matrix in each precision.")
        sizes: Chart = port(doc="The size in each precision.")
        perplexity: Chart = port(doc="Perplexity by bits per number, where a text is wired in.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return params.pattern or "all weights"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        await ctx.progress("reading the weights", 0, None)
        work = await ctx.blocking(_begin, inputs, params, reporter(ctx))
        for message in work.unmeasured(inputs.text):
            await ctx.warn(message)
        rows = await _measured(work, ctx)
        known = None if params.billions is None else round(params.billions * 1e9)
        figures: dict[str, Any] = {
            "table": precisions_table(rows),
            "layers": layers_table(rows),
            "values": await ctx.blocking(
                values_table, work.tensors[0], params.shown, params.corner
            ),
            "storage": storage_table(known or work.parameters),
            "errors": errors_chart(rows),
            "sizes": sizes_chart(rows),
        }
        if work.subject is not None:  # else what hangs on the port is skipped
            figures["perplexity"] = perplexity_chart(rows)
        return self.Outputs(**figures)


@dataclass(slots=True)
class _Work:
    """The matrices to look at, and the network that is measured with them."""

    tensors: list[Tensor]
    parameters: int
    subject: Subject | None = None

    def unmeasured(self, text: str | None) -> list[str]:
        """What the perplexity cannot show, in words."""
        if text is None:
            return []
        if self.subject is None:
            return ["Perplexity needs a model; numbers alone have none."]
        unknown = [t.name for t in self.tensors if not self.subject.knows(t.name)]
        if not unknown:
            return []
        what = f"{len(unknown)} of {len(self.tensors)} matrices, such as {unknown[0]},"
        return [f"{what} have another name in the open network; perplexity does not show them."]

    def quantize(self, tensor: Tensor, scheme: Scheme) -> Loss:
        """Write one matrix in a scheme, put what comes back into the network, sum up the loss."""
        numbers = tensor.read()
        made = scheme.apply(numbers)
        if self.subject is not None and self.subject.knows(tensor.name):
            self.subject.put(tensor.name, made.restored)
        return Loss().add(numbers, made.restored, made.bits)


async def _measured(work: _Work, ctx: Context) -> list[SchemeResult]:
    """One row per scheme. Each matrix is a step, between which a run can be stopped."""
    rows: list[SchemeResult] = []
    total = len(SCHEMES) * len(work.tensors)
    for scheme in SCHEMES:
        row = SchemeResult(scheme.name, scheme.width)
        for tensor in work.tensors:
            row.losses[tensor.name] = await ctx.blocking(work.quantize, tensor, scheme)
            done = len(rows) * len(work.tensors) + len(row.losses)
            await ctx.progress(scheme.name, done, total)
        if work.subject is not None:
            row.perplexity = await ctx.blocking(work.subject.perplexity)
        rows.append(row)
    return rows


def _begin(
    inputs: QuantizationReport.Inputs, params: QuantizationReport.Params, report: Report
) -> _Work:
    if inputs.numbers is not None:
        tensor = from_numbers(inputs.numbers)
        return _Work([tensor], tensor.count)
    if inputs.model is None:
        raise _nothing()
    from patchbay.nodes.models.transformers.load import folder_of

    folder: Path = folder_of(weights_of(inputs.model), report)
    everything = in_folder(folder)
    parameters = sum(tensor.count for tensor in everything)
    work = _Work(chosen(everything, params.pattern), parameters)
    if inputs.text is not None:
        work.subject = Subject(folder, inputs.text, params.tokens, parameters)
    return work


def weights_of(model: Spec) -> str:
    """The reference to the weights under a description: its own, or those of a part.

    Raises:
        NodeError: it has none on this machine (a server's model).
    """
    waiting: list[Spec] = [model]
    while waiting:
        spec = waiting.pop(0)
        reference = getattr(spec, "weights", None)
        if isinstance(spec, ModelSpec) and isinstance(reference, str):
            return reference
        waiting += spec.parts()
    raise NodeError(
        f"The weights of a {model.type_id()} are not on this machine.",
        fix="Wire in a Transformers model, or a quantized local model.",
        port="model",
        code="quantization/no-weights",
        retry=False,
    )


def _nothing() -> NodeError:
    return NodeError(
        "Neither a model nor numbers are wired in.",
        fix='Wire a model into "model", or a matrix into "numbers".',
        port="model",
        code="quantization/nothing",
        retry=False,
    )
