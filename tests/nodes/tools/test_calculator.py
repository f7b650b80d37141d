"""Arithmetic, and nothing but arithmetic."""

from __future__ import annotations

import pytest

from patchbay.nodes.agents.specs import is_repeatable
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.tools.arithmetic import ArithmeticProblem, calculate
from patchbay.nodes.tools.calculator import Calculator
from tests.nodes.tools.kit import called, tool_of


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("17 * 24", "408"),
        ("1234 + 5678 =", "6912"),
        ("(3 + 4) * 12 / 2", "42"),
        ("2 ^ 10", "1024"),
        ("-7 // 2", "-4"),
        ("17 % 5", "2"),
        ("0.1 + 0.2", "0.3"),
        ("10 / 4", "2.5"),
        ("10 / 5", "2"),
        ("sqrt(2) ** 2", "2"),
        ("round(pi, 2)", "3.14"),
        ("max(1, 2, 1000)", "1000"),
        ("1,234,567 + 1", "1234568"),
        ("3 × 4 ÷ 2 − 1", "5"),
        ("1e3", "1000"),
        ("2 ** 100", "1267650600228229401496703205376"),
    ],
)
def test_arithmetic(expression: str, value: str):
    assert calculate(expression) == value


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "not (an )?arithmetic"),
        ("two and two", "not (an )?arithmetic"),
        ("12 eggs", "not (an )?arithmetic"),
        ("x + 1", "'x' is not arithmetic"),
        ("'a' * 1000", "not (an )?arithmetic"),
        ("True + 1", "not (an )?arithmetic"),
        ("[1] * 9", "not (an )?arithmetic"),
        ("().__class__", "not (an )?arithmetic"),
        ("__import__('os').system('true')", "not (an )?arithmetic"),
        ("(lambda: 1)()", "not (an )?arithmetic"),
        ("max(*[1, 2])", "not (an )?arithmetic"),
        ("round(1.5, ndigits=1)", "not (an )?arithmetic"),
        ("1 if 2 else 3", "not (an )?arithmetic"),
        ("1 < 2", "not (an )?arithmetic"),
        ("1; 2", "not (an )?arithmetic"),
        ("1 / 0", "divides by zero"),
        ("9 ** 9 ** 9", "too large"),
        ("(9 ** 999) * (9 ** 999) * (9 ** 999)", "too large"),
        ("10.0 ** 400", "no value"),
        ("1e308 * 10", "too large"),
        ("(-8) ** 0.5", "no real value"),
        ("sqrt(-1)", "no value"),
        ("log()", "no value"),
        ("1 +" * 300 + "1", "longer than 500"),
        ("(" * 240 + "1" + ")" * 240, "not (an )?arithmetic"),
        ("-" * 400 + "1" + "x", "not"),
    ],
)
def test_everything_else_is_refused_in_words(expression: str, why: str):
    with pytest.raises(ArithmeticProblem, match=why):
        calculate(expression)


async def test_as_a_tool():
    tool = tool_of(Calculator, {"name": "sums"})
    assert tool.name == "sums"
    assert await called(tool, expression="6 * 7") == "42"
    assert is_repeatable(GgufModel(temperature=0), (tool,))
    assert not is_repeatable(GgufModel(temperature=0.5), (tool,))


@pytest.mark.parametrize("name", ["Sums", "1st", "a b", "", "a" * 65])
def test_names_that_no_model_could_call(name: str):
    with pytest.raises(ValueError, match="name"):
        Calculator.Params(name=name)
