"""What a node is: a class that declares params, ports and `run`. The rest is derived from it."""

from __future__ import annotations

import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pydantic
from pydantic import ConfigDict, JsonValue

from patchbay.nodes.context import Context, StepKind
from patchbay.nodes.data import Deferred
from patchbay.nodes.errors import NodeError
from patchbay.nodes.input_field import InputField
from patchbay.nodes.ports import UNSET, Port, Ports, port
from patchbay.nodes.values import KIND_TYPES, SecretRef, Value, ValueKind

Widget = Literal[
    "textarea", "code", "slider", "json", "secret", "file", "folder", "model", "adapter", "flow",
]  # fmt: skip
"""How the inspector draws a param whose type does not say it. All others follow from the type: a
`bool` is a switch, a `Literal` a choice, a list of texts or of small records a table."""
SAID_BY_THE_TYPE = ("text", "number", "choice", "switch", "list", "table")
"""Words that earlier versions took as a widget and did nothing with."""


# --- params -------------------------------------------------------------------------------------


class NodeParams(Deferred):
    """The settings of a node: what the inspector shows and the flow file stores.

    A string under a field is its documentation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


def Field(default: Any = ..., *, widget: Widget | None = None, **options: Any) -> Any:  # noqa: N802
    """Pydantic's `Field`, with the widget that is shown where the type does not say it."""
    if widget in SAID_BY_THE_TYPE:
        words = f'widget="{widget}" does nothing: the type of the param says it. Leave it out.'
        warnings.warn(words, DeprecationWarning, stacklevel=2)
        widget = None
    extra: dict[str, JsonValue] | None = {"widget": widget} if widget else None
    return pydantic.Field(default, json_schema_extra=extra, **options)


# --- the node -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SubflowUse:
    """A saved flow that a node runs, with the inputs it gives and the outputs it expects."""

    flow: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    param: str = "flow"
    """The param that names it."""


class Node(ABC):
    """A step of a flow. Subclass it, name its `kind`, declare `Params` and ports, write `run`."""

    kind: ClassVar[str]
    """Stable name for ever, `family.what`."""
    version: ClassVar[int] = 1
    """Raised when the meaning of the params changes; `migrations` then upgrades older ones."""
    edition: ClassVar[int] = 1
    """Raised when equal params and inputs give another result than before; what was kept of older
    editions is then not reused."""
    title: ClassVar[str]
    family: ClassVar[str]
    icon: ClassVar[str] = "◇"
    """A name of `patchbay.nodes.icons.ICONS`, or one or two characters."""
    synonyms: ClassVar[tuple[str, ...]] = ()
    """Other words by which people look for it, in small letters: `if`, `router`, `rag`, `gpt`."""
    front: ClassVar[str | tuple[str, ...]] = ""
    """The params that matter most, at most three: the canvas lets people edit them on the node.
    Where none is named, the first long text."""
    variables_of: ClassVar[str] = ""
    """The param whose `{variables}` `input_ports` makes inputs that take whatever can be written
    into a text: the canvas draws them while it is being typed."""
    named_by: ClassVar[str] = ""
    """The param whose text is what a node is called until a person gives it a title."""
    requires: ClassVar[tuple[str, ...]] = ()
    """Import names of optional packages without which the node cannot run."""
    deterministic: ClassVar[bool] = True
    """Whether equal inputs always give equal outputs."""
    opens_itself: ClassVar[bool] = False
    """Whether it reads the models that are wired into it by itself, and not by `ctx.use`: to train
    one, say, which changes it."""
    only_tells: ClassVar[bool] = False
    """Whether `run` awaits nothing but `ctx.warn`, `ctx.progress` and `ctx.stream`, which never
    wait: it is then run without a task. One that awaits nothing at all is known from its code."""
    value_types: ClassVar[tuple[type[Value], ...]] = ()
    """Values that it gives, alone or inside others, besides what its outputs are annotated with."""
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
    def schema_param(cls, params: Any) -> str:
        """The param that holds the JSON Schema of the node's answer, where it gives one that has
        such a form; else "". Whoever runs the flow may put a schema of his own there."""
        return ""

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
    def files(cls, params: Any) -> tuple[str, ...]:
        """Files that params name in another form than as a path: that of a database's address, say.

        They go where the flow goes, as those of params with the widget `file` do.
        """
        return ()

    @classmethod
    def asks(cls, params: Any) -> bool:
        """Whether it may ask a person: such a flow is refused where nobody can be asked."""
        return False

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
    def content(cls, params: Any, folder: Path | None) -> JsonValue:
        """What the result depends on besides params and inputs: the content of files they name.

        A hash, say; equal as long as the files are. None: of nothing. May block. `folder` is where
        relative paths start: the folder of the flow.

        Raises:
            NodeError: a file cannot be read; the node then runs, and says so itself.
        """
        return None

    @classmethod
    def describe(cls, params: Any, inputs: Ports) -> Ports | None:
        """The outputs, where they follow from params and descriptions without doing anything.

        Called while a flow is drawn: no heavy import, no socket, at most a look at the headers of
        files. Only called when all that is wired is known. None where nothing can be said yet.

        Raises:
            NodeError: what is wired or set does not go together; shown as a problem of the node.
        """
        return None

    @classmethod
    def doubts(cls, params: Any, inputs: Ports) -> Sequence[str]:
        """What is better known before the node runs, as sentences: shown as warnings of the node.

        Called while a flow is checked, as `describe` is; an input that is wired, and whose value
        nobody describes, is `UNSET`; one without a wire its default.

        Raises:
            NodeError: the node would fail for certain.
        """
        return ()

    @classmethod
    def summary(cls, params: Any) -> str:
        """One line about the params, for the canvas."""
        return ""

    @classmethod
    def called(cls, params: Mapping[str, Any]) -> str:
        """What a node is called that nobody has given a title: by the param that names it
        (`named_by`), else the title of its kind. `params` as they are stored, right or not."""
        field = cls.Params.model_fields.get(cls.named_by)
        named = params.get(cls.named_by, field.default) if field else None
        words = " ".join(named.split()) if isinstance(named, str) else ""
        return words or cls.title

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


class DescribingNode(Node):
    """A node that only describes: a model, an adapter, a tool, an agent. Declare `describe`."""

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Ports:
        """What `describe` says."""
        return self._described(params, inputs)

    def _described(self, params: Any, inputs: Any) -> Ports:
        outputs = self.describe(params, inputs)
        if outputs is None:
            raise NodeError(f"{type(self).__name__} describes nothing.", retry=False)
        return outputs


class LookingNode(DescribingNode):
    """One whose `describe` looks at files, such as at the head of an adapter: in a thread, so that
    no other node waits for the disk."""

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Ports:
        """What `describe` says."""
        return await ctx.blocking(self._described, params, inputs)


def kind_type(kind: ValueKind) -> Any:
    """The annotation of a port whose type a person chose in a param."""
    return KIND_TYPES[kind]


__all__ = [
    "UNSET", "Context", "DescribingNode", "Field", "InputField", "JsonValue", "LookingNode", "Node",
    "NodeError", "NodeParams", "Port", "Ports", "StepKind", "SubflowUse", "Widget", "kind_type",
    "port",
]  # fmt: skip
