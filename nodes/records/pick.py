"""The node `data.pick`: values out of JSON."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, field_validator
from pydantic import Field as Bounded

from patchbay.nodes.contract import (
    Context,
    Field,
    Node,
    NodeError,
    NodeParams,
    Ports,
    kind_type,
    port,
)
from patchbay.nodes.logic.plain import as_json
from patchbay.nodes.logic.pointer import MISSING, Pointer, look_up, tokens
from patchbay.nodes.names import Name
from patchbay.nodes.numbers import number_in
from patchbay.nodes.values import Document, Message, Table, as_text, type_in_words


class PickedField(BaseModel):
    """One value to pick."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    """The name of its port."""
    pointer: Pointer = Bounded("", max_length=1000)
    """Where it is, as a JSON pointer such as `/items/0/name`. Empty: the whole value."""
    gives: Literal["text", "number", "json"] = "text"
    """Its type on the wire: text (JSON is written out), a number, or JSON as it is."""
    default: JsonValue = None
    """What to give where nothing is there."""


class Pick(Node):
    """Pick values out of JSON by where they are, several at once, each with a port of its own.

    A place is a JSON pointer (RFC 6901): `/user/name`, `/items/0`. Documents and messages are
    looked at as lists of objects, a table as a list of rows. Where nothing is there the default is
    given; without one the node fails, or leaves the port out.
    """

    kind, version = "data.pick", 1
    title, family, icon = "Pick", "Data", "pick"
    synonyms = (
        "json", "field", "extract", "select", "get", "key", "path", "json path", "property",
        "parse json", "get value", "split out",
    )  # fmt: skip

    class Params(NodeParams):
        fields: list[PickedField] = Field(
            [PickedField(name="text", pointer="/text")], min_length=1, max_length=100
        )
        """What is picked: the name of the port, where it is, its type."""
        missing: Literal["fail", "leave out"] = Field("fail")
        """What happens where nothing is there and no default is given: `leave out` skips what
        hangs on that port."""

        @field_validator("fields")
        @classmethod
        def _names_differ(cls, fields: list[PickedField]) -> list[PickedField]:
            names = [field.name for field in fields]
            if twice := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"two fields are named {twice[0]!r}")
            return fields

    class Inputs(Ports):
        json: JsonValue | list[Document] | list[Message] | Table = port(doc="What to look into.")

    class Outputs(Ports):
        text: str = port(doc="What is at that place.")

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        """A port for each field."""
        return Ports.of(
            {
                field.name: (
                    kind_type(field.gives),
                    port(doc=f"What is at {field.pointer or 'the top'}."),
                )
                for field in params.fields
            }
        )

    @classmethod
    def summary(cls, params: Params) -> str:
        """The places."""
        return ", ".join(field.pointer or "all" for field in params.fields)

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Ports:
        """Look each of them up."""
        value = plain(inputs.json)
        picked: dict[str, Any] = {}
        for field in params.fields:
            found = look_up(value, field.pointer)
            if found is MISSING and field.default is not None:
                found = field.default
            if found is not MISSING:
                picked[field.name] = _as_kind(found, field)
            elif params.missing == "fail":
                raise _nowhere(value, field)
        return self.output_ports(params)(**picked)


def plain(value: Any) -> JsonValue:
    """A value of a wire as JSON; a table as a list of rows."""
    if isinstance(value, Table):
        return [dict(zip(value.columns, row, strict=True)) for row in value.rows]
    return as_json(value, "The value")


def _as_kind(found: Any, field: PickedField) -> Any:
    if field.gives == "json":
        return found
    if field.gives == "text":
        return "" if found is None else as_text(found)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return found
    number = number_in(found) if isinstance(found, str) else None
    if number is not None:
        return number
    raise NodeError(
        f'"{field.name}" is to be a number, but at {field.pointer or "the top"} there is '
        f"{type_in_words(found)}: {as_text(found)[:80]!r}.",
        fix="Let it give text or json, or correct the pointer.",
        port="json",
        code="pick/not-a-number",
        retry=False,
    )


def _nowhere(value: Any, field: PickedField) -> NodeError:
    steps = tokens(field.pointer)
    for count in range(len(steps)):  # the first step that leads nowhere
        above = "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps[:count])
        inner = look_up(value, above)
        if look_up(inner, f"/{steps[count].replace('~', '~0').replace('/', '~1')}") is MISSING:
            break
    return NodeError(
        f'There is nothing at {field.pointer} for "{field.name}". {_there(inner, above)}',
        fix="Correct the pointer, give a default, or let the port be left out.",
        port="json",
        code="pick/nothing-there",
        retry=False,
    )


def _there(inner: Any, place: str) -> str:
    where = f"At {place}" if place else "The value"
    if isinstance(inner, dict):
        keys = ", ".join(f'"{key[:40]}"' for key in list(inner)[:10]) or "none"
        return (
            f"{where} has the keys {keys}." if not place else f"{where} there are the keys {keys}."
        )
    if isinstance(inner, list):
        count = "1 item" if len(inner) == 1 else f"{len(inner)} items"
        return f"{where} has {count}." if not place else f"{where} there is a list of {count}."
    return (
        f"{where} is {type_in_words(inner)}."
        if not place
        else f"{where} there is {type_in_words(inner)}."
    )
