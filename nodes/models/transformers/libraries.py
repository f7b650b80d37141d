"""torch and Transformers: imported, and networks made, by one thread at a time."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

from patchbay.nodes.models.cores import share_cores

_ALONE = threading.RLock()
_MODULES = ("torch", "transformers")
_NAMES = (
    "AutoModel",
    "AutoModelForCausalLM",
    "AutoModelForImageTextToText",
    "AutoModelForSeq2SeqLM",
    "AutoTokenizer",
)
"""Not `AutoProcessor`: it costs more than all of these together, and only pictures need it."""


@contextlib.contextmanager
def making_networks() -> Iterator[None]:
    """Have the libraries loaded and to oneself while a network is made.

    Transformers changes settings of the whole process meanwhile (which device and type new tensors
    get, whether weights are drawn): two threads at once get each other's, and networks without
    weights.
    """
    with _ALONE:
        load_libraries()
        yield


def load_libraries() -> None:
    """Import what models of Transformers need, if it is here. Call it before importing from them.

    Transformers fills its names in when they are first asked for, and two threads that ask at the
    same time find some of them missing.
    """
    with _ALONE:
        share_cores()
        # bitsandbytes says on import that a faster kernel could be fetched, where there is one.
        logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
        for module in _MODULES:
            if importlib.util.find_spec(module) is not None:
                importlib.import_module(module)
        transformers = importlib.import_module("transformers")
        for name in _NAMES:
            getattr(transformers, name)
        _hush()


def _hush() -> None:
    """No progress bars, no hints at kernels that could be fetched: stderr is for what is wrong."""
    said: Any = importlib.import_module("transformers.utils.logging")
    said.disable_progress_bar()
    if "TRANSFORMERS_VERBOSITY" not in os.environ:  # somebody wants to hear it
        said.set_verbosity_error()
