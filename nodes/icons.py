"""The icons that shells can draw, by the names under which a node class declares one."""

from __future__ import annotations

from typing import Final

ICONS: Final = frozenset({
    "book", "braces", "branch", "bulb", "calculator", "chart", "chat", "check", "chip", "clock",
    "cloud", "code", "compare", "cut", "cycle", "database", "dots", "file", "folder", "fork",
    "funnel", "gauge", "globe", "input", "join", "layers", "list", "loop", "merge", "mic", "nest",
    "network", "output", "people", "person", "pick", "picture", "plug", "quote", "save", "search",
    "server", "shield", "sliders", "spark", "speaker", "squeeze", "steps", "table", "task", "text",
    "tool", "vote", "waves",
})  # fmt: skip
"""Line drawings. A node may instead declare one or two characters, which are shown as they are."""
