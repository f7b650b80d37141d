"""The node `technique.paraphrases`: one task in several wordings."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import AfterValidator

from patchbay.nodes.contract import Context, Field, Node, Ports, port
from patchbay.nodes.models.asking import Answer, ask, conversation, one_line
from patchbay.nodes.models.options import MaxTokens, repeats
from patchbay.nodes.prompts.braces import fill, variables
from patchbay.nodes.techniques.meaning import ComparedParams
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
    Free texts can be compared by **meaning**, as in *Self-consistency*.
    """

    kind, version = "technique.paraphrases", 1
    title, family, icon = "Prompt paraphrases", "Techniques", "waves"
    synonyms = ("rewrite", "rephrase", "ensemble", "prompt variants")
    deterministic = False

    class Params(ComparedParams):
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
        max_tokens: MaxTokens = 32

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model to ask.")
        input: Promptable = port(doc="What stands for {input} in every wording.")

    class Outputs(Voted):
        """The answer that most wordings lead to."""

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        return params.ports(cls.Inputs)

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
        found = await poll(calls, params, ctx, "wordings", inputs)
        rows = [
            (one_line(wording), answer, fate == "won", one_line(reply.text))
            for wording, answer, fate, reply in zip(
                params.wordings, found.found, found.fates, found.said, strict=True
            )
        ]
        title = f"{found.vote.agreement:.0%} of {len(calls)} wordings agree{params.how}"
        table = found.table(("wording", "answer", "agrees", "text"), rows, title)
        return found.outputs(table, title)


async def _asked(model: ModelSpec, prompt: str, params: Paraphrases.Params, ctx: Context) -> Answer:
    """One wording. All share one seed: only the words differ."""
    messages = conversation(prompt, params.system, "input")
    return await ask(ctx, model, messages, params.call(), port=None)
