"""The node `quantization.bits`: the bits of a number in FP32, FP16, BF16 and INT8."""

from __future__ import annotations

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.quantization.figures import finite
from patchbay.nodes.quantization.number_formats import WrittenNumber, written

WIDTHS = (1, 2, 3, 4, 8, 16, 32)


class NumberBits(Node):
    """Show a number bit by bit in FP32, FP16, BF16 and INT8, and what each loses.

    Sign, exponent and fraction of the floats; the code of the whole number, for which the largest
    number of a matrix becomes 127. Beside it the table of 2ⁿ: how many numbers n bits can tell
    apart, from 0 to 2ⁿ − 1.
    """

    kind, version = "quantization.bits", 1
    title, family, icon = "Bits of a number", "Models", "braces"
    synonyms = ("float", "fp32", "fp16", "bf16", "bfloat16", "int8", "mantissa", "exponent", "ieee")

    class Params(NodeParams):
        number: float = Field(5.47, ge=-1e30, le=1e30)
        """The number; a wired one counts before it."""
        largest: float = Field(10.8, gt=0, le=1e30)
        """For INT8: the largest number of its matrix, which becomes 127."""

    class Inputs(Ports):
        number: float | None = port(None, doc="The number, in place of the param.")

    class Outputs(Ports):
        table: Table = port(doc="Each format: its bits in parts, what comes back, and the error.")
        chart: Chart = port(doc="The bits as a picture, a row for each format.")
        powers: Table = port(doc="2ⁿ: how many numbers n bits tell apart.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.number:g}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        number = params.number if inputs.number is None else inputs.number
        found = written(number, params.largest)
        rows = tuple(
            (
                one.format, len(one.bits), _parted(one), finite(one.value),
                finite(number - one.value),
            )
            for one in found
        )  # fmt: skip
        return self.Outputs(
            table=Table(
                columns=("format", "bits", "written as", "comes back", "error"),
                rows=rows,
                title=f"{number:g}; error = original − what comes back",
            ),
            chart=_picture(found, number),
            powers=Table(
                columns=("bits", "combinations", "lowest", "highest"),
                rows=tuple((n, 2**n, 0, 2**n - 1) for n in WIDTHS),
                title="2ⁿ: what n bits tell apart",
            ),
        )


def _parted(one: WrittenNumber) -> str:
    """`0 10000001 01011110…`: the parts with a space between."""
    said, at = [], 0
    for _, width in one.parts:
        said.append(one.bits[at : at + width])
        at += width
    return " ".join(said)


def _picture(found: list[WrittenNumber], number: float) -> Chart:
    """A heat map: sign, exponent and fraction in three shades, a bit that is set darker."""
    rows: list[dict[str, JsonValue]] = []
    for one in found:
        parts = [i for i, (_, width) in enumerate(one.parts) for _ in range(width)]
        for place in range(32):
            bit: JsonValue = None
            if place < len(one.bits):
                bit = int(one.bits[place]) + 2 * parts[place]
            rows.append({"format": one.format, "place": f"{place + 1:02}", "bit": bit})
    return Chart(
        kind="heat", rows=tuple(rows), x="place", y="format", color="bit",
        title=f"The bits of {number:g}: sign 0 1, exponent 2 3, fraction 4 5",
    )  # fmt: skip
