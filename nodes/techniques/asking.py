"""What the techniques share: settings of an answer, and many requests at once."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from pydantic import model_validator

from patchbay.nodes.contract import Field, NodeParams, Ports
from patchbay.nodes.models.asking import derived_seed
from patchbay.nodes.techniques.answers import AnswerKind, final_answer
from patchbay.nodes.values import ModelSpec

T = TypeVar("T")


class AnswerParams(NodeParams):
    """Settings that every technique has."""

    answer: AnswerKind = Field("text", widget="choice")
    """What an answer is: free text, a number, or one of the choices."""
    choices: list[str] = Field([], widget="list", max_length=100)
    """The words to choose from, for the kind `choice`."""
    temperature: float | None = Field(None, ge=0, le=5)
    """How freely words are chosen; 0 always takes the likeliest. Empty: as the model says."""
    seed: int | None = Field(0, ge=0, le=2**32 - 2)
    """Makes sampled answers repeat; each request gets its own seed, made from this one."""
    max_tokens: int | None = Field(256, ge=1, le=1_048_576)
    """Where each answer is cut. Empty: as the model says."""

    @model_validator(mode="after")
    def _has_choices(self) -> Self:
        if self.answer == "choice" and not any(choice.strip() for choice in self.choices):
            raise ValueError("an answer of the kind choice needs choices")
        return self

    def found(self, text: str) -> str | None:
        """The final answer in a text, or None."""
        return final_answer(text, self.answer, self.choices)

    def options(self, request: int = 0, about: str = "") -> dict[str, Any]:
        """Options of a request, with a seed of its own (see `derived_seed`)."""
        return {
            "temperature": self.temperature,
            "seed": derived_seed(self.seed, request, about),
            "max_tokens": self.max_tokens,
        }


def repeats(params: AnswerParams, inputs: Ports) -> bool:
    """Whether the same answers would come again: at temperature 0, or with a seed."""
    model: ModelSpec = inputs["model"]
    options = model.call_options(temperature=params.temperature, seed=params.seed)
    return options.get("temperature") == 0 or options.get("seed") is not None
