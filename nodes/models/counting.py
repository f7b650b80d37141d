"""How many tokens a text is, by the model's own tokenizer where the backend shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from patchbay.nodes.contract import Context
from patchbay.nodes.values import Message, ModelSpec

CHARACTERS_PER_TOKEN = 4
"""The estimate where no tokenizer is known: what English text has with most vocabularies."""
AROUND_A_MESSAGE = 4
"""Tokens that a chat template writes around a message, besides its role."""


@runtime_checkable
class CountsTokens(Protocol):
    """An opened model that can say how many tokens a text is. May block."""

    def tokens_in(self, text: str) -> int:
        """The tokens of a text, without those of the chat template."""


@dataclass
class Counter:
    """Counts messages. `how` says by what, in words; `exact` whether by the model's tokenizer."""

    model: Any
    name: str

    @property
    def exact(self) -> bool:
        """Whether the model's own tokenizer counts."""
        return isinstance(self.model, CountsTokens)

    @property
    def how(self) -> str:
        """By what it counts, in words."""
        if self.exact:
            return f"counted by the tokenizer of {self.name}"
        return f"estimated at {CHARACTERS_PER_TOKEN} characters a token"

    async def of(self, messages: Sequence[Message], ctx: Context) -> int:
        """The tokens of messages, with about those that a chat template writes around them."""
        return sum([AROUND_A_MESSAGE + await self._tokens(m, ctx) for m in messages])

    async def _tokens(self, message: Message, ctx: Context) -> int:
        text = f"{message.role}\n{message.content}"
        if isinstance(self.model, CountsTokens):
            return await ctx.blocking(self.model.tokens_in, text)
        return -(-len(text) // CHARACTERS_PER_TOKEN)


def named(model: ModelSpec | None) -> str:
    """What to call a model in words."""
    for field in ("weights", "model", "name"):
        if isinstance(name := getattr(model, field, None), str) and name:
            return name
    return "the model" if model is None else model.type_id()
