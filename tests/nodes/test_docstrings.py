"""The sentences under the fields of a class are found wherever the class stands."""

from __future__ import annotations

import ast
from unittest.mock import patch

from patchbay.nodes import docstrings
from patchbay.nodes.docstrings import attribute_docs


class Outer:
    size: int = 1
    """How large."""

    class Inner:
        size: str = "x"
        """What size,
        in words."""
        plain: int = 0


class Heir(Outer):
    more: int = 2
    """And more."""


if Outer:

    class Conditional:
        here: int = 0
        """Under a condition."""


def test_each_class_has_its_own_and_those_it_inherits() -> None:
    class Local(Outer.Inner):
        plain: int = 1
        """Within a function."""

    assert attribute_docs(Outer) == {"size": "How large."}
    assert attribute_docs(Outer.Inner) == {"size": "What size,\nin words."}
    assert attribute_docs(Heir) == {"size": "How large.", "more": "And more."}
    assert attribute_docs(Conditional) == {"here": "Under a condition."}
    assert attribute_docs(Local) == {"size": "What size,\nin words.", "plain": "Within a function."}
    assert attribute_docs(type("Made", (Outer,), {})) == {"size": "How large."}


def test_a_file_is_parsed_once_for_all_its_classes() -> None:
    attribute_docs.cache_clear()
    docstrings._classes.cache_clear()
    with patch.object(docstrings.ast, "parse", wraps=ast.parse) as parse:
        for cls in (Outer, Outer.Inner, Heir):
            attribute_docs(cls)
    assert parse.call_count == 1
