"""A home of one's own."""

from __future__ import annotations

from tests.nodes.encoders.conftest import home

__all__ = ["home"]
