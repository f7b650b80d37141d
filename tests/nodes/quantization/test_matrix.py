"""A pasted matrix: the lecture's numbers, rounding rules, rows, and what is none."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.quantization.matrix import QuantizeMatrix
from patchbay.nodes.testing import run_node


def codes(out: dict[str, Any]) -> list[int]:
    return [row[2] for row in out["table"].rows]


def test_the_matrix_of_the_lecture() -> None:
    out = run_node(QuantizeMatrix, {}, {})
    assert codes(out) == [64, 36, -89, 0, -23, -54, 127, 36, -23]
    for _, original, _, back, error in out["table"].rows:
        assert error == pytest.approx(original - back, abs=1e-5)
    # The lecture's slide says -7.54; it is -89 times 10.8 by 127, so -7.57.
    assert out["table"].rows[2][3] == pytest.approx(-7.5685, abs=1e-4)
    assert out["scale"] == pytest.approx(10.8 / 127, abs=1e-6)
    for name in ("original", "quantized", "dequantized", "error"):
        assert len(out[name].rows) == 9
        assert out[name].kind == "heat"


def test_rounding_rules_differ_where_they_should() -> None:
    given = {"numbers": [[127, 2.5, -2.5, 3.5, 2.9]]}
    found = {
        rule: codes(run_node(QuantizeMatrix, {"rounding": rule}, given))
        for rule in ("to the nearest, ties to even", "to the nearest, ties away", "down")
    }
    assert list(found.values()) == [[127, 2, -2, 4, 3], [127, 3, -3, 4, 3], [127, 2, -3, 3, 2]]


@pytest.mark.parametrize("largest", [19.87, 10.8, 0.3, 7.59, 1e-9, 1e12])
@pytest.mark.parametrize("rule", ["to the nearest, ties to even", "down"])
def test_the_largest_number_has_the_largest_code(largest: float, rule: str) -> None:
    """Whatever its quotient by the scale is rounded to."""
    for sign in (1, -1):
        given = {"numbers": [[sign * largest, largest / 2]]}
        assert codes(run_node(QuantizeMatrix, {"rounding": rule}, given))[0] == sign * 127


def test_a_scale_for_each_row() -> None:
    out = run_node(QuantizeMatrix, {"by_row": True, "bits": 4}, {"numbers": [[7, 1], [0.7, 0]]})
    assert codes(out) == [7, 1, 7, 0]
    assert out["scale"] == [1.0, 0.1]
    assert codes(run_node(QuantizeMatrix, {}, {"numbers": [[0, 0]]})) == [0, 0]


@pytest.mark.parametrize(
    "text",
    [
        "1 2\n3 -4", "1,2\n3,-4", "[[1, 2],\n [3, -4]]", "1 | 2\n\n3;-4",
        # On one line, as Python, NumPy and MATLAB write it: it was a matrix of one row.
        "[[1, 2], [3, -4]]", "[[1,2],[3,-4]]", "[[ 1.  2.]\n [ 3. -4.]]", "[1 2; 3 -4]",
        # As copied from slides and PDFs.
        "1 2\n3 \u22124", "1\u00a02\n3\u00a0\u22124",
    ],
)  # fmt: skip
def test_a_matrix_is_pasted_in_many_forms(text: str) -> None:
    rows = run_node(QuantizeMatrix, {"numbers": text}, {})["table"].rows
    places = ["1, 1", "1, 2", "2, 1", "2, 2"]
    assert [row[:2] for row in rows] == list(zip(places, [1, 2, 3, -4], strict=True))


@pytest.mark.parametrize("text", ["5,47 3,08\n0 1", "5,47;3,08", "1,2;3,4", "1 2,5"])
def test_commas_that_may_mean_two_things_are_refused(text: str) -> None:
    with pytest.raises(NodeError, match="In line 1 a comma may stand in a number or between two"):
        run_node(QuantizeMatrix, {"numbers": text}, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [("1 two", "Line 1 holds no number"), ("1 2\n3", "takes a matrix"), ("", "takes a matrix"),
     ("nan 1", "takes a matrix"), (" ".join(["1"] * 401), "too large to be looked at")],
)  # fmt: skip
def test_what_is_no_matrix(text: str, message: str) -> None:
    with pytest.raises(NodeError, match=message) as caught:
        run_node(QuantizeMatrix, {"numbers": text}, {})
    assert caught.value.fix
