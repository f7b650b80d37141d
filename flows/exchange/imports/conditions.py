"""The conditions of the tables: what a row holds for, said in a few signs.

`a & b` is both, `!a` not; `^name` an input that is wired, `@name` an output that is, `>type` a node
of that type that takes something of this one, `$name` a setting that is on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from patchbay.flows.exchange.imports.params import MISSING, setting

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering
    from patchbay.flows.exchange.imports.mapped import Mapped


def holds(when: str, mapped: Mapped, lowering: Lowering) -> bool:
    """Whether a condition holds for a node."""
    return all(_one(part, mapped, lowering) is part.wanted for part in _parts(when))


class ReadCondition(NamedTuple):
    """One condition, read."""

    sign: str
    name: str
    among: tuple[str, ...] | None
    wanted: bool


@lru_cache(maxsize=4096)
def _parts(when: str) -> tuple[ReadCondition, ...]:
    """The conditions in one, which a table says once and thousands of nodes are asked."""
    found = []
    for text in when.split(" & "):
        told = text.lstrip("!")
        name, among, values = told[1:].partition("=") if told[0] == "$" else (told[1:], "", "")
        choices = tuple(values.split("|")) if among else None
        found.append(ReadCondition(told[0], name, choices, (len(text) - len(told)) % 2 == 0))
    return tuple(found)


def _one(part: ReadCondition, mapped: Mapped, lowering: Lowering) -> bool:
    node, name = mapped.node.id, part.name
    if part.sign == "^":
        return bool(lowering.into.get(node, {}).get(name))
    if part.sign == ">":
        wires = lowering.out_of.get(node, {}).values()
        return any(lowering.type_of(wire.target) == name for row in wires for wire in row)
    if part.sign == "@":
        return bool(lowering.out_of.get(node, {}).get(name))
    value = setting(mapped.settings, name)
    if value is MISSING:
        return False
    told = str(value).lower()
    return told in part.among if part.among is not None else told not in ("false", "0", "none")
