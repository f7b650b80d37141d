"""The conditions of the tables: what a row holds for, said in a few signs.

`a & b` is both, `!a` not; `^name` an input that is wired, `@name` an output that is, `>type` a node
of that type that takes something of this one, `$name` a setting that is on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchbay.flows.exchange.imports.params import MISSING, setting

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering
    from patchbay.flows.exchange.imports.mapped import Mapped


def holds(when: str, mapped: Mapped, lowering: Lowering) -> bool:
    """Whether a condition holds for a node."""
    return all(_one(part, mapped, lowering) for part in when.split(" & "))


def _one(when: str, mapped: Mapped, lowering: Lowering) -> bool:
    if when.startswith("!"):
        return not _one(when[1:], mapped, lowering)
    node, name = mapped.node.id, when[1:]
    if when.startswith("^"):
        return bool(lowering.into.get(node, {}).get(name))
    if when.startswith(">"):
        wires = lowering.out_of.get(node, {}).values()
        return any(lowering.type_of(wire.target) == name for row in wires for wire in row)
    if when.startswith("@"):
        return bool(lowering.out_of.get(node, {}).get(name))
    name, among, values = name.partition("=")
    value = setting(mapped.settings, name)
    if among:
        return value is not MISSING and str(value).lower() in values.split("|")
    return value is not MISSING and str(value).lower() not in ("false", "0", "none")
