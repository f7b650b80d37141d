"""Tests of what comes only with an extra are skipped without it; nothing is imported to see."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def needs(*packages: str) -> pytest.MarkDecorator:
    """Skip without these. `pytest.importorskip` would import them in every process that collects.

    Use it as `pytestmark = needs("torch")`, and import the package where it is used.
    """
    missing = [package for package in packages if find_spec(package) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {' and '.join(missing)}")
