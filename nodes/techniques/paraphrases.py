"""The node `technique.paraphrases`: one task in several wordings."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import AfterValidator

from patchbay.nodes.contract import Context, Field, Node, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.models.asking import Answer, ask, conversation, one_line
from patchbay.nodes.models.options import Tokens
from patchbay.nodes.prompts.braces import fill, variables
from patchbay.nodes.techniques.answers import same
from patchbay.nodes.techniques.asking import AnswerParams, repeats
from patchbay.nodes.techniques.votes import Voted, poll
from patchbay.nodes.values import ModelSpec, Promptable, as_text


def _check_wording(wording: str) -> str:
    names = sorted(set(variables(wording)))
    if names != ["input"]:
        found = ", ".join(f"{{{name}}}" for name in names) or "no variable"
        raise ValueError(f"a wording must hold {{input}} and nothing else; this one holds {found}")
    return wording


Wording = Annotated[str, AfterValidator(_check_wording)]


class Paraphrases(Node):
    """Ask the same thing in several wordings, in parallel, and compare the answers.

    A model may answer by the wording rather than by the task. T0 was trained on many wordings of
    each task to make it robust (Sanh et al. 2021, "Multitask Prompted Training Enables Zero-Shot
    Task Generalization", arXiv:2110.08207); here they show how much an answer can be relied on.
    """

    kind, version = "technique.paraphrases", 1
    title, family, icon = "Prompt paraphrases", "Techniques", "waves"
    deterministic = False

    class Params(AnswerParams):
        wordings: list[Wording] = Field(
            [
                "{input}\nIs this review positive or negative?",
                "Did the writer like the film? Answer positive or negative.\n{input}",
                "{input}\nThe sentiment of this text, positive or negative, is:",
            ],
            min_length=1,
            max_length=50,
        )
        """The task in several wordings, each with {input}."""
        system: str = Field("", max_length=1_000_000, widget="textarea")
        """What the model is told before each wording (the system text)."""
        max_tokens: Tokens = 32

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model to ask.")
        input: Promptable = port(doc="What stands for {input} in every wording.")

    class Outputs(Voted):
        """The answer that most wordings lead to."""

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        return repeats(params, inputs)

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{len(params.wordings)} wordings"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Voted:
        case = as_text(inputs.input)
        conversation(case, port="input")
        calls = [
            partial(_asked, inputs.model, fill(wording, lambda _: case), params, ctx)
            for wording in params.wordings
        ]
        found = await poll(calls, params, ctx, "wordings")
        rows = (
            (one_line(wording), answer, _agrees(answer, found.vote.winner), one_line(reply.text))
            for wording, answer, reply in zip(params.wordings, found.found, found.said, strict=True)
        )
        title = f"{found.vote.agreement:.0%} of {len(calls)} wordings agree"
        columns = ("wording", "answer", "agrees", "text")
        table = Table(columns=columns, rows=tuple(rows), title=title)
        return found.outputs(table, title)


async def _asked(model: ModelSpec, prompt: str, params: Paraphrases.Params, ctx: Context) -> Answer:
    """One wording. All share one seed: only the words differ."""
    messages = conversation(prompt, params.system, "input")
    return await ask(ctx, model, messages, params.call(), port=None)


def _agrees(answer: str | None, winner: str | None) -> bool:
    return answer is not None and winner is not None and same(answer) == same(winner)
