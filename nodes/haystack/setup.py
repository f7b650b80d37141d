"""Haystack 3.4 kept quiet and at home."""

from __future__ import annotations

import logging
import os
import threading

_lock = threading.Lock()


def prepare() -> None:
    """Import Haystack with its telemetry off. Takes a second the first time; call it in a thread.

    Raises:
        ImportError: it is not installed.
    """
    with _lock:
        # Read while it is imported; it would write an id into the person's home, and send.
        os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
        import haystack  # noqa: F401

        logging.getLogger("haystack").setLevel(logging.ERROR)
