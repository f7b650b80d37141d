"""Which answers mean the same: by the cosine of their vectors, above a threshold that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import model_validator

from patchbay.nodes.contract import Context, Field, Ports, port
from patchbay.nodes.embedded import embedded
from patchbay.nodes.prompts.selection import Vector, cosine
from patchbay.nodes.techniques.answers import Vote, plain_number, same
from patchbay.nodes.techniques.asking import AnswerParams
from patchbay.nodes.values import EmbeddingsSpec

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)*")
_NOT = re.compile(r"\b(?:cannot|neither|never|no|none|nor|not|nothing|without)\b|n['’]t\b", re.I)
_ROUNDING = 1e-6


class ComparedParams(AnswerParams):
    """Settings of a technique in which answers vote."""

    compare: Literal["words", "meaning"] = Field("words")
    """When two free texts are one answer: with the same words, or by embeddings one meaning."""
    threshold: float = Field(0.7, ge=-1, le=1)
    """For `meaning`: the least cosine of two answers that count as one."""

    @model_validator(mode="after")
    def _compares_texts(self) -> Self:
        if self.compare == "meaning" and self.answer != "text":
            raise ValueError(f"meanings are of free texts; a {self.answer} is compared as it is")
        return self

    def ports(self, declared: type[Ports]) -> type[Ports]:
        """The inputs of the technique, with embeddings where answers are compared by meaning."""
        if self.compare != "meaning":
            return declared
        about = port(doc="What tells how alike two answers are.")
        return declared.plus({"embeddings": (EmbeddingsSpec, about)})

    def embeddings(self, inputs: Ports) -> EmbeddingsSpec | None:
        """What is wired to that port, where there is one."""
        found: EmbeddingsSpec | None = inputs["embeddings"] if self.compare == "meaning" else None
        return found

    @property
    def how(self) -> str:
        """How answers are compared, for a title; empty where they are by their words."""
        return f", by meaning (cosine ≥ {self.threshold:g})" if self.compare == "meaning" else ""


@dataclass(frozen=True, slots=True)
class Meanings:
    """Answers by what they mean.

    `groups` has the number of each answer's group, `likeness` its cosine to the answer that stands
    for the group with most answers; both are null where there is no answer.
    """

    vote: Vote
    groups: tuple[int | None, ...]
    likeness: tuple[float | None, ...]
    speakers: tuple[str, ...]
    """By number of the group: the answer that stands for it."""


async def vote_by_meaning(
    answers: Sequence[str | None], embeddings: EmbeddingsSpec, threshold: float, ctx: Context
) -> Meanings:
    """The answers counted by meaning.

    Raises:
        NodeError: the embeddings cannot be opened, or fail.
    """
    texts = list(dict.fromkeys(answer for answer in answers if answer is not None))
    vectors: list[Vector] = []
    if texts:
        async with ctx.use(embeddings) as model:
            vectors = (await ctx.blocking(embedded, model, texts)).tolist()
    return counted(answers, dict(zip(texts, vectors, strict=True)), threshold)


def counted(
    answers: Sequence[str | None], vectors: dict[str, Vector], threshold: float
) -> Meanings:
    """Answers as groups, each by the answer in it that is most like the others."""
    groups = _grouped(list(vectors), vectors, threshold)
    by_text = {text: number for number, group in enumerate(groups) for text in group}
    numbers = [None if answer is None else by_text[answer] for answer in answers]
    speakers = [_speaker(group, answers, vectors) for group in groups]
    order = sorted(range(len(groups)), key=lambda number: -numbers.count(number))
    counts = tuple((speakers[number], numbers.count(number)) for number in order)
    winner, most = counts[0] if counts else (None, 0)
    likeness = tuple(
        None if a is None or winner is None else round(cosine(vectors[a], vectors[winner]), 3)
        for a in answers
    )
    share = most / len(answers) if answers else 0.0
    return Meanings(
        Vote(winner, share, counts, numbers.count(None)), tuple(numbers), likeness, tuple(speakers)
    )


def _grouped(texts: Sequence[str], vectors: dict[str, Vector], threshold: float) -> list[list[str]]:
    """Texts in groups in which each is like each other (complete linkage), in order of appearance.

    Vectors hardly see a number or a "not" ("can fly" and "cannot fly": 0.93 by all-MiniLM-L6-v2),
    so texts with different numbers, or of which one denies, are never one group.
    """
    group_of = {text: [text] for text in texts}
    pairs = [(a, b) for at, a in enumerate(texts) for b in texts[at + 1 :]]
    alike = {
        (a, b): 1.0 if same(a) == same(b) else cosine(vectors[a], vectors[b])
        for a, b in pairs
        if _marks(a) == _marks(b)
    }

    def fit(pair: tuple[str, str]) -> bool:
        likeness = alike.get(pair, alike.get((pair[1], pair[0])))
        return likeness is not None and likeness >= threshold - _ROUNDING

    for a, b in sorted(alike, key=lambda pair: -alike[pair]):
        one, other = group_of[a], group_of[b]
        if one is not other and all(fit((x, y)) for x in one for y in other):
            one += other
            group_of.update(dict.fromkeys(other, one))
    unique: Iterable[list[str]] = {id(group): group for group in group_of.values()}.values()
    return [sorted(group, key=list(texts).index) for group in unique]


def _marks(text: str) -> tuple[frozenset[str], bool]:
    """The numbers of a text, however they are written (1,000.0 is 1000), and whether it denies."""
    return frozenset(map(plain_number, _NUMBER.findall(text))), _NOT.search(text) is not None


def _speaker(
    group: Sequence[str], answers: Sequence[str | None], vectors: dict[str, Vector]
) -> str:
    """The answer that is most like all others of its group; of equals the first."""

    def worth(text: str) -> float:
        return sum(answers.count(other) * cosine(vectors[text], vectors[other]) for other in group)

    return max(group, key=lambda text: round(worth(text), 6))
