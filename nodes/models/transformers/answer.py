"""One answer while it is written: its tokens, its text, and when it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.sampling import Sampler, SamplerOptions
from patchbay.nodes.models.transformers.writer import Detokenizer

if TYPE_CHECKING:
    import torch

    from patchbay.nodes.models.transformers.grammar import Grammar

Reason = Literal["stop", "length", "context"]
"""Why an answer ended: by itself or at a stop text, at its limit, or with a full context."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The last item of an answer. `error` is set where it failed; times are in seconds."""

    reason: Reason = "stop"
    answer_tokens: int = 0
    first_token_s: float = 0.0
    generating_s: float = 0.0
    error: BaseException | None = None


StreamItem = str | Ended


@dataclass(slots=True, eq=False)
class Request:
    """What is asked of the engine, and where the answer goes.

    `put` is called from the engine's thread: with pieces of text, last with an `Ended`. Setting
    `stop` ends the answer after the step at hand.
    """

    prompt: Sequence[int]
    put: Callable[[StreamItem], None]
    sampling: SamplerOptions = field(default_factory=SamplerOptions)
    max_tokens: int | None = None
    stops: Sequence[str] = ()
    grammar: Grammar | None = None
    adapter: str | None = None
    features: Mapping[str, Any] = field(default_factory=dict)
    """Pictures as the network takes them, by the names of its arguments."""
    notes: Sequence[str] = ()
    """What is to be said of the request beside its answer."""
    stop: threading.Event = field(default_factory=threading.Event)


class Generation:
    """The state of one request that is being answered.

    Args:
        ends: tokens that end an answer.
        context: tokens that prompt and answer may have together.
    """

    def __init__(
        self, request: Request, writer: Detokenizer, ends: frozenset[int], context: int
    ) -> None:
        self.request, self._writer, self._ends, self._context = request, writer, ends, context
        self._sampler = Sampler(request.sampling)
        self.tokens: list[int] = []
        self.lead = 0
        """Virtual tokens before the prompt."""
        self.apart = False
        """Whether an encoder read the prompt, so that the answer repeats none of it."""
        self._began = time.perf_counter()
        self._first = 0.0
        self.over = False

    @property
    def length(self) -> int:
        """Tokens that the model has taken in, when the last one of the answer is fed to it."""
        return self.lead + len(self.request.prompt) + len(self.tokens)

    def step(self, scores: torch.Tensor) -> None:
        """Choose the next token from the model's scores and send what it says.

        Args:
            scores: float32, on the processor.
        """
        if scores.isnan().any():
            raise no_numbers(self.request.adapter is not None)
        grammar = self.request.grammar
        if grammar is not None:
            scores = grammar.mask(scores)
        read = () if self.apart else self.request.prompt[-64:]
        recent = [*read, *self.tokens[-64:]]
        token = self._sampler.pick(scores, recent)
        self.tokens.append(token)
        self._first = self._first or time.perf_counter()
        if token in self._ends:
            self.end("stop")
            return
        complete = grammar is not None and grammar.accept(token)
        if piece := self._writer.add(token):
            self.request.put(piece)
        if complete or self._writer.stopped:
            self.end("stop")
        elif len(self.tokens) == self.request.max_tokens:
            self.end("length")
        elif self.length >= self._context:
            self.end("context")

    def end(self, reason: Reason) -> None:
        """Send the rest of the text, and that this is the end."""
        if rest := self._writer.finish():
            self.request.put(rest)
        self._close(Ended(reason, len(self.tokens), *self._seconds()))

    def fail(self, error: BaseException) -> None:
        """End with an error."""
        self._close(Ended(answer_tokens=len(self.tokens), error=error))

    def _close(self, ended: Ended) -> None:
        if not self.over:
            self.over = True
            self.request.put(ended)

    def _seconds(self) -> tuple[float, float]:
        now = time.perf_counter()
        first = self._first or now
        return first - self._began, now - first


def no_numbers(adapted: bool) -> NodeError:
    """What the network computes is not a number, so that no word follows."""
    return NodeError(
        "The model computes no numbers (NaN), so that it has no answer.",
        fix="The adapter may be damaged or far too strong: lower its scale, or fetch it again."
        if adapted
        else "Fetch the weights again, or load them as float32.",
        code="model/no-numbers",
        retry=False,
    )
