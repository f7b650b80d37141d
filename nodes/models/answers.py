"""What a model has answered: as it comes, and as a whole."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.nodes.models.endings import CUT, failure_of, reason_of
from patchbay.nodes.models.notes import notes_in
from patchbay.nodes.models.telling import (
    ANSWERED_BY,
    CallSaid,
    cached_of,
)
from patchbay.nodes.models.thinking import LATE, parted, thought_of

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

WAS_CUT = "The answer was cut at the limit of tokens"
"""How the warning begins that an answer ended at the limit of tokens."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote, and what that took."""

    text: str
    cut: bool
    """Whether it ended at the limit of tokens."""
    prompt_tokens: int
    answer_tokens: int
    """Tokens written, those of the thought among them."""
    first_token_s: float | None
    """Seconds from the request to the first token; None where nothing came."""
    generating_s: float
    """Seconds from the first token to the last."""
    thought: str = ""
    """What the model thought before, where it does and the backend tells it apart."""
    thought_tokens: int = 0
    fault: str = ""
    """How it does not follow the JSON schema that it was to follow, in words for a model."""
    thought_s: float = 0.0
    """Seconds from the request to the end of the thought."""
    notes: tuple[str, ...] = ()
    """What the backend had to say about it."""
    cached_tokens: int = 0
    """Those of the tokens read that the provider had kept from before."""
    answered_by: int | None = None
    """Which model it was, of several that stand in for each other."""
    unasked: tuple[str, ...] = ()
    """The names of tools that it called, though it was given none. Nothing was called."""

    @property
    def whole_words(self) -> str:
        """The text without its last word where it was cut: that may be half of another one."""
        return self.text.rstrip().rpartition(" ")[0] if self.cut else self.text

    def shortfall(self) -> str:
        """What is to be said of an answer that is empty or cut; empty where it is neither."""
        thought = f" after {self.thought_tokens:,} tokens of thinking" if self.thought else ""
        if not self.text.strip():
            if self.cut and self.thought:
                return (
                    f"The model spent all its {self.answer_tokens:,} tokens thinking and came to "
                    "no answer; raise max tokens, or let it think less."
                )
            return f"The model gave an empty answer{thought}."
        if self.cut:
            return f"{WAS_CUT}; raise max tokens for more."
        return ""


class ComingAnswer:
    """What came so far. Adding LangChain's chunks to each other takes longer with each one."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._thoughts: list[str] = []
        self._told: dict[str, Any] = {}
        self._prompt_tokens = self._answer_tokens = self._thought_tokens = self._cached = 0
        self._by: int | None = None
        self._notes: list[str] = []
        self._unasked: list[str] = []
        self._reason = ""
        self._asked = self._first = self._last = self._thought_until = 0.0
        self.thinks = 0
        """Characters of the thought so far, while it goes on; 0 otherwise."""

    def begin(self) -> None:
        """The request is made now."""
        self._asked = time.perf_counter()

    def heed(self, chunk: AIMessageChunk) -> Sequence[str]:
        """The notes in a chunk, which are kept."""
        notes = notes_in(chunk)
        self._notes += notes
        return notes

    def add(self, chunk: AIMessageChunk) -> str:
        """Take in a chunk; gives its text."""
        piece, thought = str(chunk.text), thought_of(chunk)
        if piece or thought:
            self._last = time.perf_counter()
            self._first = self._first or self._last
        if thought:
            self._thoughts.append(thought)
            self._thought_until = self._last
        self.thinks = self.thinks + len(thought) if thought and not piece else 0
        if piece:
            self._pieces.append(piece)
        # What a model gives as a whole is no chunk.
        calls = getattr(chunk, "tool_call_chunks", None) or chunk.tool_calls
        self._unasked += [name for call in calls if (name := call["name"])]
        if usage := chunk.usage_metadata:  # some backends count in several chunks
            self._prompt_tokens += usage["input_tokens"]
            self._answer_tokens += usage["output_tokens"]
            self._cached += cached_of(usage)
            self._thought_tokens += usage.get("output_token_details", {}).get("reasoning", 0)
        if (until := chunk.response_metadata.get(LATE)) is not None:
            self._told[LATE] = until
        self._by = chunk.response_metadata.get(ANSWERED_BY, self._by)
        self._reason = reason_of(chunk.response_metadata) or self._reason
        return piece

    def answer(self, said: CallSaid, who: str) -> Answer:
        """The whole answer of `who`; what it took is told to `said` as well.

        Raises:
            NodeError: it ended otherwise than as an answer, whatever backend gave it.
        """
        late, text = parted("".join(self._pieces), self._told)
        if failure := failure_of(self._reason, who, text, ""):
            raise failure
        cut = self._reason == CUT
        answer = Answer(
            text,
            cut,
            self._prompt_tokens,
            self._answer_tokens,
            self._first - self._asked if self._first else None,
            self._last - self._first,
            "".join(self._thoughts) + late,
            self._thought_tokens,
            thought_s=max(0.0, self._thought_until - self._asked),
            notes=tuple(self._notes),
            cached_tokens=self._cached,
            answered_by=self._by,
            unasked=tuple(dict.fromkeys(self._unasked)),
        )
        said.answered_by, said.answer, said.first_token_s = self._by, text, answer.first_token_s
        said.prompt, said.completion = self._prompt_tokens, self._answer_tokens
        said.cached, said.thought = self._cached, self._thought_tokens
        said.end = "length" if cut else "stop"
        return answer
