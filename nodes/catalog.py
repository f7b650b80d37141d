"""The catalog: which kinds of node there are. An explicit object, passed around, never a global."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from typing import get_type_hints

from nodes.contract import Node
from nodes.values import Spec, Value

ENTRY_POINT = "patchbay.nodes"
"""The entry-point group in which installed packages offer node classes (or lists of them)."""


@dataclass(frozen=True, slots=True)
class CatalogProblem:
    """Something that keeps a node out of the catalog, or keeps it from running."""

    source: str
    message: str


class Catalog:
    """Node classes by kind. Duplicates and what could not be imported are reported, not hidden."""

    def __init__(
        self, nodes: Iterable[type[Node]], problems: Iterable[CatalogProblem] = ()
    ) -> None:
        self._nodes: dict[str, type[Node]] = {}
        self.problems: list[CatalogProblem] = list(problems)
        for node in nodes:
            self._add(node)

    def _add(self, node: type[Node]) -> None:
        known = self._nodes.get(node.kind)
        if known is None:
            self._nodes[node.kind] = node
        elif known is not node:
            self.problems.append(
                CatalogProblem(
                    f"{node.__module__}.{node.__qualname__}",
                    f"The kind {node.kind!r} is already taken by "
                    f"{known.__module__}.{known.__qualname__}; this one is left out.",
                )
            )

    def __iter__(self) -> Iterator[type[Node]]:
        return iter(self._nodes.values())

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, kind: object) -> bool:
        return kind in self._nodes

    def get(self, kind: str) -> type[Node] | None:
        """The node class of a kind, or None."""
        return self._nodes.get(kind)

    def kinds(self) -> list[str]:
        """All kinds, in catalog order."""
        return list(self._nodes)

    def extended(self, nodes: Iterable[type[Node]]) -> Catalog:
        """A catalog with more nodes."""
        return Catalog([*self, *nodes], self.problems)

    @cached_property
    def value_types(self) -> Mapping[str, type[Value]]:
        """The descriptions that the catalog's nodes give, by tag: what stored values may hold."""
        found: dict[str, type[Value]] = {}
        for node in self:
            for hint in get_type_hints(node.Outputs).values():
                if isinstance(hint, type) and issubclass(hint, Spec):
                    found[hint.tag()] = hint
        return found


def missing_packages(node: type[Node]) -> list[str]:
    """The packages a node needs that are not installed here."""
    return [name for name in node.requires if importlib.util.find_spec(name) is None]


def install_command(packages: Iterable[str]) -> str:
    """What to type to get them."""
    return "pip install " + " ".join(name.replace("_", "-") for name in packages)


def load_catalog() -> Catalog:
    """The nodes that ship and those of installed packages. Imports no heavy library."""
    from nodes.builtin import BUILTIN

    nodes: list[type[Node]] = list(BUILTIN)
    problems: list[CatalogProblem] = []
    for entry in entry_points(group=ENTRY_POINT):
        try:
            loaded = entry.load()
            nodes.extend([loaded] if isinstance(loaded, type) else loaded)
        except Exception as error:  # a stranger's package must not break the catalog
            problems.append(CatalogProblem(entry.value, f"{type(error).__name__}: {error}"))
    return Catalog(nodes, problems)
