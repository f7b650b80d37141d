"""Import torch and Transformers: by one thread at a time, and told how to share the processor."""

from __future__ import annotations

import importlib
import importlib.util
import threading

from nodes.models.llama_load import share_cores

_ALONE = threading.Lock()
_MODULES = ("torch", "transformers", "peft")
_NAMES = ("AutoModel", "AutoModelForCausalLM", "AutoTokenizer")


def load_libraries() -> None:
    """Import what models of Transformers need, if it is here. Call it before importing from them.

    Transformers fills its names in when they are first asked for, and two threads that ask at the
    same time find some of them missing.
    """
    with _ALONE:
        share_cores()
        for module in _MODULES:
            if importlib.util.find_spec(module) is not None:
                importlib.import_module(module)
        transformers = importlib.import_module("transformers")
        for name in _NAMES:
            getattr(transformers, name)
