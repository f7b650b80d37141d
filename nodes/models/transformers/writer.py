"""From tokens to text as it grows: whole characters only, and an end at a stop text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_BROKEN = "\ufffd"
"""What the tokenizer gives for a character of which only some bytes are there."""


class Detokenizer:
    """Turns the tokens of one answer into pieces of text.

    Args:
        tokenizer: decodes tokens.
        stops: texts at which the answer ends; they are not part of it.
    """

    def __init__(self, tokenizer: Any, stops: Sequence[str] = ()) -> None:
        self._tokenizer, self._stops = tokenizer, tuple(stops)
        self._tokens: list[int] = []
        self._start = self._read = 0
        self._held = ""
        self.stopped = False
        """Whether a stop text came."""

    def add(self, token: int) -> str:
        """Take a token in; gives the text that can be shown now."""
        self._tokens.append(token)
        # Decoding from a little before the new token keeps the blanks between words right.
        before = self._decode(self._tokens[self._start : self._read])
        text = self._decode(self._tokens[self._start :])
        if len(text) <= len(before) or text.endswith(_BROKEN):
            return ""
        self._start, self._read = self._read, len(self._tokens)
        return self._release(text[len(before) :])

    def finish(self) -> str:
        """What was held back, now that nothing follows."""
        if self.stopped:
            return ""
        before = self._decode(self._tokens[self._start : self._read])
        rest = self._decode(self._tokens[self._start :])[len(before) :]
        shown = self._release(rest) + self._held  # where a stop text came, nothing is held
        self._held = ""
        return shown

    def _decode(self, tokens: list[int]) -> str:
        return str(
            self._tokenizer.decode(
                tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    def _release(self, piece: str) -> str:
        text = self._held + piece
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` may be the beginning of `stop`."""
    return next((n for n in range(len(stop) - 1, 0, -1) if text.endswith(stop[:n])), 0)
