"""Rows as a network with an encoder and a decoder reads them: a prompt apart from its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.plain_prompt import as_it_is, framed
from patchbay.nodes.training.datasets import DataRow
from patchbay.nodes.training.tokens import EVERYTHING, RowReader, RowTokens


class EncodedReader(RowReader):
    """Reads rows as T5 and its kin would; the last answer of a row is what is learned.

    Args:
        tokenizer: of Transformers.
        template: a chat template in place of the tokenizer's own; without any the texts are read
            as they are.
    """

    def __init__(self, tokenizer: Any, template: str | None = None) -> None:
        self.tokenizer, self._template = tokenizer, template

    def tokens(self, row: DataRow, number: int = 0) -> RowTokens:
        """What the encoder reads, and behind it what the decoder learns to say.

        Raises:
            NodeError: the row is no prompt with an answer behind it.
        """
        messages = row["messages"]
        if row.get("learn") == EVERYTHING:
            raise _unfit(
                f"Row {number} is to be learned as a whole, and the model has an encoder and a "
                "decoder: what it reads it cannot learn to say.",
                "Set what is learned to answers.",
            )
        if not messages or messages[-1]["role"] != "assistant":
            read = self.ids(messages, row.get("tools"), number, asks=True)
            return RowTokens(tuple(read), (False,) * len(read))
        read = self.ids(messages[:-1], row.get("tools"), number, asks=True)
        said = self.tokenizer(messages[-1]["content"], add_special_tokens=False)["input_ids"]
        said = [*said, self.tokenizer.eos_token_id]
        return RowTokens((*read, *said), (False,) * len(read) + (True,) * len(said))

    def ids(
        self, messages: Sequence[Any], tools: Any = None, number: int = 0, *, asks: bool = False
    ) -> list[int]:
        """The tokens of messages as the encoder reads them."""
        return framed(self.tokenizer, super().ids(messages, tools, number, asks=asks))

    def text(
        self, messages: Sequence[Any], tools: Any = None, number: int = 0, *, asks: bool = False
    ) -> str:
        """The text of messages."""
        if self._template or self.tokenizer.chat_template:
            return super().text(messages, tools, number, asks=asks)
        if any(message["role"] not in ("system", "user") for message in messages):
            raise _unfit(
                f"Row {number} is a conversation of several turns, and the model has an encoder, a "
                "decoder and no chat template that could mark them.",
                "Give rows of a prompt and an answer, or the node of the model a chat template.",
            )
        return as_it_is(messages, "")


def _unfit(message: str, fix: str) -> NodeError:
    return NodeError(message, fix=fix, port="data", code="training/encoder-decoder", retry=False)
