"""The node `technique.self_consistency`: ask several times, and take what most answers say."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Context, Field, Node, Ports, port
from patchbay.nodes.models.asking import Answer, ask, conversation, one_line, with_suffix
from patchbay.nodes.models.options import Temperature, repeats
from patchbay.nodes.techniques.meaning import ComparedParams
from patchbay.nodes.techniques.votes import Voted, poll
from patchbay.nodes.values import Message, ModelSpec, as_text


class SelfConsistency(Node):
    """Sample several answers to one prompt in parallel, and take the one given most often.

    Different ways of reasoning that end in one answer make it likelier to be right (Wang et al.
    2022, "Self-Consistency Improves Chain of Thought Reasoning in Language Models",
    arXiv:2203.11171). The samples differ by seeds made from one seed, so the vote repeats. How
    many agree is given as a share of all samples. Wire in a few-shot or chain-of-thought prompt.

    Free texts seldom agree in letters. Compared by **meaning**, those are one answer whose vectors
    have a cosine of the threshold at least, and of which none has other numbers or a "not" that the
    others lack; the one most like the others speaks for them.
    """

    kind, version, edition = "technique.self_consistency", 1, 2
    title, family, icon = "Self-consistency", "Techniques", "vote"
    front = ("samples", "temperature")
    synonyms = ("vote", "majority", "sample", "ensemble")
    deterministic = False

    class Params(ComparedParams):
        samples: int = Field(5, ge=1, le=100)
        """How many answers to sample."""
        temperature: Temperature = 0.7
        """How freely words are chosen. At 0 all samples are alike."""
        suffix: str = Field(
            'Think step by step. End with "The answer is" and the answer.', widget="textarea"
        )
        """Added to the end of the prompt; empty for a prompt that asks for it already."""
        stop: list[str] = Field([], max_length=16)
        """Texts at which an answer ends."""
        system: str = Field("", max_length=1_000_000, widget="textarea")
        """What the model is told before the prompt."""

        @property
        def sampling(self) -> CallOptions:
            """What each call is made with."""
            return replace(super().sampling, stop=self.stop)

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model to ask.")
        prompt: str | list[Message] = port(doc="What to ask: a text, or a whole conversation.")

    class Outputs(Voted):
        """The answer of most samples."""

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        return params.ports(cls.Inputs)

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        return repeats(params, inputs)

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.samples} samples"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Voted:
        messages = with_suffix(conversation(inputs.prompt, params.system), params.suffix)
        calls = [
            partial(_sample, inputs.model, messages, params, ctx, number)
            for number in range(params.samples)
        ]
        found = await poll(calls, params, ctx, "samples", inputs)
        rows = [
            (number, answer, fate, one_line(sample.text))
            for number, (answer, fate, sample) in enumerate(
                zip(found.found, found.fates, found.said, strict=True), 1
            )
        ]
        title = f"{found.vote.agreement:.0%} of {params.samples} samples agree{params.how}"
        table = found.table(("sample", "answer", "fate", "text"), rows, title)
        return found.outputs(table, title)


async def _sample(
    model: ModelSpec, messages: list[Message], params: SelfConsistency.Params, ctx: Context,
    number: int,
) -> Answer:  # fmt: skip
    return await ask(ctx, model, messages, params.call(number, as_text(messages)), port=None)
