"""Stop texts: where an answer is cut that goes on, by engines of ours and by some servers."""

from __future__ import annotations

from collections.abc import Sequence


class Stops:
    """Lets a text through up to the first stop text, which is no part of it.

    What may be the beginning of one is held back until more is known.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = tuple(text for text in texts if text)
        self._held = ""
        self.reached = False
        """Whether a stop text came."""
        self.ignored = False
        """Whether more came after it."""

    def add(self, piece: str) -> str:
        """What of a piece can be shown now."""
        if self.reached:
            self.ignored = self.ignored or bool(piece.strip())
            return ""
        text = self._held + piece
        found = [(at, at + len(stop)) for stop in self._texts if (at := text.find(stop)) >= 0]
        if found:
            begin, end = min(found)
            self.reached, self._held = True, ""
            self.ignored = bool(text[end:].strip())
            return text[:begin]
        keep = max((_begun(text, stop) for stop in self._texts), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """What was held back, now that nothing follows."""
        rest, self._held = self._held, ""
        return rest


def _begun(text: str, stop: str) -> int:
    """How many characters at the end of `text` may be the beginning of `stop`."""
    return next((n for n in range(len(stop) - 1, 0, -1) if text.endswith(stop[:n])), 0)
