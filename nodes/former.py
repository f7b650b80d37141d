"""The names from before `patchbay.*`: `nodes`, `flows`, `studio`. They lead to the same modules.

For one version, with a warning that says the new name.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
import warnings
from collections.abc import Sequence
from pathlib import Path

LAYERS = ("nodes", "flows", "studio")


def become(layer: str) -> None:
    """Make `layer`, which was found as a folder of a checkout, mean `patchbay.<layer>`."""
    if importlib.util.find_spec("patchbay") is None:  # a plain checkout, not installed
        package = types.ModuleType("patchbay")
        package.__path__ = [str(Path(__file__).resolve().parent.parent)]
        sys.modules["patchbay"] = package
    if not any(isinstance(finder, Former) for finder in sys.meta_path):
        sys.meta_path.insert(0, Former())
    sys.modules[layer] = importlib.import_module(f"patchbay.{layer}")


class Former(importlib.abc.MetaPathFinder):
    """Finds a module by its former name."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        layer, _, rest = name.partition(".")
        if layer not in LAYERS or rest.rpartition(".")[2] == "__main__":
            return None
        new = f"patchbay.{name}"
        warnings.warn(f"{name} is {new} now.", DeprecationWarning, stacklevel=2)
        return importlib.machinery.ModuleSpec(name, _Same(new))


class _Same(importlib.abc.Loader):
    def __init__(self, new: str) -> None:
        self.new = new

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = importlib.import_module(self.new)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        module.__spec__ = self._spec
