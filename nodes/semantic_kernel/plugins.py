"""Plugins of Semantic Kernel: those it ships that touch nothing, and those that packages declare.

A package says in its pyproject.toml:

    [project.entry-points."patchbay.semantic_kernel_plugins"]
    weather = "my_package.weather:WeatherPlugin"

A flow names `weather`, never a module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patchbay.nodes.errors import NodeError

GROUP = "patchbay.semantic_kernel_plugins"

SHIPPED: Mapping[str, str] = {"math": "MathPlugin", "text": "TextPlugin", "time": "TimePlugin"}
"""Name → class in `semantic_kernel.core_plugins`. None fetches, waits or runs code."""

TOOLS = "tools"
"""The plugin that holds the tools that are wired in."""


def declared() -> dict[str, Any]:
    """The entry points by name. Reads metadata of packages and imports none."""
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def check_plugin(name: str) -> None:
    """Check that there is a plugin of that name. Imports nothing.

    Raises:
        NodeError: there is none; the others are named.
    """
    if name not in SHIPPED and name not in (known := declared()):
        there = ", ".join([*SHIPPED, *sorted(known)[:20]])
        raise NodeError(
            f"No installed package declares a plugin {name!r}; there are: {there}.",
            fix=f'Install a package that declares it under the entry point "{GROUP}".',
            code="kernel/plugin",
            retry=False,
        )


def load_plugin(name: str) -> Any:
    """A plugin as Semantic Kernel holds it. Imports its package; blocks.

    Raises:
        NodeError: there is none of that name, or it cannot be used.
    """
    check_plugin(name)
    from semantic_kernel import core_plugins
    from semantic_kernel.functions import KernelPlugin

    try:
        found = getattr(core_plugins, SHIPPED[name]) if name in SHIPPED else declared()[name].load()
        if isinstance(found, KernelPlugin):
            return found
        made = found() if isinstance(found, type) else found
        return KernelPlugin.from_object(name, made)
    except Exception as error:  # a stranger's package may raise anything
        raise NodeError(
            f"The plugin {name!r} cannot be used: {error}",
            fix="Look at the package that declares it.",
            code="kernel/plugin",
            retry=False,
        ) from error
