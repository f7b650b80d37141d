"""A model that listens has heard nothing, and has nothing to say, when a test begins."""

from __future__ import annotations

import pytest

from tests.flows.exchange.importing import Listening


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Listening.heard.clear()
    Listening.script.clear()
