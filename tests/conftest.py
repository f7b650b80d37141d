"""For all tests: what computes takes one core, since the test processes take the others."""

from __future__ import annotations

import ctypes
import gc
import os
import ssl
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import hypothesis
import psutil
import pytest

# Before a library reads it. Threads that wait for each other on a core that others use too take
# about twice the processor time for the same answer. Processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What one process has compiled the others read: hundreds are started, each with hundreds of files.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

pytest.register_assert_rewrite("patchbay.flows.testing")

# On two busy cores an example may take any time, and so may thinking it up.
hypothesis.settings.register_profile(
    "patchbay", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patchbay")

# Looking for garbage took a fifth of the processor time: each search goes through all that was
# imported. What is there when all tests are known is none; what they leave is sought less often.
gc.disable()


def pytest_collection_finish() -> None:
    if "httpx" in sys.modules:
        share_certificates()
    gc.freeze()
    kept.modules = len(sys.modules)
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def share_certificates() -> None:
    """Read the certificates of authorities once, not for each client and each `httpx.get`: with
    forty milliseconds it was a third of what tests of servers cost, which are on this machine."""
    from httpx._transports import default

    made = default.create_ssl_context

    @cache
    def usual(*_variables: str | None) -> ssl.SSLContext:
        return made()

    def create(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is not True or cert is not None or not trust_env:
            return made(verify, cert, trust_env)
        return usual(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))

    default.create_ssl_context = create


MUCH = 2_500_000_000
"""Bytes that a test process may hold before it looks for what nobody needs any more."""
MANY = 400
"""Open files, likewise: databases of past tests, each of which is three."""
MORE = 300_000_000, 100
"""Bytes and files: where so many more are there than a look left, it looks again."""
LIBRARY = 100
"""Modules. Where so many were imported since, what they are made of is set aside as well."""


@dataclass
class Kept:
    """What was there after the last look."""

    modules: int = 0
    memory: int = 0
    files: int = 0


kept = Kept()


def held() -> tuple[int, int]:
    """Bytes of memory and open files of this process."""
    process = psutil.Process()
    return process.memory_info().rss, 0 if sys.platform == "win32" else process.num_fds()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Between two files, let go of networks: the process's pool keeps what it opened, they stand
    in circles, and what is freed stays with the process until it is told to give it back. A search
    takes half a second, so only where it is worth it.

    Libraries are set aside, as what was there at the start: whoever opens or trains a network
    looks for garbage, and to go through torch, CrewAI and the like takes a second each time.
    """
    if len(sys.modules) >= kept.modules + LIBRARY:
        gc.collect()
        gc.freeze()
        kept.modules = len(sys.modules)
    if nextitem is not None and nextitem.path == item.path:
        return
    memory, files = held()
    kept.memory, kept.files = min(kept.memory, memory), min(kept.files, files)
    much = memory > max(MUCH, kept.memory + MORE[0])
    if not much and files <= max(MANY, kept.files + MORE[1]):
        return
    if much and "patchbay.flows.runs.defaults" in sys.modules:
        from patchbay.flows.runs.defaults import default_pool

        default_pool().close()
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    if much and sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    kept.memory, kept.files = held()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile` files are dealt out as `tests/dealing.py` says."""
    if config.getvalue("dist") != "loadfile":
        return None
    from tests.dealing import Dealing

    return Dealing(config, log)
