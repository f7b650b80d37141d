"""What the techniques share: settings of an answer, and many requests at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Self, TypeVar

from pydantic import model_validator

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Field, NodeParams
from patchbay.nodes.models.asking import Answer, derived_seed
from patchbay.nodes.models.options import MaxTokens, Sampling, Seed
from patchbay.nodes.techniques.answers import AnswerKind, final_answer

T = TypeVar("T")


class AnswerParams(NodeParams, Sampling):
    """Settings that every technique has."""

    answer: AnswerKind = Field("text")
    """What an answer is: free text, a number, or one of the choices."""
    choices: list[str] = Field([], max_length=100)
    """The words to choose from, for the kind `choice`."""
    seed: Seed = 0
    """Makes sampled answers repeat; each request gets its own seed, made from this one."""
    max_tokens: MaxTokens = 256

    @model_validator(mode="after")
    def _has_choices(self) -> Self:
        if self.answer == "choice" and not any(choice.strip() for choice in self.choices):
            raise ValueError("an answer of the kind choice needs choices")
        return self

    def found(self, said: Answer) -> str | None:
        """The final answer in what a model wrote, or None."""
        return final_answer(said.text, self.answer, self.choices, cut=said.cut)

    def call(self, request: int = 0, about: str = "") -> CallOptions:
        """Options of a request, with a seed of its own (see `derived_seed`)."""
        return replace(self.sampling, seed=derived_seed(self.seed, request, about))
