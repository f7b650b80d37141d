"""A history and a log of its own for each test that asks for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.runs.history import History
from tests.stores import url_of


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(url_of(tmp_path / "history.sqlite"))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"
