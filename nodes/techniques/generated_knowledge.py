"""The node `technique.generated_knowledge`: let a model say what it knows, then answer with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.models.asking import Answer, ask, conversation, one_line, side_by_side
from patchbay.nodes.models.options import MaxTokens, Temperature, repeats
from patchbay.nodes.prompts.braces import fill, variables
from patchbay.nodes.techniques.answers import Vote, same, vote
from patchbay.nodes.techniques.meaning import ComparedParams
from patchbay.nodes.techniques.votes import poll, vote_chart
from patchbay.nodes.values import Message, ModelSpec, Promptable, as_text


def _check_template(template: str) -> str:
    names = sorted(set(variables(template)))
    if names != ["knowledge", "question"]:
        found = ", ".join(f"{{{name}}}" for name in names) or "none"
        raise ValueError(f"it must hold {{knowledge}} and {{question}}; this one holds {found}")
    return template


class Known(NodeParams):
    """A question with a fact that helps to answer it."""

    question: str
    """A question of the kind that will come."""
    knowledge: str
    """A fact that helps."""


class GeneratedKnowledge(Node):
    """Let a model write down what it knows about a question, and answer with each statement.

    Several statements are sampled; the question is answered once with each and, as a comparison,
    without any. The answer is the one given most often, or that of the statement with which the
    model is surest (Liu et al. 2021, "Generated Knowledge Prompting for Commonsense Reasoning",
    arXiv:2110.08387). The paper measures sureness by the probability of the answer; since not
    every model tells that, it is here the share of several samples that agree. Free
    texts can be compared by **meaning**, as in *Self-consistency*.
    """

    kind, version, edition = "technique.generated_knowledge", 1, 2
    title, family, icon = "Generated knowledge", "Techniques", "bulb"
    synonyms = ("facts first", "knowledge")
    deterministic = False

    class Params(ComparedParams):
        statements: int = Field(3, ge=1, le=50)
        """How many statements of knowledge to generate."""
        choose: Literal["most voted", "most confident"] = Field("most voted")
        """Whose answer is taken."""
        samples: int = Field(1, ge=1, le=50)
        """How many answers to sample with each statement; `most confident` needs several."""
        without: bool = Field(True)
        """Answer also without any knowledge, as one more candidate."""
        instruction: str = Field(
            "Write one short fact that helps to answer the question.", widget="textarea"
        )
        """How to ask for knowledge."""
        examples: list[Known] = Field(
            [
                Known(
                    question="Can you see the stars at noon?",
                    knowledge="At noon the sky is lit by the sun, and its light hides the stars.",
                ),
                Known(
                    question="Does a stone float on water?",
                    knowledge="Stone is denser than water, and denser things sink.",
                ),
            ],
        )
        """Questions with helpful facts, shown before the question."""
        template: Annotated[str, AfterValidator(_check_template)] = Field(
            "{knowledge}\n\n{question}", widget="textarea"
        )
        """How knowledge and question are put together."""
        system: str = Field("", max_length=1_000_000, widget="textarea")
        """What the model is told before it answers."""
        temperature: Temperature = 0.7
        """How freely words are chosen, for the statements and the samples."""
        max_tokens: MaxTokens = 64
        """Where a statement or an answer is cut. Empty: as the model says."""

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model to ask.")
        question: Promptable = port(doc="What to answer.")

    class Outputs(Ports):
        answer: str = port(doc="The chosen answer; empty where none was found.")
        knowledge: str = port(doc="The statement that led to it; empty for none.")
        table: Table = port(doc="Every statement: its answer, how sure it is, and its fate.")
        chart: Chart = port(doc="How often each answer came.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        return params.ports(cls.Inputs)

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        return repeats(params, inputs)

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.statements} statements, {params.choose}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        question = as_text(inputs.question)
        conversation(question, port="question")
        asked = _Asked(inputs.model, question, params, ctx)
        said = await side_by_side(
            [partial(asked.knowledge, number) for number in range(params.statements)],
            ctx,
            "statements",
        )
        statements = _sorted_out(said)
        known = [s.text for s in statements if s.used] + ([""] if params.without else [])
        if not known:
            raise _no_statement(params.statements)
        calls = [
            partial(asked.answer, statement, index * params.samples + sample)
            for index, statement in enumerate(known)
            for sample in range(params.samples)
        ]
        found = await poll(calls, params, ctx, "answers", inputs)
        size = params.samples
        parts = [found.meant[i : i + size] for i in range(0, len(calls), size)]
        candidates = [_Candidate(s, vote(part)) for s, part in zip(known, parts, strict=True)]
        best = _best(candidates, found.vote, params)
        return self.Outputs(
            answer=best.vote.winner or "",
            knowledge=best.statement,
            table=_table(statements, candidates, best, params.how),
            chart=vote_chart(found.vote, f"Answers over all statements{params.how}"),
        )


@dataclass(frozen=True, slots=True)
class _Statement:
    """What the model generated, and why it is not used, if so."""

    text: str
    unused: str = ""

    @property
    def used(self) -> bool:
        return not self.unused


def _sorted_out(said: Sequence[str]) -> list[_Statement]:
    """Every statement: those that say nothing, or what an earlier one says, are not used."""
    first: dict[str, int] = {}
    statements = []
    for number, text in enumerate(said, 1):
        key = same(text)
        unused = "empty" if not key else f"same as row {first[key]}" if key in first else ""
        statements.append(_Statement(text, unused))
        first.setdefault(key, number)
    return statements


def _no_statement(asked: int) -> NodeError:
    return NodeError(
        f"The model generated no knowledge: all of {asked} statements are empty.",
        fix="Change the instruction or the examples, or let it answer without knowledge, too.",
        code="technique/no-knowledge",
    )


@dataclass(frozen=True, slots=True)
class _Candidate:
    statement: str
    vote: Vote


@dataclass(frozen=True, slots=True)
class _Asked:
    """The two kinds of request about one question."""

    model: ModelSpec
    question: str
    params: GeneratedKnowledge.Params
    ctx: Context

    async def knowledge(self, number: int) -> str:
        """One sampled statement."""
        turns = [Message(role="system", content=self.params.instruction)]
        for example in self.params.examples:
            turns.append(Message(role="user", content=example.question))
            turns.append(Message(role="assistant", content=example.knowledge))
        turns.append(Message(role="user", content=self.question))
        call = replace(self.params.call(number, self.question), stop=["\n"])
        said = await ask(self.ctx, self.model, turns, call, port=None)
        return said.text.strip()

    async def answer(self, statement: str, number: int) -> Answer:
        """The answer with a statement in view."""
        given = {"knowledge": statement, "question": self.question}
        prompt = fill(self.params.template, given.__getitem__).strip()
        turns = conversation(prompt, self.params.system)
        return await ask(self.ctx, self.model, turns, self.params.call(number, prompt), port=None)


def _best(
    candidates: list[_Candidate], overall: Vote, params: GeneratedKnowledge.Params
) -> _Candidate:
    """The candidate to believe: the surest of all, or the surest of those that won the vote."""
    if params.choose == "most voted":
        winners = [c for c in candidates if _alike(c.vote.winner, overall.winner)]
        if not winners:  # no single statement is won by it
            return _Candidate("", overall)
        candidates = winners
    return max(candidates, key=lambda candidate: candidate.vote.agreement)


def _table(
    statements: Sequence[_Statement], candidates: Sequence[_Candidate], best: _Candidate, how: str
) -> Table:
    """Every statement that was generated, with its fate; the answer without any stands last."""
    asked = iter(candidates)
    rows: list[tuple[JsonValue, ...]] = []
    for statement in statements:
        line = one_line(statement.text)
        if statement.used:
            rows.append((line, *_outcome(next(asked), best)))
        else:
            rows.append((line, None, None, statement.unused))
    rows += [("(without)", *_outcome(candidate, best)) for candidate in asked]
    columns = ("knowledge", "answer", "agreement", "fate")
    return Table(columns=columns, rows=tuple(rows), title=f"Answers with generated knowledge{how}")


def _outcome(candidate: _Candidate, best: _Candidate) -> tuple[JsonValue, JsonValue, JsonValue]:
    answer = candidate.vote.winner
    if candidate is best and answer is not None:
        fate = "chosen"
    elif answer is None:
        fate = "no answer"
    else:
        fate = "agrees" if _alike(answer, best.vote.winner) else "outvoted"
    return answer, candidate.vote.agreement, fate


def _alike(one: str | None, other: str | None) -> bool:
    return one == other if one is None or other is None else same(one) == same(other)
