"""Where the app's routes lie, whatever path the app itself lies below."""

from __future__ import annotations


def prefix_of(base: str) -> str:
    """What the app's base path puts before each route: `/app` for `app` or `/app/`, else ""."""
    inner = base.strip("/")
    return f"/{inner}" if inner else ""
