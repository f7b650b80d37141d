"""The node `technique.chain_of_thought`: let a model reason before it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.models.asking import Answer, ask, conversation
from patchbay.nodes.models.options import repeats
from patchbay.nodes.techniques.answers import AnswerKind
from patchbay.nodes.techniques.asking import AnswerParams
from patchbay.nodes.values import Message, ModelSpec, Promptable, as_text

_NAMED: dict[AnswerKind, str] = {"text": "", "number": " (arabic numerals)", "choice": ""}


class Reasoned(NodeParams):
    """A solved case with the way to its answer."""

    question: str
    """The case, as it would be asked."""
    reasoning: str
    """The steps that lead to the answer."""
    answer: str
    """The answer alone."""


class ChainOfThought(Node):
    """Let a model reason step by step, and take the final answer out of what it wrote.

    `zero-shot` asks twice: first "Let's think step by step", then, with the reasoning in view,
    "Therefore, the answer is" (Kojima et al. 2022, "Large Language Models are Zero-Shot Reasoners",
    arXiv:2205.11916). `few-shot` shows solved cases with their reasoning and asks once (Wei et al.
    2022, "Chain-of-Thought Prompting Elicits Reasoning in Large Language Models",
    arXiv:2201.11903). The reasoning is streamed.
    """

    kind, version = "technique.chain_of_thought", 1
    title, family, icon = "Chain of thought", "Techniques", "steps"
    synonyms = ("cot", "step by step", "reasoning", "think")
    deterministic = False

    class Params(AnswerParams):
        method: Literal["zero-shot", "few-shot"] = Field("zero-shot")
        """Ask for reasoning in words, or show it in examples."""
        trigger: str = Field("Let's think step by step.", min_length=1, widget="textarea")
        """For `zero-shot`: what makes the model reason."""
        examples: list[Reasoned] = Field(
            [
                Reasoned(
                    question="A shelf has 2 rows of 6 books. 3 books are lent out. "
                    "How many books are on the shelf?",
                    reasoning="2 rows of 6 books are 2 * 6 = 12 books. "
                    "3 are lent out, so 12 - 3 = 9 are left.",
                    answer="9",
                ),
                Reasoned(
                    question="Ida has 7 euros and gets 5 more. She buys a ticket for 4 euros. "
                    "How many euros does she have?",
                    reasoning="7 and 5 euros are 7 + 5 = 12 euros. "
                    "She pays 4, so 12 - 4 = 8 are left.",
                    answer="8",
                ),
            ],
        )
        """For `few-shot`: solved cases with their reasoning."""
        system: str = Field("", max_length=1_000_000, widget="textarea")
        """What the model is told before everything else."""

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model to ask.")
        question: Promptable = port(doc="What to reason about.")

    class Outputs(Ports):
        answer: str = port(doc="The final answer alone; empty where none was found.")
        reasoning: str = port(doc="Everything the model wrote on the way.")

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        return repeats(params, inputs)

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.method}, the answer is {_article(params.answer)}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        question = as_text(inputs.question)
        conversation(question, port="question")  # an empty one is an error
        turns = _turns(question, params)
        thought = await ask(
            ctx, inputs.model, turns, params.call(), port="reasoning", says_cut=False
        )
        answer = None
        if params.method == "zero-shot":
            second = await _extract(inputs.model, turns, thought, params, ctx)
            answer = params.found(second)
        answer = answer or params.found(thought)
        if answer is None:
            await ctx.warn(f"No {params.answer} was found in the answer, so it is empty.")
        if thought.cut:
            await ctx.warn("The reasoning was cut at the limit of tokens; raise max tokens.")
        return self.Outputs(answer=answer or "", reasoning=thought.text)


def _turns(question: str, params: ChainOfThought.Params) -> list[Message]:
    turns = [Message(role="system", content=params.system)] if params.system else []
    if params.method == "zero-shot":
        return [*turns, Message(role="user", content=f"Q: {question}\nA: {params.trigger}")]
    for example in params.examples:
        turns.append(Message(role="user", content=example.question))
        solved = f"{example.reasoning} The answer is {example.answer}."
        turns.append(Message(role="assistant", content=solved))
    return [*turns, Message(role="user", content=question)]


async def _extract(
    model: ModelSpec, turns: list[Message], thought: Answer, params: ChainOfThought.Params,
    ctx: Context,
) -> Answer:  # fmt: skip
    """Ask again for the answer alone, with the reasoning in view (Kojima's second step)."""
    among = f" (one of: {', '.join(params.choices)})" if params.answer == "choice" else ""
    request = f"Therefore, the answer{_NAMED[params.answer] or among} is"
    messages = [
        *turns,
        Message(role="assistant", content=thought.text),
        Message(role="user", content=request),
    ]
    short = replace(params.call(1), max_tokens=48)  # only the answer counts, which comes first
    return await ask(ctx, model, messages, short, port=None, says_cut=False)


def _article(kind: AnswerKind) -> str:
    return "text" if kind == "text" else f"a {kind}"
