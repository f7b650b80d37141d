"""Trainings that are too long for every run of the tests: `make test-train` does them."""

from __future__ import annotations

import os

import pytest

long_training = pytest.mark.skipif(
    not os.environ.get("PATCHBAY_TRAIN"), reason="long: make test-train, or PATCHBAY_TRAIN=1"
)
