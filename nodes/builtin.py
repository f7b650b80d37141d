"""The nodes that ship, in palette order."""

from nodes.contract import Node

BUILTIN: tuple[type[Node], ...] = ()
