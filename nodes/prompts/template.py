"""The node `prompt.template`: a text with places to be filled."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.prompts.braces import check, fill, variables
from patchbay.nodes.values import Promptable, as_text


class PromptTemplate(Node):
    """Fill a template's {variables} with what is wired into them.

    Every `{name}` in the template becomes an input; write `{{` and `}}` for literal braces. Only
    plain names may stand in braces, nothing is ever evaluated. Numbers, JSON, documents and chat
    messages are written out as text. A value that is missing is an error, never an empty text.
    """

    kind, version = "prompt.template", 1
    title, family, icon = "Prompt template", "Prompts", "quote"
    front = "template"
    variables_of = "template"
    synonyms = ("prompt", "variables", "placeholder", "format", "fill in")

    class Params(NodeParams):
        template: Annotated[str, AfterValidator(check)] = Field(
            "Answer briefly: {question}", widget="textarea", max_length=200_000
        )
        """The text, with {variables}."""

    class Outputs(Ports):
        text: str = port(doc="The filled template.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        names = variables(params.template)
        return Ports.of({n: (Promptable, port(doc=f"What {{{n}}} stands for.")) for n in names})

    @classmethod
    def summary(cls, params: Params) -> str:
        return next((line.strip() for line in params.template.splitlines() if line.strip()), "")

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        values = inputs.as_dict()
        return self.Outputs(text=fill(params.template, lambda name: _written(values, name)))


def _written(values: dict[str, Any], name: str) -> str:
    if values.get(name) is None:
        raise NodeError(
            f"The template needs {{{name}}}, but nothing arrived for it.",
            fix=f'Wire a value into "{name}", or take {{{name}}} out of the template.',
            port=name,
            code="prompt/missing-value",
            retry=False,
        )
    return as_text(values[name])
