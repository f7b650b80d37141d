"""The person's settings: one file, `settings.toml` below the home folder, a section for each part.

    [flows]
    environment = "production"

    [mcp.servers.tickets]
    url = "https://tickets.example/mcp"

    [prices.models."openai:gpt-4o"]
    input = 2.50
    output = 10.00

    [clusters.lab]
    on = "ray://head:10001"

Whoever has a section says what may stand in it; that there is no other is said here, so that a
slip of the pen is not taken for a setting that was left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import home

SETTINGS = "settings.toml"
SECTIONS = ("flows", "mcp", "prices", "clusters")
"""What there is: `flows/document/variables.py`, `nodes/mcp/servers.py`, `flows/runs/prices.py`,
`flows/batch/clusters.py`."""


def settings_file(env: Mapping[str, str] = os.environ) -> Path:
    """Where the settings are. The file need not exist."""
    return home(env) / SETTINGS


def section(name: str, file: Path | None = None) -> Mapping[str, Any]:
    """A section of the settings; empty where it, or the file, is not there. Reads the file: blocks.

    Args:
        name: one of `SECTIONS`.
        file: the file, when it is not the usual one.

    Raises:
        NodeError: the file cannot be read, or has a section that nobody knows.
    """
    import tomllib

    path = file or settings_file()
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _wrong(path, f"It cannot be read: {error}") from None
    if others := [other for other in said if other not in SECTIONS]:
        there = ", ".join(f"[{one}]" for one in SECTIONS)
        raise _wrong(path, f"There is no section [{others[0][:60]}]; there are {there}.")
    found = said.get(name, {})
    if not isinstance(found, dict):
        raise _wrong(path, f"[{name}] is no table.")
    return found


def _wrong(path: Path, what: str) -> NodeError:
    fix = f"Correct {path}."
    return NodeError(f"{path.name}: {what}", fix=fix, code="settings/file", retry=False)
