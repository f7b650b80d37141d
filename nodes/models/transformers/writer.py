"""From tokens to text as it grows: whole characters only, and an end at a stop text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from patchbay.nodes.models.stops import Stops

_BROKEN = "\ufffd"
"""What the tokenizer gives for a character of which only some bytes are there."""


class Detokenizer:
    """Turns the tokens of one answer into pieces of text.

    Args:
        tokenizer: decodes tokens.
        stops: texts at which the answer ends; they are not part of it.
    """

    def __init__(self, tokenizer: Any, stops: Sequence[str] = ()) -> None:
        self._tokenizer, self._stops = tokenizer, Stops(stops)
        self._tokens: list[int] = []
        self._start = self._read = 0

    @property
    def stopped(self) -> bool:
        """Whether a stop text came."""
        return self._stops.reached

    def add(self, token: int) -> str:
        """Take a token in; gives the text that can be shown now."""
        self._tokens.append(token)
        # Decoding from a little before the new token keeps the blanks between words right.
        before = self._decode(self._tokens[self._start : self._read])
        text = self._decode(self._tokens[self._start :])
        if len(text) <= len(before) or text.endswith(_BROKEN):
            return ""
        self._start, self._read = self._read, len(self._tokens)
        return self._stops.add(text[len(before) :])

    def finish(self) -> str:
        """What was held back, now that nothing follows."""
        if self.stopped:
            return ""
        before = self._decode(self._tokens[self._start : self._read])
        rest = self._decode(self._tokens[self._start :])[len(before) :]
        return self._stops.add(rest) + self._stops.finish()  # nothing is held after a stop text

    def _decode(self, tokens: list[int]) -> str:
        return str(
            self._tokenizer.decode(
                tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )
