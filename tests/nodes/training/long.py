"""Trainings that are too long for every run of the tests: `make test-train` does them."""

from __future__ import annotations

import os
from typing import Any

import pytest

long_training = pytest.mark.skipif(
    not os.environ.get("PATCHBAY_TRAIN"), reason="long: make test-train, or PATCHBAY_TRAIN=1"
)


def methods(*always: str, long: tuple[str, ...]) -> list[Any]:
    """Params for a test of methods: those of every run, and those of `make test-train`."""
    return [*always, *(pytest.param(method, marks=long_training) for method in long)]
