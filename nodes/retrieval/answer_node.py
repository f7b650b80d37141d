"""The node `retrieval.answer`: an answer from documents, with numbered sources."""

from __future__ import annotations

from typing import Literal

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import (
    Context,
    Field,
    JsonValue,
    Node,
    NodeError,
    NodeParams,
    Ports,
    port,
)
from patchbay.nodes.models.asking import ask, say_if_empty
from patchbay.nodes.models.options import MaxTokens, Temperature
from patchbay.nodes.retrieval import citing
from patchbay.nodes.values import Document, Message, ModelSpec

INSTRUCTION = (
    "Answer the question in one or two sentences, only from the numbered passages. After each "
    "statement put the number of its passage in brackets, like [1]. If the passages do not hold "
    "the answer, write: {nothing}"
)
NOTHING = "I found nothing about that in the documents."


class AnswerWithSources(Node):
    """Answer a question from what a search found, citing it by numbers.

    Retrieval-augmented generation (Lewis et al. 2020, arXiv:2005.11401): the passages go into the
    prompt, numbered, and the model may use nothing else. `[2]` in the answer is the second of
    `sources`; `citations` says where each cited one stands. Where nothing was found, or nothing
    matches well enough, the model is not asked, and the answer says so.

    Small models seldom cite by themselves. With **ask**, one that did not is asked once more, which
    passage holds its answer; it can only name one that there is, by grammar where the backend can.
    """

    kind, version = "retrieval.answer", 1
    title, family, icon = "Answer with sources", "Retrieval", "spark"
    synonyms = (
        "rag", "question answering", "qa", "citations", "retrieval qa", "chat with documents",
    )  # fmt: skip
    deterministic = False

    class Params(NodeParams):
        instruction: str = Field(INSTRUCTION, min_length=1, max_length=100_000, widget="textarea")
        """What the model is told; {nothing} stands for the text below."""
        nothing: str = Field(NOTHING, min_length=1, max_length=2000)
        """The answer where nothing relevant was found."""
        least_score: float | None = Field(None)
        """Documents with a lower score count as irrelevant. Empty: all count."""
        cite: Literal["inline", "ask"] = Field("ask")
        """What is done about an answer without numbers: nothing, or the model is asked for one."""
        temperature: Temperature = 0.0
        """How freely words are chosen; empty for as the model says."""
        max_tokens: MaxTokens = 256
        """Where the answer is cut; empty for as the model says."""

    class Inputs(Ports):
        model: ModelSpec = port(doc="Who answers.")
        question: str = port(doc="What is asked.")
        documents: list[Document] = port(doc="What was found; each becomes a numbered passage.")

    class Outputs(Ports):
        text: str = port(doc="The answer, with numbers in brackets.")
        sources: list[Document] = port(doc="The passages, in the order of their numbers.")
        citations: JsonValue = port(doc="The cited passages: number, place, score, first words.")

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the same answer would come again: at temperature 0."""
        return params.temperature == 0

    @classmethod
    def summary(cls, params: Params) -> str:
        """How it cites."""
        return "cites inline" if params.cite == "inline" else "cites, or is asked to"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        question = inputs.question.strip()
        if not question:
            raise NodeError(
                "The question is empty.",
                fix="Wire a text into the question.",
                port="question",
                code="retrieval/empty-query",
                retry=False,
            )
        passages = [d for d in inputs.documents if d.text.strip() and _fits(d, params.least_score)]
        if not passages:
            await ctx.stream("text", params.nothing)
            return self.Outputs(text=params.nothing, sources=[], citations=[])
        text, numbers = await _answered(inputs.model, question, passages, params, ctx)
        return self.Outputs(
            text=text, sources=passages, citations=citing.citations(numbers, passages)
        )


def _fits(document: Document, least: float | None) -> bool:
    return least is None or document.score is None or document.score >= least


async def _answered(
    model: ModelSpec,
    question: str,
    passages: list[Document],
    params: AnswerWithSources.Params,
    ctx: Context,
) -> tuple[str, list[int]]:
    """The text, and the numbers that it cites."""
    messages = citing.prompt(params.instruction, question, passages, params.nothing)
    call = CallOptions(temperature=params.temperature, max_tokens=params.max_tokens)
    answer = await ask(ctx, model, messages, call)
    text = answer.text.rstrip()
    numbers = citing.cited(text)
    if not text:
        await say_if_empty(ctx, answer)
        return text, []
    if strange := [n for n in numbers if not 1 <= n <= len(passages)]:
        listed = ", ".join(f"[{n}]" for n in strange)
        await ctx.warn(f"The answer cites {listed}, but there are {len(passages)} passages.")
    if numbers or params.nothing in text:
        return text, numbers
    if params.cite == "ask":
        numbers = await _asked_for(model, citing.which(messages, text), len(passages), ctx)
    if not numbers:
        await ctx.warn("The answer cites none of its passages.")
    marks = "".join(f" [{n}]" for n in numbers)
    await ctx.stream("text", marks)
    return text + marks, numbers


async def _asked_for(
    model: ModelSpec, messages: list[Message], passages: int, ctx: Context
) -> list[int]:
    call = CallOptions(temperature=0.0, max_tokens=32, json_schema=citing.schema(passages))
    named = citing.from_json((await ask(ctx, model, messages, call, port=None)).text)
    return [named] if named is not None and 1 <= named <= passages else []
