"""The node `prompt.few_shot`: teach a model by examples in the prompt."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, JsonValue, ValidationError

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.prompts.braces import Variable, fill, parse
from patchbay.nodes.values import Message, Promptable, as_text, type_in_words


def _check_format(text: str) -> str:
    names = [piece.name for piece in parse(text) if isinstance(piece, Variable)]
    if names != ["input", "output"]:
        found = ", ".join(f"{{{name}}}" for name in names) or "none"
        raise ValueError(
            f"an example's format has {{input}} once and then {{output}} once; this one has {found}"
        )
    return text


class Example(NodeParams):
    """One solved case."""

    input: str
    """The case, as it would be asked."""
    output: str
    """The answer that it should get."""


class FewShot(Node):
    """Show a model solved examples before the new case, so that it answers in the same way.

    Examples in the prompt teach a task without any training (Brown et al. 2020, "Language Models
    are Few-Shot Learners", arXiv:2005.14165). The result comes twice: as one text, for models that
    continue text, and as chat messages, where the instruction is the system message and each
    example is a question of the user with the assistant's answer.
    """

    kind, version = "prompt.few_shot", 1
    title, family, icon = "Few-shot examples", "Prompts", "list"
    front = ("instruction", "count")
    synonyms = ("examples", "few shot", "in-context learning", "demonstrations")

    class Params(NodeParams):
        instruction: str = Field(
            "Classify the sentiment of the text as positive or negative.", widget="textarea"
        )
        """What to do, said before the examples. May be empty."""
        examples: list[Example] = Field(
            [
                Example(input="I loved every minute of it.", output="positive"),
                Example(input="A waste of two hours.", output="negative"),
            ],
        )
        """Solved cases, each an input and its output. A wire into `examples` takes their place."""
        format: Annotated[str, AfterValidator(_check_format)] = Field(
            "Input: {input}\nOutput: {output}", widget="textarea"
        )
        """How one example is written in the text. The new case ends where {output} would stand."""
        separator: str = Field("\n\n", widget="textarea")
        """What stands between instruction, examples and the new case in the text."""
        count: int | None = Field(None, ge=0)
        """How many examples to use, from the first; all without a number."""

    class Inputs(Ports):
        input: Promptable = port(doc="The new case.")
        examples: JsonValue = port(
            None, doc="Solved cases, each with `input` and `output`, such as Select examples gives."
        )

    class Outputs(Ports):
        text: str = port(doc="Instruction, examples and the new case as one text.")
        messages: list[Message] = port(doc="The same as chat messages.")

    @classmethod
    def summary(cls, params: Params) -> str:
        used = len(params.examples[: params.count])
        return f"{used} example{'' if used == 1 else 's'}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        if inputs.input is None:
            raise NodeError(
                "Nothing arrived as the new case.",
                fix='Wire a value into "input".',
                port="input",
                code="prompt/missing-value",
                retry=False,
            )
        case = as_text(inputs.input)
        if inputs.examples is not None:
            params = params.model_copy(update={"examples": _given(inputs.examples)})
        return self.Outputs(text=as_prompt(params, case), messages=as_messages(params, case))


def _given(examples: JsonValue) -> list[Example]:
    try:
        if isinstance(examples, list):
            return [Example.model_validate(item) for item in examples]
        reason = f"this is {type_in_words(examples)}"
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        reason = f"one of them does not fit: {place}: {first['msg']}" if place else first["msg"]
    raise NodeError(
        f'"examples" takes a list of objects with "input" and "output"; {reason}.',
        fix="Wire a Select examples node into it.",
        port="examples",
        code="prompt/examples",
        retry=False,
    )


def as_prompt(params: FewShot.Params, case: str) -> str:
    """Instruction, examples and the new case as one text."""
    used = params.examples[: params.count]
    shown = [
        fill(params.format, {"input": example.input, "output": example.output}.__getitem__)
        for example in used
    ]
    # No blank before the answer: tokenizers join it to the next word, and models derail without it.
    parts = [params.instruction, *shown, _opened(params.format, case).rstrip()]
    return params.separator.join(part for part in parts if part)


def _opened(layout: str, case: str) -> str:
    written = []
    for piece in parse(layout):
        if isinstance(piece, Variable) and piece.name == "output":
            break
        written.append(case if isinstance(piece, Variable) else piece)
    return "".join(written)


def as_messages(params: FewShot.Params, case: str) -> list[Message]:
    """Instruction, examples and the new case as chat messages."""
    turns = [Message(role="system", content=params.instruction)] if params.instruction else []
    for example in params.examples[: params.count]:
        turns.append(Message(role="user", content=example.input))
        turns.append(Message(role="assistant", content=example.output))
    return [*turns, Message(role="user", content=case)]
