"""For all tests: what computes takes one core, since the test processes take the others."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest

# Before a library reads it. Threads that wait for each other on a core that others use too take
# about twice the processor time for the same answer. Processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest.register_assert_rewrite("patchbay.flows.testing")

# Looking for garbage took a fifth of the processor time: each search goes through all that was
# imported. What is there when all tests are known is none; what they leave is sought less often.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile` files are dealt out as `tests/dealing.py` says."""
    if config.getvalue("dist") != "loadfile":
        return None
    from tests.dealing import Dealing

    return Dealing(config, log)
