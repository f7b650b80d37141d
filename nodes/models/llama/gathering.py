"""An answer that nobody reads while it is written comes in few pieces, not in one a token.

Each piece is told to another thread, made into one of LangChain's, and passed on by whoever asked.
That takes a third of a millisecond of the processor that the model is to be computed on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

PIECES = "pieces"
"""In a chunk that stands for several: their texts, each a token or a few."""
SAID = ("content", "reasoning_content", "text")
"""Where a chunk may hold a piece of text or thought."""


class Gathering:
    """Passes on the first piece of an answer as it comes, so that its time is known, and what
    follows as one chunk for each stretch of text or thought. All else goes through as it is.

    Args:
        emit: takes the chunks.
    """

    def __init__(self, emit: Callable[[dict[str, Any]], None]) -> None:
        self._emit, self._begun = emit, False
        self._kind, self._held, self._texts = "", dict[str, Any](), list[str]()

    def take(self, chunk: dict[str, Any]) -> None:
        """Take in a chunk of llama.cpp."""
        kind, text = said_in(chunk)
        if kind and self._begun:
            if kind != self._kind:
                self.flush()
            self._kind, self._held = kind, chunk
            self._texts.append(text)
            return
        self.flush()
        self._begun = self._begun or bool(kind)
        self._emit(chunk)

    def flush(self) -> None:
        """Pass on what was gathered."""
        if not self._texts:
            return
        text, pieces = "".join(self._texts), self._texts
        (choice,) = self._held["choices"]
        said = {"text": text} if self._kind == "text" else {"delta": {self._kind: text}}
        gathered = {**self._held, "choices": [{**choice, **said}], PIECES: pieces}
        self._kind, self._held, self._texts = "", {}, []
        self._emit(gathered)


def said_in(chunk: dict[str, Any]) -> tuple[str, str]:
    """The kind and the text of a chunk that says a piece of text or thought, and nothing else."""
    choices: Sequence[Any] = chunk.get("choices") or ()
    if len(choices) != 1 or choices[0].get("finish_reason") or chunk.get("usage"):
        return "", ""
    delta = choices[0].get("delta", choices[0])
    found = [name for name in SAID if delta.get(name)]
    if len(found) != 1 or delta.get("tool_calls") or delta.get("role"):
        return "", ""
    return found[0], delta[found[0]]
