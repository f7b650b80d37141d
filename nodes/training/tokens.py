"""What a model reads of a row, as tokens, and which of them it learns.

What is learned is found by comparing texts of the chat template: with a turn, and without it. So it
is right for templates that do not mark what a model says themselves, too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.training.datasets import DataRow

EVERYTHING, LAST = "everything", "last answer"

LOST_WHOLE, LOST_CALL = "a tool call that is lost whole", "a tool call that is lost"
LOST_TOOLS, LOST_WORDS = "tools that are lost", "words that are lost"
"""What a chat template does not write of a row, in words."""


@dataclass(frozen=True, slots=True)
class RowTokens:
    """A row as tokens; `learned` says of each whether the model is trained to say it."""

    ids: tuple[int, ...]
    learned: tuple[bool, ...]

    def cut(self, limit: int) -> RowTokens:
        """The first `limit` tokens."""
        return replace(self, ids=self.ids[:limit], learned=self.learned[:limit])

    @property
    def labels(self) -> list[int]:
        """As trainers want them: -100 for what is not learned."""
        pairs = zip(self.ids, self.learned, strict=True)
        return [token if learned else -100 for token, learned in pairs]

    @property
    def taught(self) -> int:
        """How many tokens are learned."""
        return sum(self.learned)


class RowReader:
    """Reads rows as a model would.

    Args:
        tokenizer: of Transformers.
        template: a chat template in place of the tokenizer's own.

    Raises:
        NodeError: there is no chat template.
    """

    def __init__(self, tokenizer: Any, template: str | None = None) -> None:
        self.tokenizer, self._template = tokenizer, template
        if not (template or tokenizer.chat_template):
            raise NodeError(
                "The model has no chat template, so that nobody can say how it reads a "
                "conversation.",
                fix="Give the node of the model a chat template, or take a model that has one.",
                port="model",
                code="training/no-template",
                retry=False,
            )

    def tokens(self, row: DataRow, number: int = 0) -> RowTokens:
        """A whole row.

        Raises:
            NodeError: the chat template refuses the conversation.
        """
        messages, tools = row["messages"], row.get("tools")
        learn = row.get("learn", "answers")
        whole = self.ids(messages, tools, number)
        if learn == EVERYTHING:
            return RowTokens(tuple(whole), (True,) * len(whole))
        turns = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
        learned = [False] * len(whole)
        for at in turns[-1:] if learn == LAST else turns:
            before = self.ids(messages[:at], tools, number, asks=True)
            until = len(whole)
            if at + 1 < len(messages):
                until = same_start(self.ids(messages[: at + 1], tools, number), whole)
            for place in range(same_start(before, whole), until):
                learned[place] = True
        return RowTokens(tuple(whole), tuple(learned))

    def lost(self, row: DataRow, whole: RowTokens, number: int = 0) -> list[str]:
        """What of a row the model does not read, since its chat template does not write it.

        Args:
            row: which.
            whole: the same as tokens.
            number: of the row, for messages.
        """
        found = []
        messages = row["messages"]
        called = [one for one in messages if one.get("tool_calls")]
        if called and self._same(row, whole, messages=[_without_calls(one) for one in messages]):
            silent = any(not one["content"].strip() for one in called)
            found.append(LOST_WHOLE if silent else LOST_CALL)
        if row.get("tools") and self._same(row, whole, tools=None):
            found.append(LOST_TOOLS)
        if not self._writes_all(messages, row.get("tools"), number):
            found.append(LOST_WORDS)
        return found

    def _same(self, row: DataRow, whole: RowTokens, **other: Any) -> bool:
        """Whether a row is read as it is where something of it is left out."""
        try:
            return self.tokens({**row, **other}).ids == whole.ids
        except NodeError:
            return False  # without it the template refuses the row, so it is looked at

    def _writes_all(self, messages: Sequence[Any], tools: Any, number: int) -> bool:
        if not (self._template or self.tokenizer.chat_template):
            return True  # the texts are read as they are
        try:
            text = self.text(messages, tools, number)
        except NodeError:
            return True  # of a network with an encoder the template may take prompts alone
        return all(_stands_in(one["content"].strip(), text) for one in messages)

    def ids(
        self, messages: Sequence[Any], tools: Any = None, number: int = 0, *, asks: bool = False
    ) -> list[int]:
        """The tokens of messages; with `asks`, up to where an answer would begin.

        Raises:
            NodeError: the chat template refuses them.
        """
        text = self.text(messages, tools, number, asks=asks)
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def text(
        self, messages: Sequence[Any], tools: Any = None, number: int = 0, *, asks: bool = False
    ) -> str:
        """The text of messages, with all that the template adds by itself."""
        try:
            made = self.tokenizer.apply_chat_template(
                list(messages), tools=tools, chat_template=self._template,
                add_generation_prompt=asks, tokenize=False,
            )  # fmt: skip
        except Exception as error:  # templates are programs, and raise what they like
            raise NodeError(
                f"The chat template of the model refuses row {number}: {error}",
                fix="Bring the messages into an order that the template takes: user and assistant "
                "in turn, for most.",
                port="data",
                code="training/template",
                retry=False,
            ) from error
        return str(made)


def same_start(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))


def _without_calls(message: Any) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "tool_calls"}


def _stands_in(said: str, text: str) -> bool:
    """Whether what is said stands in a text, as it is or as JSON."""
    return said in text or json.dumps(said, ensure_ascii=False)[1:-1] in text
