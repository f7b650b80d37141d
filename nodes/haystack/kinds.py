"""The types of Haystack's sockets, read from their names alone: nothing is imported for it."""

from __future__ import annotations

import ast
import re
from typing import Any, Literal, TypeAlias

SocketType: TypeAlias = tuple[Any, ...]
"""("str",), ("list", item), ("union", one, other, …), ("any",)."""

Fit = Literal["same", "converted", "unwrapped"]

ANY: SocketType = ("any",)
MESSAGE: SocketType = ("ChatMessage",)
TEXT: SocketType = ("str",)
KNOWN = frozenset({
    "str", "int", "float", "bool", "dict", "list", "any", "None", "Document", "ChatMessage",
    "GeneratedAnswer",
})  # fmt: skip
_FIRST = (
    "wrap", "unwrap", "to str", "to ChatMessage", "wrap to str", "wrap to ChatMessage",
    "unwrap to str", "unwrap to ChatMessage",
)  # fmt: skip
"""Which conversion Haystack takes where several would do."""
_WORDS = {"Any": "any", "List": "list", "Dict": "dict", "NoneType": "None"}


def socket_type(text: Any) -> SocketType:
    """The type that a text names, such as `typing.List[haystack.dataclasses.document.Document]`.

    Raises:
        ValueError: it names none that is known here.
    """
    try:
        if not isinstance(text, str) or len(text) > 500:
            raise ValueError
        return _read(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError):
        raise ValueError(f"{str(text)[:100]!r} names no type that is known here") from None


def _read(node: ast.expr) -> SocketType:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union(_read(node.left), _read(node.right))
    if isinstance(node, ast.Constant) and node.value is None:
        return ("None",)
    if isinstance(node, ast.Subscript):
        name = _name(node.value)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        inner = [_read(part) for part in parts] if name != "Literal" else []
        if name == "list":
            return ("list", inner[0])
        if name in ("Optional", "Union"):
            return _union(*inner, *([("None",)] if name == "Optional" else []))
        if name == "Literal":
            return TEXT
        return (name,) if name == "dict" else _unknown()
    name = _name(node)
    if name == "list":
        return ("list", ANY)
    return (name,) if name in KNOWN else _unknown()


def _unknown() -> SocketType:
    raise ValueError


def _name(node: ast.expr) -> str:
    text = ast.unparse(node)
    if not re.fullmatch(r"[\w.]+", text):
        raise ValueError
    last = text.rpartition(".")[2]
    return _WORDS.get(last, last)


def _union(*members: SocketType) -> SocketType:
    flat: list[SocketType] = []
    for member in members:
        flat += member[1:] if member[0] == "union" else [member]
    found = [m for m in dict.fromkeys(flat) if m != ("None",)]
    return found[0] if len(found) == 1 else ("union", *found)


def fit(sender: SocketType, receiver: SocketType) -> Fit | None:
    """How what is sent becomes what is taken; None where Haystack refuses to connect the two.

    "unwrapped" is what Haystack connects, and what fails while it runs unless the list that is
    sent holds exactly one.
    """
    if _same(sender, receiver):
        return "same"
    way = _conversion(sender, receiver)
    if way is None:
        return None
    return "unwrapped" if way.startswith("unwrap") else "converted"


def _conversion(sender: SocketType, receiver: SocketType) -> str | None:
    """What Haystack does to what is sent. Of a union all members must be treated alike."""
    if sender[0] == "union":
        ways = {_conversion(member, receiver) for member in sender[1:]}
        return ways.pop() if len(ways) == 1 else None
    if receiver[0] == "union":
        found = {_conversion(sender, member) for member in receiver[1:]}
        return next((way for way in _FIRST if way in found), None)
    if {sender, receiver} == {TEXT, MESSAGE}:
        return f"to {receiver[0]}"
    if receiver[0] == "list" and _same(sender, receiver[1]):
        return "wrap"
    if receiver[0] == "list" and {sender, receiver[1]} == {TEXT, MESSAGE}:
        return f"wrap to {receiver[1][0]}"
    if sender[0] == "list" and receiver[0] != "list" and sender[1] in (TEXT, MESSAGE):
        if _same(sender[1], receiver):
            return "unwrap"
        return f"unwrap to {receiver[0]}" if {sender[1], receiver} == {TEXT, MESSAGE} else None
    return None


def _same(sender: SocketType, receiver: SocketType) -> bool:
    if sender == receiver or receiver == ANY:
        return True
    if sender == ANY:
        return False
    if sender[0] == "union":
        return all(_same(member, receiver) for member in sender[1:])
    if receiver[0] == "union":
        return any(_same(sender, member) for member in receiver[1:])
    return sender[0] == receiver[0] == "list" and _same(sender[1], receiver[1])


def in_words(kind: SocketType) -> str:
    """A type as Haystack writes it."""
    if kind[0] == "list":
        return f"list[{in_words(kind[1])}]"
    if kind[0] == "union":
        return " | ".join(in_words(member) for member in kind[1:])
    return str(kind[0])
