"""Where the networks of tests lie: on the processor, or where `PATCHBAY_TEST_DEVICE` says.

`make test-gpu` sets it to cuda; CI has no graphics card.
"""

from __future__ import annotations

import os

import pytest

DEVICE = os.environ.get("PATCHBAY_TEST_DEVICE", "cpu")
ON_PROCESSOR = DEVICE == "cpu"
on_a_gpu = pytest.mark.skipif(
    ON_PROCESSOR, reason="needs a graphics card: make test-gpu, or PATCHBAY_TEST_DEVICE=cuda"
)
