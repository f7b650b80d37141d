"""Let a model write only what a JSON Schema allows.

Before each token the grammar gives a mask of the tokens that may come next (constrained decoding,
Willard and Louf 2023, https://arxiv.org/abs/2307.09702). The masks are llguidance's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.doubts import impossible
from patchbay.nodes.models.forced import forced

if TYPE_CHECKING:
    import torch


class Grammars:
    """Makes grammars for one tokenizer, whose vocabulary is read once, when it is first needed."""

    def __init__(self, tokenizer: Any, vocabulary: int, ends: frozenset[int]) -> None:
        self._tokenizer, self._vocabulary, self._ends = tokenizer, vocabulary, ends
        self._read: Any = None

    def for_schema(self, schema: Mapping[str, Any]) -> Grammar:
        """A grammar for one answer.

        Raises:
            NodeError: llguidance is not installed, cannot use this tokenizer, or not this schema.
        """
        try:
            import llguidance.hf
        except ImportError as error:
            raise NodeError(
                "A JSON schema needs the package llguidance, which is not installed.",
                fix="pip install llguidance",
                code="model/json-schema",
                retry=False,
            ) from error
        if self._read is None:
            try:
                self._read = llguidance.hf.from_tokenizer(
                    self._tokenizer, n_vocab=self._vocabulary, eos_token=sorted(self._ends)
                )
            except ValueError as error:
                raise _refused(f"the tokenizer cannot be used ({error})") from error
        made = forced(schema)
        if made.impossible:
            raise impossible(made.impossible)
        grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(dict(made.schema)))
        matcher = llguidance.LLMatcher(self._read, grammar, log_level=0)
        if matcher.is_error():
            raise _refused(matcher.get_error())
        return Grammar(matcher)


class Grammar:
    """Where one answer stands in its grammar."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def mask(self, scores: torch.Tensor) -> torch.Tensor:
        """The scores, with minus infinity for every token that may not come next."""
        import numpy
        import torch

        bits = numpy.frombuffer(self._matcher.compute_bitmask(), dtype=numpy.uint8)
        allowed = torch.from_numpy(numpy.unpackbits(bits, bitorder="little").astype(bool))
        count = min(allowed.numel(), scores.numel())
        masked = torch.full_like(scores, -torch.inf)
        masked[:count] = scores[:count].masked_fill(~allowed[:count], -torch.inf)
        return masked

    def accept(self, token: int) -> bool:
        """Take the chosen token in; whether the answer is complete and nothing can follow.

        Raises:
            NodeError: the grammar met one of its own limits.
        """
        if not self._matcher.consume_token(token):
            raise _refused(self._matcher.get_error())
        return bool(self._matcher.is_stopped())


def _refused(why: str) -> NodeError:
    return NodeError(
        f"The model cannot follow this JSON schema: {' '.join(why.split())}",
        fix="Take a simpler schema.",
        code="model/json-schema",
        retry=False,
    )
