"""The node `quantization.matrix`: a matrix of numbers, quantized before one's eyes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.quantization.tensors import from_numbers

if TYPE_CHECKING:
    from patchbay.nodes.quantization.schemes import Numbers

LARGEST = 400
"""Numbers of a matrix that is shown."""
LECTURE = "5.47 3.08 -7.59\n0 -1.95 -4.57\n10.8 3.02 -1.92"
_APART = re.compile(r"[\s,;|]+")
_NEXT_ROW = re.compile(r"\]\s*[,;]?\s*\[")
_COMMA, _BLANK = re.compile(r"\d,\d"), re.compile(r"\d[ \t]+[-+.\d]")
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": " "})
"""Signs of slides and PDFs: their minus is no hyphen."""

RoundingRule = Literal["to the nearest, ties to even", "to the nearest, ties away", "down"]


class QuantizeMatrix(Node):
    """Quantize a matrix that you paste: original, codes, what comes back, and the error.

    By absolute maximum: the largest number becomes 2ⁿ⁻¹ − 1 (127 in 8 bits), all others are divided
    by the same scale and rounded (Dettmers et al. 2022, "LLM.int8()", arXiv:2208.07339). The error
    is original − dequantized.
    """

    kind, version = "quantization.matrix", 1
    title, family, icon = "Quantize numbers", "Models", "table"
    synonyms = ("matrix", "absmax", "int8", "dequantize", "rounding", "heat map", "scale")
    requires = ("numpy",)

    class Params(NodeParams):
        numbers: str = Field(LECTURE, max_length=20_000, widget="textarea")
        """The matrix: a row on each line, numbers with spaces, commas or bars between; or as
        Python, NumPy or MATLAB write it."""
        bits: int = Field(8, ge=2, le=8, widget="slider")
        """Bits of a code."""
        rounding: RoundingRule = Field("to the nearest, ties to even")
        """What becomes of what lies between two codes."""
        by_row: bool = Field(False)
        """A scale for each row, so that one large number spoils only its own."""

    class Inputs(Ports):
        numbers: JsonValue = port(None, doc="A matrix as JSON, in place of the param.")

    class Outputs(Ports):
        table: Table = port(doc="Number by number.")
        original: Chart = port(doc="The matrix.")
        quantized: Chart = port(doc="The codes.")
        dequantized: Chart = port(doc="What comes back.")
        error: Chart = port(doc="Original − dequantized.")
        scale: JsonValue = port(doc="What a code is multiplied by: one number, or one a row.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.bits} bits"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        given = _typed(params.numbers) if inputs.numbers is None else inputs.numbers
        return self.Outputs(**await ctx.blocking(_made, given, params))


def _made(given: JsonValue, params: QuantizeMatrix.Params) -> dict[str, Any]:
    import numpy as np

    tensor = from_numbers(given)
    if tensor.count > LARGEST or len(tensor.shape) > 2:
        raise _refused(f"A matrix of {tensor.count:,} numbers is too large to be looked at.")
    # In 64 bits: 5.47 is to come out as 5.47, and only what the codes lose is to be seen.
    numbers = np.atleast_2d(np.asarray(given, dtype=np.float64))
    top = 2 ** (params.bits - 1) - 1
    largest = np.max(np.abs(numbers), axis=1, keepdims=True) if params.by_row else np.full(
        (len(numbers), 1), np.max(np.abs(numbers)))  # fmt: skip
    scales = np.where(largest == 0, 1.0, largest / top)
    # 19.87 / (19.87 / 127) is a hair below 127, and cut off it would be 126: whole numbers and
    # halves are taken for what they are.
    codes = _rounded((numbers / scales).round(9), params.rounding).clip(-top - 1, top)
    back = codes * scales
    apart = numbers - back
    rows = tuple(
        (
            f"{i + 1}, {j + 1}", _plain(numbers[i, j]), int(codes[i, j]), _plain(back[i, j]),
            _plain(apart[i, j]),
        )
        for i in range(numbers.shape[0])
        for j in range(numbers.shape[1])
    )  # fmt: skip
    shared = [_plain(one) for one in scales[:, 0]]
    return {
        "table": Table(
            columns=("place", "original", "quantized", "dequantized", "error"),
            rows=rows,
            title=f"{params.bits} bits, {params.rounding}; error = original − dequantized",
        ),
        "original": _heat(numbers, "Original"),
        "quantized": _heat(codes, f"Quantized to {params.bits} bits"),
        "dequantized": _heat(back, "Dequantized"),
        "error": _heat(apart, "Error: original − dequantized"),
        "scale": shared if params.by_row else shared[0],
    }


def _rounded(numbers: Numbers, rule: RoundingRule) -> Numbers:
    import numpy as np

    if rule == "down":
        return np.floor(numbers)
    if rule == "to the nearest, ties away":
        return np.copysign(np.floor(np.abs(numbers) + 0.5), numbers)
    return np.rint(numbers)


def _heat(numbers: Numbers, title: str) -> Chart:
    rows = tuple(
        {"row": f"{i + 1}", "column": f"{j + 1}", "number": round(float(numbers[i, j]), 4)}
        for i in range(numbers.shape[0])
        for j in range(numbers.shape[1])
    )
    return Chart(kind="heat", rows=rows, x="column", y="row", color="number", title=title)


def _plain(number: Any) -> float:
    return float(f"{float(number):.6g}")


def _typed(text: str) -> JsonValue:
    """The matrix that was typed or pasted, row by row: lines, `[[1, 2], [3, 4]]`, `1 2; 3 4`."""
    rows: list[JsonValue] = []
    text = _NEXT_ROW.sub("\n", text.translate(_SIGNS))
    for number, line in enumerate(text.splitlines(), 1):
        for part in _parts(line.strip().strip("[],"), number):
            cells = [cell for cell in _APART.split(part) if cell]
            try:
                row: list[JsonValue] = [float(cell) for cell in cells]
            except ValueError:
                raise _refused(f"Line {number} holds no number: {line[:60]}") from None
            if row:
                rows.append(row)
    return rows


def _parts(line: str, number: int) -> list[str]:
    """The rows in a line. Behind a semicolon is the next one, where numbers stand apart by blanks.

    Raises:
        NodeError: a comma may stand in a number or between two.
    """
    parts = line.split(";")
    if _COMMA.search(line) and (len(parts) > 1 or _BLANK.search(line)):
        raise _refused(
            f"In line {number} a comma may stand in a number or between two: {line[:60]}. Write "
            "5.47 with a point."
        )
    several = any(len(_APART.split(part.strip())) > 1 for part in parts)
    return parts if several else [line]


def _refused(message: str) -> NodeError:
    return NodeError(
        message,
        fix=f"Give rows of equal length with at most {LARGEST} numbers, a row on each line.",
        port="numbers",
        code="quantization/numbers",
        retry=False,
    )
