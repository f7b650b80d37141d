"""The node `technique.self_consistency`: ask several times, and take what most answers say."""

from __future__ import annotations

from functools import partial

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.models.asking import (
    Answer,
    answer_to,
    conversation,
    one_line,
    side_by_side,
    with_suffix,
)
from patchbay.nodes.techniques.answers import vote
from patchbay.nodes.techniques.asking import AnswerParams, repeats
from patchbay.nodes.techniques.votes import vote_chart, warn_of_missing
from patchbay.nodes.values import Message, ModelSpec, as_text


class SelfConsistency(Node):
    """Sample several answers to one prompt in parallel, and take the one given most often.

    Different ways of reasoning that end in one answer make it likelier to be right (Wang et al.
    2022, "Self-Consistency Improves Chain of Thought Reasoning in Language Models",
    arXiv:2203.11171). The samples differ by seeds made from one seed, so the vote repeats. How
    many agree is given as a share of all samples. Wire in a few-shot or chain-of-thought prompt.
    """

    kind, version = "technique.self_consistency", 1
    title, family, icon = "Self-consistency", "Techniques", "⚖"
    deterministic = False

    class Params(AnswerParams):
        samples: int = Field(5, ge=1, le=100)
        """How many answers to sample."""
        temperature: float | None = Field(0.7, ge=0, le=5)
        """How freely words are chosen. At 0 all samples are alike."""
        suffix: str = Field(
            'Think step by step. End with "The answer is" and the answer.', widget="textarea"
        )
        """Added to the end of the prompt; empty for a prompt that asks for it already."""
        stop: list[str] = Field([], max_length=16, widget="list")
        """Texts at which an answer ends."""
        system: str = Field("", max_length=1_000_000, widget="textarea")
        """What the model is told before the prompt."""

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model to ask.")
        prompt: str | list[Message] = port(doc="What to ask: a text, or a whole conversation.")

    class Outputs(Ports):
        answer: str = port(doc="The answer given most often; empty where none was found.")
        agreement: float = port(doc="The share of all samples that gave it, from 0 to 1.")
        answers: JsonValue = port(doc="The answer of each sample, null where it held none.")
        table: Table = port(doc="Every sample, with its answer.")
        chart: Chart = port(doc="How often each answer came.")

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        return repeats(params, inputs)

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.samples} samples"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        messages = with_suffix(conversation(inputs.prompt, params.system), params.suffix)
        calls = [
            partial(_sample, inputs.model, messages, params, ctx, number)
            for number in range(params.samples)
        ]
        samples = await side_by_side(calls, ctx, "samples")
        found = [params.found(sample.text) for sample in samples]
        result = vote(found)
        await warn_of_missing(result, params.samples, params.answer, ctx)
        rows = (
            (number, answer, one_line(sample.text))
            for number, (answer, sample) in enumerate(zip(found, samples, strict=True), 1)
        )
        title = f"{result.agreement:.0%} of {params.samples} samples agree"
        return self.Outputs(
            answer=result.winner or "",
            agreement=result.agreement,
            answers=list(found),
            table=Table(columns=("sample", "answer", "text"), rows=tuple(rows), title=title),
            chart=vote_chart(result, title),
        )


async def _sample(
    model: ModelSpec, messages: list[Message], params: SelfConsistency.Params, ctx: Context,
    number: int,
) -> Answer:  # fmt: skip
    options = params.options(number, as_text(messages))
    return await answer_to(ctx, model, messages, stop=params.stop, **options)
