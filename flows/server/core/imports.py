"""Imports of a server that is at work, and may be short of something when they come."""

from __future__ import annotations

import importlib
from importlib.metadata import MetadataPathFinder


def forget_folders() -> None:
    """Forget what imports have seen in folders: one that could not be read, since too many files
    were open, is held for empty."""
    importlib.invalidate_caches()
    MetadataPathFinder().invalidate_caches()  # which Python 3.11 leaves out
