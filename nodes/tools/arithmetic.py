"""Arithmetic from a text: a walk over the syntax tree, in which nothing can be called but listed
functions. No `eval`, and no sum that could take the machine down."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

Number = int | float

MAX_LENGTH = 500
"""Characters of an expression."""
MAX_BITS = 4096
"""Bits of a whole number on the way, some 1,200 digits."""


class ArithmeticProblem(ValueError):  # noqa: N818 - it is told to a model as it is
    """The expression cannot be calculated; the text says why."""


_OPERATORS: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_SIGNS: Mapping[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}
_FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "abs": abs, "round": round, "min": min, "max": max, "floor": math.floor, "ceil": math.ceil,
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log2": math.log2, "log10": math.log10,
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos,
    "atan": math.atan, "degrees": math.degrees, "radians": math.radians,
}  # fmt: skip


def calculate(expression: str) -> str:
    """The value of an expression such as `(3 + 4) * 12 / sqrt(2)`.

    `^` is taken as a power, `×`, `÷` and thousands in the form 1,000 are understood.

    Raises:
        ArithmeticProblem: it is not arithmetic, or out of bounds.
    """
    text = _plain(expression)
    if len(text) > MAX_LENGTH:
        raise ArithmeticProblem(f"The expression is longer than {MAX_LENGTH} characters.")
    try:
        tree = ast.parse(text, mode="eval")
        return _written(_value(tree.body))
    except ArithmeticProblem:
        raise
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ArithmeticProblem(f"{expression!r} is not an arithmetic expression.") from error
    except ZeroDivisionError as error:
        raise ArithmeticProblem("The expression divides by zero.") from error
    except (ArithmeticError, ValueError, TypeError) as error:
        raise ArithmeticProblem(f"The expression has no value: {error}.") from error


def _plain(expression: str) -> str:
    import re

    text = expression.strip().removesuffix("=").strip()
    for given, meant in (("×", "*"), ("·", "*"), ("÷", "/"), ("−", "-"), ("^", "**")):
        text = text.replace(given, meant)
    # A comma between a digit and exactly three more is a mark of thousands; never inside a call.
    return text if "(" in text else re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _bounded(value)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _SIGNS:
            return _SIGNS[type(op)](_value(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _combined(op, _value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _bounded(_FUNCTIONS[name](*(_value(argument) for argument in args)))
    raise ArithmeticProblem(
        f"{ast.unparse(node)[:80]!r} is not arithmetic. Use numbers, + - * / // % **, parentheses, "
        f"pi, e, and {', '.join(_FUNCTIONS)}."
    )


def _combined(op: ast.operator, left: Number, right: Number) -> Number:
    if isinstance(op, ast.Pow):
        _check_power(left, right)
    value = _OPERATORS[type(op)](left, right)
    if isinstance(value, complex):
        raise ArithmeticProblem("The expression has no real value.")
    return _bounded(value)


def _check_power(base: Number, exponent: Number) -> None:
    """Before it is computed: 9**9**9 would never end."""
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(exponent) * max(abs(int(base)).bit_length(), 1) > MAX_BITS:
        raise ArithmeticProblem("The result would be too large.")


def _bounded(value: Number) -> Number:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ArithmeticProblem("A number on the way is too large.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ArithmeticProblem("A number on the way is too large.")
    return value


def _written(value: Number) -> str:
    if isinstance(value, float):
        value = float(f"{value:.12g}")  # 0.1 + 0.2 is 0.3 to everybody but a machine
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)
