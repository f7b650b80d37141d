"""For all tests: what computes takes one core, since the test processes take the others."""

from __future__ import annotations

import os

import pytest

# Before a library reads it. Threads that wait for each other on a core that others use too take
# about twice the processor time for the same answer. Processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest.register_assert_rewrite("patchbay.flows.testing")
