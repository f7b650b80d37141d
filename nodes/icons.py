"""The icons that shells can draw, by the names under which a node class declares one."""

from __future__ import annotations

from typing import Final

ICONS: Final = frozenset({
    "book", "braces", "branch", "bulb", "calculator", "chart", "chip", "clock", "cloud", "compare",
    "cut", "dots", "file", "folder", "funnel", "gauge", "globe", "input", "join", "layers", "list",
    "loop", "merge", "nest", "network", "output", "people", "person", "picture", "quote", "search",
    "server", "shield", "spark", "squeeze", "steps", "table", "task", "text", "tool", "vote",
    "waves",
})  # fmt: skip
"""Line drawings. A node may instead declare one or two characters, which are shown as they are."""
