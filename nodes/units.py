"""Amounts in words."""

from __future__ import annotations


def megabytes(size: int) -> str:
    """A size in bytes: `98 MB`, `4.1 GB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def kilobytes(size: int) -> str:
    """A size in bytes that may be small: `12 kB`, `98 MB`."""
    return f"{size / 1e3:.0f} kB" if size < 1e6 else megabytes(size)
