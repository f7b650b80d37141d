"""What a network with an encoder reads where no chat template says who says what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from patchbay.nodes.errors import NodeError


def as_it_is(chat: Sequence[Mapping[str, Any]], name: str) -> str:
    """What is said to a model, as one text.

    Raises:
        NodeError: it has answered before, and nothing could mark what it said.
    """
    if any(turn["role"] not in ("system", "user") for turn in chat):
        raise NodeError(
            f"The model {name!r} has an encoder and a decoder and no chat template, so it answers "
            "a text and holds no conversation; here are earlier answers.",
            fix="Ask it without the earlier turns, give the model node a chat template, or take "
            "an instruct model.",
            code="model/chat-template",
            retry=False,
        )
    return "\n\n".join(text for turn in chat if (text := turn["content"]))


def framed(tokenizer: Any, tokens: Sequence[int]) -> list[int]:
    """Tokens as an encoder was trained to read them: T5's end with `</s>`, BART's begin too."""
    marks = list(tokenizer("", add_special_tokens=True)["input_ids"])
    one = tokenizer("a", add_special_tokens=True)["input_ids"]
    # What stands before a text is what both begin with.
    before = next((at for at, mark in enumerate(marks) if one[at] != mark), len(marks))
    return [*marks[:before], *tokens, *marks[before:]]
