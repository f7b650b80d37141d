"""What else a person may want to open while a flow is open: the own flows, and templates."""

from __future__ import annotations

import re
from typing import Any

from patchbay.studio.documents.library import FlowFile
from patchbay.studio.server.services import services

MOST = 300


def openable() -> dict[str, list[dict[str, Any]]]:
    """`own` flows, latest first, and `templates`: name of the file, title, first sentence."""
    library = services().library
    return {
        "own": [_told(entry) for entry in library.own()[:MOST]],
        "templates": [_told(entry) for entry in library.templates()],
    }


def _told(entry: FlowFile) -> dict[str, Any]:
    about = entry.flow.description if entry.flow else entry.error
    first = re.split(r"(?<=[.!?])\s|\n\n", about, maxsplit=1)[0] if about else ""
    return {"name": entry.name, "title": entry.title, "about": " ".join(first.split())[:160]}
