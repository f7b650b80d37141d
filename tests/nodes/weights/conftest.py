"""The weights folder and the hub of the tests of models, for those of weights."""

from __future__ import annotations

from tests.nodes.models.conftest import folder, hub, site

__all__ = ["folder", "hub", "site"]
