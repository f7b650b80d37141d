"""Keep the control words of a model out of a person's text.

A chat template joins what people write with words such as `<|im_end|>`, which the tokenizer turns
into single tokens that steer the model. The same letters in a document would end the turn, or begin
another. So each such word in a text is split by a mark before the template joins everything, and
what lies between two marks is tokenized apart: it then is plain text, letter by letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

MARK = "\U000f5b1a"
"""A character of no meaning (private use) at which the text is cut again."""


def split_words(chat: list[dict[str, Any]], words: Iterable[str]) -> list[dict[str, Any]] | None:
    """A conversation with a mark inside each control word of its texts; None where there is none.

    What a model said before keeps its tags of thinking: templates look for them.
    """
    pattern = _pattern(tuple(sorted(words, key=len, reverse=True)))
    if pattern is None or not any(pattern.search(turn["content"]) for turn in chat):
        return None
    return [{**turn, "content": _split(pattern, turn)} for turn in chat]


def pieces(text: str) -> list[str]:
    """A text, cut at the marks."""
    return [piece for piece in text.split(MARK) if piece]


def _split(pattern: re.Pattern[str], turn: dict[str, Any]) -> str:
    own = turn["role"] == "assistant"

    def cut(found: re.Match[str]) -> str:
        word = found[0]
        return word if own and "think" in word else f"{word[:1]}{MARK}{word[1:]}"

    text: str = turn["content"].replace(MARK, "")
    return pattern.sub(cut, text)


@lru_cache(maxsize=16)
def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, words))) if words else None
