"""What a node is: a class that declares params, ports and `run`. The rest is derived from it."""

from __future__ import annotations

import inspect
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import (
    Any,
    ClassVar,
    Literal,
    ParamSpec,
    Protocol,
    TypeVar,
    dataclass_transform,
    get_type_hints,
)

import pydantic
from pydantic import BaseModel, ConfigDict, JsonValue

from nodes.values import KIND_TYPES, PortType, SecretRef, Spec, ValueKind, is_optional, port_type

P = ParamSpec("P")
T = TypeVar("T")

Widget = Literal[
    "text", "textarea", "number", "slider", "choice", "switch", "list", "table", "json", "secret",
    "file", "model", "flow",
]  # fmt: skip


class NodeError(Exception):
    """Something went wrong in a node, in words for the person who drew the flow.

    Args:
        message: what happened, naming the values at hand.
        fix: what would help, as an imperative sentence.
        port: the port that it is about.
        code: a stable code, `family/what`.
        retry: whether trying again can help.
    """

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        port: str | None = None,
        code: str = "node/failed",
        retry: bool = True,
    ) -> None:
        super().__init__(message)
        self.message, self.fix, self.port, self.code, self.retry = message, fix, port, code, retry


# --- params -------------------------------------------------------------------------------------


class NodeParams(BaseModel):
    """The settings of a node: what the inspector shows and the flow file stores.

    A string under a field is its documentation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


def Field(default: Any = ..., *, widget: Widget | None = None, **options: Any) -> Any:  # noqa: N802
    """Pydantic's `Field` with the widget that the inspector shows."""
    extra: dict[str, JsonValue] | None = {"widget": widget} if widget else None
    return pydantic.Field(default, json_schema_extra=extra, **options)


# --- ports --------------------------------------------------------------------------------------

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


@dataclass(frozen=True, slots=True)
class _Declared:
    default: Any
    doc: str
    hidden: bool


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

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - self.declared.keys()
        if unknown:
            names = ", ".join(sorted(unknown))
            raise TypeError(f"{type(self).__qualname__} has no port {names}")
        for name, spec in self.declared.items():
            object.__setattr__(self, name, values.get(name, spec.default))

    def as_dict(self) -> dict[str, Any]:
        """The ports that are set, by name."""
        return {n: v for n in self.declared if (v := getattr(self, n)) is not UNSET}

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __repr__(self) -> str:
        body = ", ".join(f"{k}={v!r}" for k, v in self.as_dict().items())
        return f"{type(self).__name__}({body})"

    @staticmethod
    def of(types: Mapping[str, Any]) -> type[Ports]:
        """Ports that are only known once the params are: name → type, or (type, `port(…)`)."""
        return _ports_of(tuple(types.items()))


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
    made: type[Ports] = type("DynamicPorts", (Ports,), {})
    made.declared = declared
    return made


# --- what a node may ask of the run --------------------------------------------------------------


