"""Which Patchbay serves."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def version_of_ours() -> str:
    """The version of Patchbay that serves; "0" where it is not installed."""
    try:
        return version("patchbay-studio")
    except PackageNotFoundError:
        return "0"
