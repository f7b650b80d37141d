"""The inputs and outputs of a node, declared like a dataclass: typed, documented, with defaults."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, dataclass_transform, get_type_hints

from patchbay.nodes.values import PortType, is_optional, port_type

UNSET: Any = type("Unset", (), {"__repr__": lambda self: "UNSET", "__bool__": lambda self: False})()
"""An output that was not set: "not this branch"."""


@dataclass(frozen=True, slots=True)
class Port:
    """One port as declared."""

    name: str
    type: PortType
    required: bool = True
    default: Any = UNSET
    doc: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Declared:
    default: Any
    doc: str
    hidden: bool

    def _key(self) -> tuple[Any, ...]:
        """Defaults are told apart as JSON does: 1 is not true, nor 1.0."""
        return type(self.default), repr(self.default), self.doc, self.hidden

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Declared) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


def port(default: Any = UNSET, *, doc: str = "", hidden: bool = False) -> Any:
    """Declare a port with a default, a sentence of documentation, or both.

    An input with a default may stay unwired. An output that is never set skips what hangs on it.
    """
    return _Declared(default, doc, hidden)


@dataclass_transform(kw_only_default=True, field_specifiers=(port,))
class Ports:
    """The inputs or the outputs of a node: annotated names, like a dataclass.

    An input without a default, whose type does not allow None, must be wired.
    """

    declared: ClassVar[Mapping[str, Port]] = {}

    def __init_subclass__(cls) -> None:
        own = [name for name in inspect.get_annotations(cls) if name != "declared"]
        hints = get_type_hints(cls, include_extras=True) if own else {}
        fresh = {name: _declare(name, hints[name], cls.__dict__.get(name, UNSET)) for name in own}
        cls.declared = {**cls.declared, **fresh}
        for name in own:
            if name in cls.__dict__:
                delattr(cls, name)

    def __init__(self, /, **values: Any) -> None:  # a port may be called `self`
        declared = self.declared
        if not values.keys() <= declared.keys():
            names = ", ".join(sorted(values.keys() - declared.keys()))
            raise TypeError(f"{type(self).__qualname__} has no port {names}")
        own = self.__dict__  # some are made for every node of every row of a batch
        for name, spec in declared.items():
            own[name] = values.get(name, spec.default)

    def as_dict(self) -> dict[str, Any]:
        """The ports that are set, by name."""
        own = self.__dict__
        return {n: v for n in self.declared if (v := own[n]) is not UNSET}

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __repr__(self) -> str:
        body = ", ".join(f"{k}={v!r}" for k, v in self.as_dict().items())
        return f"{type(self).__name__}({body})"

    @staticmethod
    def of(types: Mapping[str, Any]) -> type[Ports]:
        """Ports that are only known once the params are: name → type, or (type, `port(…)`)."""
        return _ports_of(tuple(types.items()))

    @classmethod
    def plus(cls, types: Mapping[str, Any]) -> type[Ports]:
        """These ports and, after them, those that params bring; named as in `of`."""
        return _plus(cls, tuple(types.items()))  # type: ignore[arg-type]  # classes have hashes

    @classmethod
    def retyped(cls, /, **types: Any) -> type[Ports]:
        """The same ports, of which those named have another type, as params choose."""
        return _retyped(cls, tuple(types.items()))  # type: ignore[arg-type]  # classes have hashes


def _declare(name: str, hint: Any, default: Any) -> Port:
    given = default if isinstance(default, _Declared) else _Declared(default, "", False)
    optional = is_optional(hint)
    value = None if given.default is UNSET and optional else given.default
    return Port(name, port_type(hint), value is UNSET, value, given.doc, given.hidden)


@lru_cache(maxsize=16384)
def _ports_of(types: tuple[tuple[str, Any], ...]) -> type[Ports]:
    declared = {}
    for name, hint in types:
        annotation, default = hint if isinstance(hint, tuple) else (hint, UNSET)
        declared[name] = _declare(name, annotation, default)
    return _made(declared)


@lru_cache(maxsize=4096)
def _plus(ports: type[Ports], types: tuple[tuple[str, Any], ...]) -> type[Ports]:
    return _made({**ports.declared, **_ports_of(types).declared})


@lru_cache(maxsize=4096)
def _retyped(ports: type[Ports], types: tuple[tuple[str, Any], ...]) -> type[Ports]:
    declared = dict(ports.declared)
    for name, hint in types:
        known = declared[name]
        declared[name] = _declare(name, hint, _Declared(known.default, known.doc, known.hidden))
    return _made(declared)


def _made(declared: Mapping[str, Port]) -> type[Ports]:
    made: type[Ports] = type("DynamicPorts", (Ports,), {})
    made.declared = declared
    return made
