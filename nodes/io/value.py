"""The node `io.value`: a value that stands in the flow, or comes from one of its variables."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import JsonValue, model_validator

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.values import as_text


class GivenValue(Node):
    """A text, a number or JSON that is always the same, or one of the flow's variables.

    Write it down, or take a variable by `{"variable": "NAME"}`: variables are declared in the
    flow's settings, and may have other values where the flow runs elsewhere (`--env production`).
    """

    kind, version = "io.value", 1
    title, family, icon = "Value", "Input and output", "quote"
    front = "value"
    synonyms = ("variable", "constant", "text", "number", "set variable", "environment", "vars")

    class Params(NodeParams):
        value: JsonValue = Field("", widget="json")
        """What it is; `{"variable": "NAME"}` takes a variable of the flow."""
        type: Literal["text", "number", "json"] = Field("text")
        """What it goes on as. Anything but text is written out as text where text is wanted."""

        @model_validator(mode="after")
        def _fits(self) -> GivenValue.Params:
            is_number = isinstance(self.value, (int, float)) and not isinstance(self.value, bool)
            if self.type == "number" and not is_number:
                raise ValueError("value must be a number, since its type is number")
            return self

    class Outputs(Ports):
        value: Any = port(doc="The value.")

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        """Of the type that is chosen."""
        types: dict[str, Any] = {"text": str, "number": float, "json": JsonValue}
        return cls.Outputs.retyped(value=types[params.type])

    @classmethod
    def summary(cls, params: Params) -> str:
        """The value, in one line."""
        line = " ".join(as_text(params.value).split())
        return line if len(line) <= 60 else f"{line[:59]}…"

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        """Give it."""
        value = as_text(params.value) if params.type == "text" else params.value
        return self.Outputs(value=value)
