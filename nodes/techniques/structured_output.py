"""The node `technique.structured_output`: an answer in fields, checked and repaired."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import AfterValidator, BaseModel, JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.models.asking import (
    Answer,
    ask,
    conversation,
    derived_seed,
    judge,
    one_line,
    with_suffix,
)
from patchbay.nodes.models.doubts import schema_doubts
from patchbay.nodes.models.options import MaxTokens, Sampling, Seed, repeats
from patchbay.nodes.models.schema import SchemaOrNone
from patchbay.nodes.techniques.fields import (
    AnswerField,
    check_answer,
    check_fields,
    model_of,
    schema_of,
)
from patchbay.nodes.values import Message, ModelSpec

Attempt = tuple[str, str]
"""What a model wrote, and what is wrong with it (nothing for the last)."""


@dataclass(frozen=True)
class AnswerForm:
    """What an answer must look like: a JSON Schema, and the model of its fields, if it has any."""

    schema: dict[str, JsonValue]
    shape: type[BaseModel] | None = None

    def check(self, text: str) -> tuple[JsonValue, str]:
        """The answer that a text holds, or None and what is wrong with it, in words for a model."""
        if self.shape is not None:
            return check_answer(self.shape, text)
        value, fault = judge(text, self.schema)
        return (None, fault) if fault else (value, "")

    def words(self) -> str:
        """What it is, in a sentence."""
        return "the schema" if self.shape is None else f"the {len(self.shape.model_fields)} fields"


class StructuredOutput(Node):
    """Get an answer in the fields that you list, as checked JSON.

    The fields become a Pydantic model. Where the model's backend can, its grammar lets the model
    write nothing but JSON of that shape (Willard and Louf 2023, "Efficient Guided Generation for
    Large Language Models", arXiv:2307.09702). The answer is checked in any case; when it does not
    fit, the model is told what is wrong and asked again, as often as allowed (Madaan et al. 2023,
    "Self-Refine: Iterative Refinement with Self-Feedback", arXiv:2303.17651).
    """

    kind, version = "technique.structured_output", 1
    title, family, icon = "Structured output", "Techniques", "braces"
    synonyms = ("json", "schema", "extract", "parser", "output parser", "fields", "pydantic")
    deterministic = False

    class Params(NodeParams, Sampling):
        fields: Annotated[list[AnswerField], AfterValidator(check_fields)] = Field(
            [
                AnswerField(name="name", description="The person's name."),
                AnswerField(name="age", type="whole number", description="Age in years."),
            ],
            max_length=100,
        )
        """The fields of the answer."""
        json_schema: SchemaOrNone = Field(None, widget="json")
        """A JSON Schema in place of the fields."""
        grammar: bool = Field(True)
        """Let the backend force the shape, where it can. Off: only ask, check and repair."""
        repairs: int = Field(2, ge=0, le=20)
        """How often the model may repair an answer that does not fit."""
        system: str = Field("", max_length=1_000_000, widget="textarea")
        """What the model is told before the prompt."""
        seed: Seed = 0
        max_tokens: MaxTokens = 256

        @property
        def form(self) -> AnswerForm:
            """What an answer must look like."""
            if self.json_schema is not None:
                return AnswerForm(self.json_schema)
            shape = model_of(self.fields)
            return AnswerForm(schema_of(shape), shape)

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model to ask.")
        prompt: str | list[Message] = port(doc="What to ask: a text, or a whole conversation.")

    class Outputs(Ports):
        json: JsonValue = port(doc="The answer: an object with the fields.")
        text: str = port(doc="The last answer, as the model wrote it.")
        attempts: Table = port(doc="What the model wrote, and what had to be repaired.")

    @classmethod
    def schema_param(cls, params: Params) -> str:
        return "json_schema"

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        return repeats(params, inputs)

    @classmethod
    def summary(cls, params: Params) -> str:
        if params.json_schema is not None:
            return "JSON schema"
        names = ", ".join(field.name for field in params.fields)
        return names if len(names) <= 60 else f"{len(params.fields)} fields"

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> Sequence[str]:
        """What of the fields the model cannot be held to while it writes."""
        schema = params.form.schema if params.grammar else None
        return schema_doubts(inputs["model"], schema)

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        form = params.form
        schema = form.schema
        messages = conversation(inputs.prompt, params.system)
        messages = with_suffix(messages, f"\n{_instruction(schema)}")
        attempts: list[Attempt] = []
        while len(attempts) <= params.repairs:
            said = await _ask(inputs.model, messages, schema, params, ctx, len(attempts))
            value, problem = form.check(said.text)
            if problem and said.cut:
                problem += " It was cut at the limit of tokens: write less."
            begun = said.text.lstrip().startswith(
                "{"
            )  # a schema would have let it begin no other way
            if said.fault and not attempts and not (said.cut and begun):
                await ctx.warn(f"The model was not held to the schema. {inputs.model.schema_fix}")
            attempts.append((said.text, problem))
            if not problem:
                if said.cut:
                    await ctx.warn(said.shortfall())
                return self.Outputs(json=value, text=said.text, attempts=_table(attempts))
            messages = [*messages, *_repair(said.text, problem)]
        raise _gave_up(attempts, form)


async def _ask(
    model: ModelSpec, messages: list[Message], schema: dict[str, JsonValue],
    params: StructuredOutput.Params, ctx: Context, attempt: int,
) -> Answer:  # fmt: skip
    call = replace(
        params.sampling,
        seed=derived_seed(params.seed, attempt),
        json_schema=schema if params.grammar else None,
    )
    port = "text" if attempt == 0 else None  # what was streamed cannot be taken back
    return await ask(ctx, model, messages, call, port=port, says_cut=False)


def _instruction(schema: dict[str, JsonValue]) -> str:
    return (
        "Answer with one JSON object that follows this JSON Schema, and nothing else:\n"
        f"{json.dumps(schema, ensure_ascii=False)}"
    )


def _repair(text: str, problem: str) -> list[Message]:
    request = f"That answer does not fit:\n{problem}\nWrite the whole JSON object again, mended."
    return [
        Message(role="assistant", content=text or "{}"),
        Message(role="user", content=request),
    ]


def _table(attempts: list[Attempt]) -> Table:
    rows = (
        (number, one_line(text), one_line(problem))
        for number, (text, problem) in enumerate(attempts, 1)
    )
    return Table(columns=("attempt", "answer", "problem"), rows=tuple(rows), title="Attempts")


def _gave_up(attempts: list[Attempt], form: AnswerForm) -> NodeError:
    text, problem = attempts[-1]
    times = f"{len(attempts)} answers" if len(attempts) > 1 else "The answer"
    return NodeError(
        f"{times} did not fit {form.words()}. The last one: "
        f"{one_line(problem)} The model wrote: {one_line(text, 500)!r}",
        fix="Allow more repairs or tokens, describe the fields better, or take a larger model.",
        port="json",
        code="structured/invalid",
    )