class Context(Protocol):
    """What a node needs from the run. Implemented by the engine, passed to `run`."""

    @property
    def cancelled(self) -> threading.Event:
        """Set when the run is being cancelled; blocking code should look at it now and then."""

    async def stream(self, port: str, piece: str) -> None:
        """Send a piece of text that will be part of the output `port`."""

    async def progress(self, label: str, done: float, total: float | None = None) -> None:
        """Say how far a slow step has come."""

    async def warn(self, message: str) -> None:
        """Say something that the person should know although the node goes on."""

    def count_tokens(self, prompt: int, completion: int) -> None:
        """Add to the node's token count."""

    async def blocking(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking code in a thread. Cancelling the run raises in that thread."""

    def use(self, spec: Spec) -> AbstractAsyncContextManager[Any]:
        """Open a description (once per process) and hold one of its slots."""

    def secret(self, ref: SecretRef) -> str:
        """A secret's value. Raises `NodeError` when it is not set."""

    def flow_input(self, name: str) -> Any:
        """The value given for a flow input."""

    async def run_flow(
        self, flow: str, inputs: Mapping[str, Any], *, label: str = ""
    ) -> dict[str, Any]:
        """Run another saved flow and return its outputs. `label` tells calls of one node apart."""


# --- the node -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InputField:
    """A value that a flow asks its caller for."""

    name: str
    kind: str
    required: bool
    default: Any = None
    description: str = ""
    choices: tuple[str, ...] = ()
    parse: Callable[[Any], Any] = field(default=lambda value: value, compare=False)
    """Turn what the caller gave into the value on the wire. Raises `NodeError`."""


@dataclass(frozen=True, slots=True)
class SubflowUse:
    """A saved flow that a node runs, with the inputs it gives and the outputs it expects."""

    flow: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class Node(ABC):
    """A step of a flow. Subclass it, name its `kind`, declare `Params` and ports, write `run`."""

    kind: ClassVar[str]
    """Stable name for ever, `family.what`."""
    version: ClassVar[int] = 1
    """Raised when the meaning of the params changes; `migrations` then upgrades older ones."""
    title: ClassVar[str]
    family: ClassVar[str]
    icon: ClassVar[str] = "◇"
    requires: ClassVar[tuple[str, ...]] = ()
    """Import names of optional packages without which the node cannot run."""
    deterministic: ClassVar[bool] = True
    """Whether equal inputs always give equal outputs."""
    migrations: ClassVar[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}
    """Version → function that upgrades the params of that version by one."""

    class Params(NodeParams):
        """No params."""

    class Inputs(Ports):
        """No inputs."""

    class Outputs(Ports):
        """No outputs."""

    @classmethod
    def input_ports(cls, params: Any) -> type[Ports]:
        """The input ports under these params."""
        return cls.Inputs

    @classmethod
    def output_ports(cls, params: Any) -> type[Ports]:
        """The output ports under these params."""
        return cls.Outputs

    @classmethod
    def exclusive_outputs(cls, params: Any) -> tuple[str, ...]:
        """Outputs of which at most one is ever set. Their branches may meet again in one port."""
        return ()

    @classmethod
    def repeatable(cls, params: Any, inputs: Ports) -> bool:
        """Whether the result for these inputs may be cached and used again."""
        return cls.deterministic

    @classmethod
    def flow_input(cls, params: Any) -> InputField | None:
        """The flow input that this node stands for, if it is one."""
        return None

    @classmethod
    def flow_output(cls, params: Any) -> str | None:
        """The name of the flow output that this node stands for, if it is one.

        The output's value is the node's port `value`.
        """
        return None

    @classmethod
    def subflows(cls, params: Any) -> tuple[SubflowUse, ...]:
        """The saved flows that this node runs."""
        return ()

    @classmethod
    def choices(
        cls, param: str, params: Any, secret_of: Callable[[SecretRef], str]
    ) -> list[str] | None:
        """What a param may be set to, asked from a server when a person wants to choose. May block.

        None: nobody can be asked about this param. Never called while a flow is checked.
        Raises `NodeError` when the server cannot be asked.
        """
        return None

    @classmethod
    def summary(cls, params: Any) -> str:
        """One line about the params, for the canvas."""
        return ""

    @classmethod
    def facts(cls, params: Any) -> Mapping[str, str]:
        """What is known before the node runs, label → value, such as the size of a model.

        Shown in the inspector. Fast: it may read the header of a file that is here, no more.
        """
        return {}

    @classmethod
    def doc(cls) -> str:
        """The documentation of the node: its docstring."""
        return inspect.getdoc(cls) or ""

    @abstractmethod
    async def run(self, inputs: Any, params: Any, ctx: Context) -> Ports:
        """Compute the outputs. Input values are shared with other nodes: never change them."""


def kind_type(kind: ValueKind) -> Any:
    """The annotation of a port whose type a person chose in a param."""
    return KIND_TYPES[kind]


__all__ = [
    "UNSET", "Context", "Field", "InputField", "JsonValue", "Node", "NodeError", "NodeParams",
    "Port", "Ports", "SubflowUse", "Widget", "kind_type", "port",
]  # fmt: skip
