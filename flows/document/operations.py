"""The edits a person can make, as plain data: what the browser sends and undo stores.

Every operation is a frozen model that survives JSON. `flows/document/edit.py` says what each does.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, TypeAdapter

from patchbay.flows.document.model import (
    EndpointText,
    Flow,
    FlowVariable,
    Group,
    Id,
    NodeInstance,
    Note,
    Part,
    Place,
    SingleLine,
)


class Wire(Part):
    """A wire by its two ends, each `node.port`."""

    source: EndpointText = Field(alias="from")
    target: EndpointText = Field(alias="to")


class AddNode(Part):
    """Put a node on the canvas. Its id must be free."""

    op: Literal["add_node"] = "add_node"
    node: NodeInstance
    at: Place | None = None


class Remove(Part):
    """Take things away. A node goes with its wires; a group goes alone, its nodes stay."""

    op: Literal["remove"] = "remove"
    nodes: tuple[Id, ...] = ()
    edges: tuple[Wire, ...] = ()
    notes: tuple[Id, ...] = ()
    groups: tuple[Id, ...] = ()


class Connect(Part):
    """Draw a wire. With `replace`, wires that already end in that port give way."""

    op: Literal["connect"] = "connect"
    source: EndpointText = Field(alias="from")
    target: EndpointText = Field(alias="to")
    replace: bool = False


class Disconnect(Part):
    """Take one wire away."""

    op: Literal["disconnect"] = "disconnect"
    source: EndpointText = Field(alias="from")
    target: EndpointText = Field(alias="to")


class Replug(Part):
    """Move an end of a wire. The wire keeps its place in the order."""

    op: Literal["replug"] = "replug"
    old: Wire
    new: Wire
    replace: bool = False


class SetParams(Part):
    """Set some params of a node, and return others to their defaults."""

    op: Literal["set_params"] = "set_params"
    node: Id
    params: dict[str, JsonValue] = {}
    unset: tuple[str, ...] = ()


class Rename(Part):
    """Call a node something else; None is the kind's own title."""

    op: Literal["rename"] = "rename"
    node: Id
    title: SingleLine | None


class SetId(Part):
    """Give a node another id. Wires, groups and layout follow."""

    op: Literal["set_id"] = "set_id"
    node: Id
    id: Id


class SetRun(Part):
    """Change how the engine treats a node: fields of `RunPolicy`."""

    op: Literal["set_run"] = "set_run"
    node: Id
    run: dict[str, JsonValue]


class Disable(Part):
    """Switch nodes off, or on again."""

    op: Literal["disable"] = "disable"
    nodes: tuple[Id, ...]
    disabled: bool = True


class Move(Part):
    """Put nodes, notes or groups elsewhere. A size that is not given stays."""

    op: Literal["move"] = "move"
    places: dict[Id, Place]


class AddNote(Part):
    """Stick a note on the canvas."""

    op: Literal["add_note"] = "add_note"
    note: Note
    at: Place | None = None


class EditNote(Part):
    """Change a note's text or color."""

    op: Literal["edit_note"] = "edit_note"
    note: Id
    text: str | None = Field(None, max_length=20_000)
    color: Literal["yellow", "blue", "green", "pink", "gray"] | None = None


class AddGroup(Part):
    """Put nodes into a group. They leave the groups they were in."""

    op: Literal["group"] = "group"
    group: Group
    at: Place | None = None


class EditGroup(Part):
    """Rename a group, fold it, or change what is in it."""

    op: Literal["edit_group"] = "edit_group"
    group: Id
    title: SingleLine | None = None
    folded: bool | None = None
    nodes: tuple[Id, ...] | None = None


class SetMeta(Part):
    """Change the flow's name, its description, or all of its variables."""

    op: Literal["set_meta"] = "set_meta"
    name: SingleLine | None = None
    description: str | None = Field(None, max_length=20_000)
    variables: tuple[FlowVariable, ...] | None = None


class Replace(Part):
    """Put another flow in the place of this one: a restored version, a file that changed."""

    op: Literal["replace"] = "replace"
    flow: Flow


class Slot(Part):
    """One place in a list: no value takes the item away, an index inserts it there."""

    key: str
    index: int | None = Field(None, ge=0)


class NodeSlot(Slot):
    """A node, or its absence."""

    value: NodeInstance | None = None


class EdgeSlot(Slot):
    """A wire, or its absence. The key is `from>to`."""

    value: Wire | None = None


class NoteSlot(Slot):
    """A note, or its absence."""

    value: Note | None = None


class GroupSlot(Slot):
    """A group, or its absence."""

    value: Group | None = None


class Patch(Part):
    """The bare difference of two flows: what undo is made of."""

    op: Literal["patch"] = "patch"
    name: SingleLine | None = None
    description: str | None = Field(None, max_length=20_000)
    variables: tuple[FlowVariable, ...] | None = None
    nodes: tuple[NodeSlot, ...] = ()
    edges: tuple[EdgeSlot, ...] = ()
    notes: tuple[NoteSlot, ...] = ()
    groups: tuple[GroupSlot, ...] = ()
    layout: dict[Id, Place | None] = {}


class Batch(Part):
    """Several operations that are one step for undo. All of them happen, or none."""

    op: Literal["batch"] = "batch"
    ops: tuple[Operation, ...]
    label: SingleLine = ""


Operation = Annotated[
    AddNode
    | Remove
    | Connect
    | Disconnect
    | Replug
    | SetParams
    | Rename
    | SetId
    | SetRun
    | Disable
    | Move
    | AddNote
    | EditNote
    | AddGroup
    | EditGroup
    | SetMeta
    | Replace
    | Patch
    | Batch,
    Field(discriminator="op"),
]
"""Every operation, discriminated by `op`."""

Batch.model_rebuild()
_ADAPTER: TypeAdapter[Any] = TypeAdapter(Operation)


def parse_operation(data: Any) -> Any:
    """The operation of its JSON form.

    Raises:
        pydantic.ValidationError: it is not one.
    """
    return _ADAPTER.validate_python(data)


def dump_operation(op: Any) -> dict[str, Any]:
    """The JSON form of an operation, without what has its default."""
    if isinstance(op, Batch):
        body: dict[str, Any] = {"ops": [dump_operation(inner) for inner in op.ops]}
        if op.label:
            body["label"] = op.label
    else:
        body = op.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"op": op.op, **body}
