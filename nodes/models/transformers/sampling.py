"""Choose the next token of one answer, from the model's scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

RECENT = 64
"""The repeat penalty looks at so many tokens back, as llama.cpp's does."""


@dataclass(frozen=True, slots=True)
class SamplerOptions:
    """How tokens are chosen. A temperature of 0 takes the likeliest; None means 1.

    Nucleus sampling (`top_p`): Holtzman et al. 2020, https://arxiv.org/abs/1904.09751.
    Repeat penalty: Keskar et al. 2019, https://arxiv.org/abs/1909.05858.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    repeat_penalty: float | None = None
    seed: int | None = None


class Sampler:
    """Chooses the tokens of one answer, with a random source of its own."""

    def __init__(self, sampling: SamplerOptions) -> None:
        import torch

        self._how = sampling
        self._random = torch.Generator()
        if sampling.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(sampling.seed)

    def pick(self, scores: torch.Tensor, recent: Sequence[int]) -> int:
        """The next token.

        Args:
            scores: the model's logits for each token, float32 on the processor; they are changed.
            recent: the last tokens of prompt and answer.
        """
        import torch

        how = self._how
        if how.repeat_penalty not in (None, 1.0) and recent:
            _penalize(scores, recent[-RECENT:], how.repeat_penalty)
        if how.temperature == 0:
            return int(scores.argmax())
        scores = scores / (how.temperature or 1.0)
        if how.top_k:
            lowest = torch.topk(scores, min(how.top_k, scores.numel())).values[-1]
            scores = scores.masked_fill(scores < lowest, -torch.inf)
        chances = scores.softmax(-1)
        if how.top_p is not None and how.top_p < 1:
            chances = _nucleus(chances, how.top_p)
        return int(torch.multinomial(chances, 1, generator=self._random))


def _penalize(scores: torch.Tensor, recent: Sequence[int], penalty: Any) -> None:
    import torch

    seen = torch.tensor(sorted(set(recent)))
    held = scores[seen]
    scores[seen] = torch.where(held > 0, held / penalty, held * penalty)


def _nucleus(chances: torch.Tensor, top_p: float) -> torch.Tensor:
    """Only the likeliest that together have the probability `top_p`; at least one."""
    ordered, index = chances.sort(descending=True)
    beyond = ordered.cumsum(-1) - ordered >= top_p
    kept: torch.Tensor = chances.scatter(0, index[beyond], 0.0)
    return kept
