"""The node `io.input`: a value that a flow asks its caller for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from pydantic import JsonValue, model_validator

from patchbay.nodes.contract import (
    Context,
    Field,
    InputField,
    Node,
    NodeError,
    NodeParams,
    Ports,
    port,
)
from patchbay.nodes.io.given import InputKind, parse
from patchbay.nodes.names import Name
from patchbay.nodes.values import Document, FileRef, Message

_TYPES: Mapping[InputKind, Any] = {
    "text": str,
    "number": float,
    "choice": str,
    "json": JsonValue,
    "messages": list[Message],
    "file": FileRef,
    "documents": list[Document],
}


@cache
def _ports(kind: InputKind) -> type[Ports]:
    spec = port(doc="What the caller gave, typed by the kind.")
    return Ports.of({"value": (_TYPES[kind], spec)})


class FlowInput(Node):
    """A value that the flow asks for when it runs: a question, a number, a file.

    On the command line it is `--input name=value`, in Python an argument of `run`, in the studio a
    field above the Run button. Without a default it must be given. What is given as text is read
    according to the kind: `3.5` is a number, `{"a": 1}` is JSON, and for files and documents it is
    a path. Documents may be one or several UTF-8 text files; each becomes one document that
    remembers its file as `source`. Messages are a conversation: a text counts as what the user
    says, and the studio's chat sends what was said before along.
    """

    kind, version = "io.input", 1
    title, family, icon = "Flow input", "Input and output", "input"
    front = ("name", "default")
    synonyms = ("question", "start", "chat input", "text input", "form", "trigger", "variable")

    class Params(NodeParams):
        name: Name = Field("question")
        """What the caller calls it."""
        kind: InputKind = Field("text")
        """What the caller gives."""
        default: JsonValue = Field(None, widget="json")
        """The value when the caller gives none. Without one the input must be given."""
        description: str = Field("", max_length=2000)
        """A sentence that tells the caller what to give."""
        choices: list[str] = Field([])
        """The values to choose from, for the kind `choice`."""

        @model_validator(mode="after")
        def _default_fits(self) -> FlowInput.Params:
            if self.kind == "choice" and not self.choices:
                raise ValueError("an input of the kind choice needs choices")
            if self.default is not None and self.kind not in ("file", "documents"):
                try:  # files are only looked at when the flow runs
                    parse(self.kind, self.name, self.choices, self.default)
                except NodeError as error:
                    raise ValueError(f"the default does not fit. {error.message}") from None
            return self

    class Outputs(Ports):
        value: str = port(doc="What the caller gave, typed by the kind.")

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        return _ports(params.kind)

    @classmethod
    def flow_input(cls, params: Params) -> InputField:
        return InputField(
            name=params.name,
            kind=params.kind,
            required=params.default is None,
            default=params.default,
            description=params.description,
            choices=tuple(params.choices),
            parse=partial(parse, params.kind, params.name, tuple(params.choices)),
        )

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.name}: {params.kind}"

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        return self.output_ports(params)(value=ctx.flow_input(params.name))
