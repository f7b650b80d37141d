"""Python functions that installed packages declare for flows, by name. Nothing else is ever called.

A package says in its pyproject.toml:

    [project.entry-points."patchbay.functions"]
    vat = "my_shop.prices:with_vat"

A flow names `vat`, never a module: what may be called is what you have installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchbay.nodes.errors import NodeError

GROUP = "patchbay.functions"


def declared() -> dict[str, Any]:
    """The entry points by name. Reads metadata of packages and imports none."""
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def package_of(name: str) -> str:
    """The package that declares a function.

    Raises:
        NodeError: none does; the others are named.
    """
    entry = _entry(name)
    return entry.dist.name if entry.dist is not None else ""


def load(name: str) -> Callable[..., Any]:
    """The function itself. Imports its package.

    Raises:
        NodeError: nothing is declared so, or it cannot be imported.
    """
    entry = _entry(name)
    try:
        found = entry.load()
    except Exception as error:  # a stranger's package may raise anything
        raise _wrong(
            f"The function {name!r} of {entry.value!r} cannot be imported: {error}",
            "Look at the package that declares it.",
        ) from error
    if not callable(found):
        raise _wrong(f"{name!r} ({entry.value}) is no function.", "Declare a function.")
    called: Callable[..., Any] = found
    return called


def _entry(name: str) -> Any:
    known = declared()
    if name in known:
        return known[name]
    there = ", ".join(sorted(known)[:20]) or "none"
    raise _wrong(
        f"No installed package declares a function {name!r}; there are: {there}.",
        f'Install a package that declares it under the entry point "{GROUP}".',
    )


def _wrong(message: str, fix: str) -> NodeError:
    return NodeError(message, fix=fix, code="function/unknown", retry=False)
