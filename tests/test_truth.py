"""Nobody asks for the truth or the length of what is costly to count.

`types or {}` on a mapping that loads its entries lazily asks for its length, and so loads them all.
The readers below find such questions in the source; the classes themselves refuse them when run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from patchbay.nodes.catalog import Catalog, load_catalog
from tests.test_layers import wrong

COSTLY_ANNOTATIONS = ("type[Value]", "ValueTypes", "Catalog")
"""Parts of annotations of names whose truth or length costs: lazily loaded mappings, catalogs."""
ASKING = ("bool", "len", "list", "dict", "any", "all")
COSTLY_ATTRIBUTES = ("value_types", "_types", "catalog", "_catalog")
"""Attributes that hold such things."""


def questions(source: str) -> list[tuple[int, str]]:
    """Line and text of every truth test, or `len()`, of something costly."""
    tree = ast.parse(source)
    costly = {
        node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.arg | ast.AnnAssign)
        and node.annotation is not None
        and _is_costly(ast.unparse(node.annotation))
    }
    return [
        (test.lineno, ast.unparse(test))
        for node in ast.walk(tree)
        for test in _tested(node)
        if (isinstance(test, ast.Name) and test.id in costly)
        or (isinstance(test, ast.Attribute) and test.attr in COSTLY_ATTRIBUTES)
    ]


def _is_costly(annotation: str) -> bool:
    plain = annotation.strip("'\"")
    if "type[Value]" in plain:
        return plain.startswith(("Mapping", "dict", "ValueTypes"))
    return plain.removesuffix(" | None") in COSTLY_ANNOTATIONS


def _tested(node: ast.AST) -> Iterator[ast.expr]:
    """What a piece of syntax asks for its truth or length."""
    match node:
        case ast.BoolOp(values=values):
            yield from values[:-1]
        case (
            ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test) | ast.Assert(test=test)
        ):
            yield test
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.comprehension(ifs=ifs):
            yield from ifs
        case ast.Call(
            func=ast.Name(id="bool" | "len" | "list" | "dict" | "any" | "all"), args=args
        ):
            yield from args[:1]


def test_no_file_asks() -> None:
    assert wrong(lambda path: questions(path.read_text(encoding="utf-8"))) == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(types: Mapping[str, type[Value]] | None): return types or {}", "types"),
        ("def f(types: Mapping[str, type[Value]] | None): return (types or {}).get(1)", "types"),
        ("def f(catalog: Catalog | None = None): return catalog or default()", "catalog"),
        ("def f(c: Catalog):\n    if not c: pass", "c"),
        ("def f(c: Catalog): return [1 for _ in a if c]", "c"),
        ("def f(self): return 1 if self._types else 2", "self._types"),
        ("def f(env): return len(env.catalog)", "env.catalog"),
        ("def f(types: Mapping[str, type[Value]]): return dict(types)", "types"),
    ],
)
def test_the_reader_finds(source: str, found: str) -> None:
    assert [text for _, text in questions(source)] == [found]


@pytest.mark.parametrize(
    "source",
    [
        "def f(types: Mapping[str, type[Value]] | None): return {} if types is None else types",
        "def f(catalog: Catalog): return catalog.get('a') or other",
        "def f(names: Mapping[str, str] | None): return names or {}",
    ],
)
def test_the_reader_lets_pass(source: str) -> None:
    assert questions(source) == []


def test_the_classes_refuse() -> None:
    catalog = load_catalog()
    for costly in (catalog, catalog.value_types, Catalog()):
        with pytest.raises(TypeError, match="whether it is None"):
            bool(costly)
