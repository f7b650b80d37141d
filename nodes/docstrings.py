"""The sentences under the fields of a params class, read from its source when somebody asks.

Pydantic can do this when a class is made (`use_attribute_docstrings`), but then every start of the
program pays some milliseconds for every kind of node.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise


@cache
def attribute_docs(cls: type) -> dict[str, str]:
    """Docs by attribute, inherited ones included. Empty where there is no source."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__ not in ("builtins", "pydantic.main", "abc"):
            found |= _own_docs(base)
    return found


def _own_docs(cls: type) -> dict[str, str]:
    found_class = _classes(cls.__module__).get(cls.__qualname__)
    body = found_class.body if found_class else []
    found = {}
    for field, doc in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(doc, ast.Expr)
            and isinstance(doc.value, ast.Constant)
            and isinstance(doc.value.value, str)
        ):
            found[field.target.id] = inspect.cleandoc(doc.value.value)
    return found


@cache
def _classes(module: str) -> Mapping[str, ast.ClassDef]:
    """The classes of a module by qualified name, the last of a name. Empty without a source.

    `inspect.getsource` parses the whole file again for every class that it is asked for.
    """
    try:
        return dict(_named(ast.parse(inspect.getsource(sys.modules[module]))))
    except (KeyError, OSError, TypeError, SyntaxError):
        return {}


def _named(tree: ast.AST, within: str = "") -> Iterator[tuple[str, ast.ClassDef]]:
    for part in ast.iter_child_nodes(tree):
        if isinstance(part, ast.ClassDef):
            yield within + part.name, part
            yield from _named(part, f"{within}{part.name}.")
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _named(part, f"{within}{part.name}.<locals>.")
        elif isinstance(part, ast.stmt | ast.ExceptHandler):
            yield from _named(part, within)
