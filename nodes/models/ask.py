"""The node that asks a chat model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import JsonValue, field_validator

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.models.asking import Answer, ask, judge
from patchbay.nodes.models.doubts import schema_doubts
from patchbay.nodes.models.form import Form
from patchbay.nodes.models.options import repeats
from patchbay.nodes.models.pictures import picture_doubts, with_pictures
from patchbay.nodes.values import Message, ModelSpec, Picture


class AskModel(Node):
    """Ask a chat model, and stream its answer.

    The prompt is a text or a list of messages; a system text goes before it. Pictures go with the
    last thing that the user says, for a model that sees. With a JSON schema
    the model can only write JSON of that shape, and the answer is also given parsed.
    """

    kind, version = "model.ask", 1
    title, family = "Ask a model", "Models"
    front = ("system", "temperature", "max_tokens")
    icon = "spark"
    synonyms = (
        "llm", "chat", "llm chain", "completion", "generate", "call model", "gpt", "answer",
        "vision", "multimodal",
    )  # fmt: skip
    deterministic = False

    class Params(NodeParams, Form):
        system: str = Field("", max_length=1_000_000, widget="textarea")
        """What the model is told before the prompt. A wire into `system` takes its place."""
        stop: list[str] = Field(default_factory=list, max_length=16)
        """Texts at which the answer ends; they are not part of it."""

        @field_validator("stop")
        @classmethod
        def _no_empty_stop(cls, stop: list[str]) -> list[str]:
            if not all(stop):
                raise ValueError("a stop text must not be empty")
            return stop

        @property
        def sampling(self) -> CallOptions:
            """What the call is made with."""
            return replace(super().sampling, stop=self.stop)

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model to ask, local or not.")
        prompt: str | list[Message] = port(doc="What to ask: a text, or a whole conversation.")
        system: str | None = port(None, doc="Takes the place of the param.")
        pictures: list[Picture] = port([], doc="What the model is to look at, for one that sees.")

    class Outputs(Ports):
        text: str = port(doc="The answer, as it was written.")

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        """The text; with a schema also the parsed JSON."""
        return cls.Outputs if params.json_schema is None else _WithJson

    @classmethod
    def schema_param(cls, params: Params) -> str:
        """The schema's, where there is one."""
        return "" if params.json_schema is None else "json_schema"

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the same answer would come again: at temperature 0, or with a seed."""
        return repeats(params, inputs)

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> Sequence[str]:
        """What of its JSON schema the model cannot be held to.

        Raises:
            NodeError: pictures are wired to a model that reads text only.
        """
        picture_doubts(inputs["model"], inputs["pictures"])
        return schema_doubts(inputs["model"], params.json_schema)

    @classmethod
    def summary(cls, params: Params) -> str:
        """What differs from the model's own settings."""
        parts = [
            f"{name} {value}"
            for name, value in (
                ("temperature", params.temperature),
                ("seed", params.seed),
                ("at most", params.max_tokens),
            )
            if value is not None
        ]
        return " · ".join([*parts, "JSON"] if params.json_schema is not None else parts)

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Ports:
        """Ask, streaming the answer."""
        messages = _messages(inputs, params)
        answer = await ask(ctx, inputs.model, messages, params.sampling, says_cut=False)
        made = None
        if params.json_schema is not None:  # what is said of a cut one then stands in the error
            parsed = _parsed(answer, params.json_schema, inputs.model)
            made = _WithJson(text=answer.text, json=parsed)
        if short := answer.shortfall():
            await ctx.warn(short)
        return made or self.Outputs(text=answer.text)


class _WithJson(AskModel.Outputs):
    json: JsonValue = port(doc="The answer, parsed.")


def _messages(inputs: AskModel.Inputs, params: AskModel.Params) -> list[Message]:
    prompt = inputs.prompt
    messages = [Message(role="user", content=prompt)] if isinstance(prompt, str) else list(prompt)
    if not any(message.content.strip() for message in messages):
        raise NodeError(
            "The prompt is empty.",
            fix="Wire a text into the prompt.",
            port="prompt",
            code="model/empty-prompt",
            retry=False,
        )
    messages = with_pictures(messages, inputs.pictures)
    system = params.system if inputs.system is None else inputs.system
    return [Message(role="system", content=system), *messages] if system else messages


def _parsed(answer: Answer, schema: Mapping[str, JsonValue], model: ModelSpec) -> JsonValue:
    value, fault = judge(answer.text, schema, cut=answer.cut)
    if not fault:
        return value
    text = answer.text
    shown = text if len(text) <= 500 else f"{text[:500]} …"
    why = "it was cut at the limit of tokens" if answer.cut else fault.rstrip(".")
    if not text.strip():
        why = answer.shortfall().rstrip(".")
    raise NodeError(
        f"The answer does not follow the JSON schema: {why}. The model wrote: {shown!r}",
        fix="Raise max tokens." if answer.cut else model.schema_fix,
        port="json",
        code="model/not-json",
    )
