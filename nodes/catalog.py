"""The catalog: which kinds of node there are. An explicit object, passed around, never a global."""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import get_type_hints

from patchbay.nodes.contract import Node
from patchbay.nodes.values import Value

ENTRY_POINT = "patchbay.nodes"
"""The entry-point group in which installed packages offer node classes (or lists of them)."""


@dataclass(frozen=True, slots=True)
class CatalogProblem:
    """Something that keeps a node out of the catalog, or keeps it from running."""

    source: str
    message: str


Plugins = Callable[[], tuple[list["type[Node]"], list[CatalogProblem]]]
"""Finds the nodes of installed packages, and what is wrong with the others."""


class Catalog:
    """Node classes by kind. Duplicates and what could not be imported are reported, not hidden.

    Args:
        nodes: classes.
        problems: what is known to be wrong already.
        table: kind → `module:Class` of more nodes, which come first and are imported when asked
            for: a run needs a handful of the kinds there are.
        plugins: finds more nodes. Called when somebody asks for a kind that is not among the
            others, or for all of them: a flow of kinds that ship imports no plugin.
    """

    def __init__(
        self,
        nodes: Iterable[type[Node]] = (),
        problems: Iterable[CatalogProblem] = (),
        *,
        table: Mapping[str, str] | None = None,
        plugins: Plugins | None = None,
    ) -> None:
        self._nodes: dict[str, type[Node] | str] = {} if table is None else dict(table)
        self._problems: list[CatalogProblem] = list(problems)
        self._plugins = plugins
        self._lock = threading.RLock()
        for node in nodes:
            self._add(node)

    def _add(self, node: type[Node]) -> None:
        mine = f"{node.__module__}:{node.__qualname__}"
        known = self._nodes.setdefault(node.kind, node)
        if known is not node and known != mine:
            taken = known if isinstance(known, str) else f"{known.__module__}:{known.__qualname__}"
            self._problems.append(
                CatalogProblem(
                    mine.replace(":", "."),
                    f"The kind {node.kind!r} is already taken by "
                    f"{taken.replace(':', '.')}; this one is left out.",
                )
            )

    def _whole(self) -> dict[str, type[Node] | str]:
        """All there is, plugins too."""
        with self._lock:
            if self._plugins is not None:
                find, self._plugins = self._plugins, None
                nodes, problems = find()
                self._problems.extend(problems)
                for node in nodes:
                    self._add(node)
        return self._nodes

    @property
    def problems(self) -> list[CatalogProblem]:
        """What keeps nodes out of the catalog."""
        self._whole()
        return self._problems

    def __iter__(self) -> Iterator[type[Node]]:
        for kind in tuple(self._whole()):
            yield self._loaded(kind)

    def __len__(self) -> int:
        return len(self._whole())

    def __bool__(self) -> bool:
        raise TypeError("The truth of a catalog would load every plugin: ask whether it is None.")

    def __contains__(self, kind: object) -> bool:
        return kind in self._nodes or kind in self._whole()

    def get(self, kind: str) -> type[Node] | None:
        """The node class of a kind, or None."""
        return self._loaded(kind) if kind in self else None

    def _loaded(self, kind: str) -> type[Node]:
        node = self._nodes[kind]
        if isinstance(node, str):
            module, _, name = node.partition(":")
            node = self._nodes[kind] = getattr(importlib.import_module(module), name)
        return node

    def loaded(self) -> Iterator[type[Node]]:
        """The classes that somebody has asked for so far."""
        yield from [node for node in self._nodes.values() if not isinstance(node, str)]

    def kinds(self) -> list[str]:
        """All kinds, in catalog order."""
        return list(self._whole())

    def extended(self, nodes: Iterable[type[Node]]) -> Catalog:
        """A catalog with more nodes."""
        more = Catalog((), self.problems)
        more._nodes = dict(self._whole())
        for node in nodes:
            more._add(node)
        return more

    @cached_property
    def value_types(self) -> Mapping[str, type[Value]]:
        """The values that the catalog's nodes give, by tag: what stored values may hold."""
        return ValueTypes(self)


class ValueTypes(Mapping[str, "type[Value]"]):
    """Types of values by tag. Looks at the nodes that are loaded before it loads the others."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: dict[type[Node], Mapping[str, type[Value]]] = {}

    def __getitem__(self, tag: str) -> type[Value]:
        for nodes in (self._catalog.loaded(), iter(self._catalog)):
            for node in nodes:
                if found := self._of(node).get(tag):
                    return found
        raise KeyError(tag)

    def __iter__(self) -> Iterator[str]:
        yield from {tag: None for node in self._catalog for tag in self._of(node)}

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        raise TypeError("The truth of this would import every kind: ask whether it is None.")

    def _of(self, node: type[Node]) -> Mapping[str, type[Value]]:
        if node not in self._seen:
            hints = get_type_hints(node.Outputs).values()
            given = [h for h in hints if isinstance(h, type) and issubclass(h, Value)]
            self._seen[node] = {cls.tag(): cls for cls in (*given, *node.value_types)}
        return self._seen[node]


def missing_packages(node: type[Node]) -> list[str]:
    """The packages a node needs that are not installed here."""
    return [name for name in node.requires if importlib.util.find_spec(name) is None]


def install_command(packages: Iterable[str]) -> str:
    """What to type to get them."""
    return "pip install " + " ".join(name.replace("_", "-") for name in packages)


def load_catalog() -> Catalog:
    """The nodes that ship and those of installed packages, each imported when it is asked for."""
    from patchbay.nodes.builtin import BUILTIN

    return Catalog(table=BUILTIN, plugins=installed_plugins)


def installed_plugins() -> tuple[list[type[Node]], list[CatalogProblem]]:
    """The nodes that installed packages offer. Imports these packages."""
    from importlib.metadata import entry_points

    from patchbay.nodes import former

    former.install()
    nodes: list[type[Node]] = []
    problems: list[CatalogProblem] = []
    for entry in entry_points(group=ENTRY_POINT):
        try:
            loaded = entry.load()
            nodes.extend([loaded] if isinstance(loaded, type) else loaded)
        except Exception as error:  # a stranger's package must not break the catalog
            problems.append(CatalogProblem(entry.value, f"{type(error).__name__}: {error}"))
    return nodes, problems
