"""Which Patchbay this is."""

from __future__ import annotations

import importlib.metadata
import platform
import tomllib
from pathlib import Path

DISTRIBUTION = "patchbay-studio"


def version() -> str:
    """The version of the package, or of the checkout where nothing is installed."""
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if project.exists():
        found: str = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
        return found
    return importlib.metadata.version(DISTRIBUTION)


def line() -> str:
    """What `patchbay --version` says: ours and Python's, which people need in a report."""
    return f"patchbay {version()} (Python {platform.python_version()}, {platform.system()})"
