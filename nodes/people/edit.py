"""The node `people.edit`: a person changes a text, JSON or a table."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, NodeError, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.people.asking import Asking, AskingNode, asked
from patchbay.nodes.ports import UNSET
from patchbay.nodes.questions import EditWanted
from patchbay.nodes.values import type_in_words

_TYPES: dict[str, Any] = {"text": str, "json": JsonValue, "table": Table}


class Edit(AskingNode):
    """Let a person change a value: a text, JSON, or a table.

    What went in is shown to edit, and what was changed as a difference. The value goes on as the
    person left it.
    """

    kind, version = "people.edit", 1
    title, icon = "Edit", "text"
    front = "question"
    synonyms = ("human in the loop", "correct", "revise", "rewrite", "interrupt")

    class Params(Asking):
        question: str = Field("Is this right?", min_length=1, max_length=2000)
        """What the person is asked, in one line."""
        of: Literal["text", "json", "table"] = Field("text")
        """What is edited."""
        when_late: Literal["fail", "as it is"] = Field("fail")
        """What happens when nobody answers in time."""

    class Inputs(Ports):
        value: str = port(doc="What is edited.")

    class Outputs(Ports):
        value: str = port(doc="The value as the person left it.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        return cls.Inputs.retyped(value=_TYPES[params.of])

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        return cls.Outputs.retyped(value=_TYPES[params.of])

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        value = inputs["value"]
        if params.of == "table" and not isinstance(value, Table):
            raise NodeError(
                f'"value" takes a table, but got {type_in_words(value)}.',
                port="value", code="people/not-a-table", retry=False,
            )  # fmt: skip
        default = value if params.when_late == "as it is" else UNSET
        answer = await asked(params, EditWanted(params.of), value, ctx, default)
        return self.output_ports(params)(value=answer.value)
