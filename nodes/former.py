"""The names from before `patchbay.*`: `nodes`, `flows`, `studio`. They lead to the same modules.

What a module has may have another name too: such a line of `former.tsv` has a colon.

For one version, with a warning that says the new name. Where another program has a module of such a
name, that one is found, as if this file were not there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any
from warnings import warn

LAYERS = ("nodes", "flows", "studio")
PREFIX = "patchbay."


def install() -> None:
    """Let former names be found. Costs nothing until one is asked for."""
    if _Last not in sys.meta_path:
        sys.meta_path.append(_Last)


def become(layer: str) -> None:
    """Make `layer`, which was found as a folder of a checkout, mean `patchbay.<layer>`."""
    _warn(layer, 5)  # past `checkout.become`
    _go_first()
    sys.modules[layer] = import_module(PREFIX + layer)


def bare(name: str) -> ModuleSpec | None:
    """Where `nodes`, `flows` or `studio` is, when nothing else has this name."""
    if name not in LAYERS:
        return None
    _warn(name, 4)
    _go_first()
    return ModuleSpec(name, _Same(PREFIX + name))


@cache
def rooms() -> dict[str, str]:
    """Former module to where it is now, both without `patchbay.`."""
    return {old: new for old, new in _table() if ":" not in old}


@cache
def names() -> dict[str, dict[str, str]]:
    """For each module as it is called now: the former names of what it has, to those of now."""
    found: dict[str, dict[str, str]] = {}
    for old, new in _table():
        module, colon, name = old.partition(":")
        if colon:
            found.setdefault(PREFIX + module, {})[name] = new
    return found


def _table() -> list[list[str]]:
    text = Path(__file__).with_name("former.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()]


def now(name: str) -> str:
    """The whole name of the module that was called `name`: `nodes.models.gguf`, say."""
    head = name
    while head and head not in rooms():
        head = head.rpartition(".")[0]
    return PREFIX + (rooms()[head] + name[len(head) :] if head else name)


class _Last:
    """Finds what nothing else has."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return bare(name)


class _First:
    """Finds modules by former names before their folders offer them a second time."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.startswith(PREFIX):  # `from nodes.models import gguf`: Python asks the real package
            former = name.removeprefix(PREFIX)
            return _spec(name) if former in rooms() and former not in _packages() else None
        layer, _, rest = name.partition(".")
        if layer not in LAYERS or not rest or rest.rpartition(".")[2] == "__main__":
            return None
        if sys.modules.get(layer) is not sys.modules.get(PREFIX + layer):
            return None  # another program's
        return _spec(name)


class _Same(Loader):
    """Loads a module by giving the one that is there under its name of now."""

    def __init__(self, new: str) -> None:
        self.new = new

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self.new)
        self._spec = module.__spec__
        if self.new in names():
            _rename(module)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # Python has put the one of the former name there

    def get_code(self, name: str) -> CodeType | None:
        """What `python -m` runs."""
        spec = find_spec(self.new)
        loader: Any = spec and spec.loader
        code: CodeType | None = loader.get_code(self.new)
        return code


def _spec(name: str) -> ModuleSpec:
    former = name.removeprefix(PREFIX)
    _warn(former, 4)
    for package in _packages():
        if former in (package, package.rpartition(".")[0]):
            _lend(package)
    new = PREFIX + former if former in _packages() else now(former)
    real = find_spec(new)
    return ModuleSpec(name, _Same(new), origin=real.origin if real else None)


@cache
def _packages() -> frozenset[str]:
    """Former modules whose name a package has now, which holds them."""
    return frozenset(old for old, new in rooms().items() if new.startswith(old + "."))


def _lend(package: str) -> None:
    """Let a package give what the module of its name had."""

    def give(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(import_module(now(package)), name)

    import_module(PREFIX + package).__getattr__ = give  # type: ignore[method-assign]


def _rename(module: ModuleType) -> None:
    """Let a module give what it has by the former names too, to whoever imports it by its own."""
    given = names()[module.__name__]

    def give(name: str) -> Any:
        if name not in given:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        where = module.__name__.removeprefix(PREFIX)
        warn(
            f"{where}.{name} is {given[name]} now; the former name goes with the next version.",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(module, given[name])

    module.__getattr__ = give  # type: ignore[method-assign]


def _go_first() -> None:
    if _First not in sys.meta_path:
        sys.meta_path.insert(0, _First)


def _warn(former: str, level: int) -> None:
    warn(
        f"{former} is {now(former)} now; the former name goes with the next version.",
        DeprecationWarning,
        stacklevel=level,
    )
