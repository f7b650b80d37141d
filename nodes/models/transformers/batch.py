"""Answers that are computed together, one token each in every step.

New answers join between steps and finished ones leave (iteration-level scheduling: Yu et al. 2022,
Orca, https://www.usenix.org/conference/osdi22/presentation/yu), so a short answer never waits for
a long one. Keys and values of shorter rows are padded on the left; rotary positions are absolute
for each row, so padding does not move them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from patchbay.nodes.models.errors import in_words
from patchbay.nodes.models.transformers.answer import Generation

if TYPE_CHECKING:
    import torch

    from patchbay.nodes.models.transformers.lead import Lead

CHUNK = 128
"""Tokens of a prompt that are computed in one go; cancelling takes effect after them."""


class Forward(Protocol):
    """A model's forward pass with an adapter for each row."""

    def __call__(
        self, adapters: list[str | None], **inputs: Any
    ) -> tuple[Any, dict[str, Exception]]:
        """The model's output, with logits and cache, and what went wrong in an adapter."""


class RunningBatch:
    """The rows that are being computed, their shared cache and its mask.

    Args:
        forward: the model.
        device: where its inputs go.
        lead: what an adapter sets before its prompts.
    """

    def __init__(
        self, forward: Forward, device: Any, lead: Callable[[str | None], Lead | None]
    ) -> None:
        self._forward, self._device, self._lead = forward, device, lead
        self.rows: list[Generation] = []
        self._cache: Any = None
        self._mask: Any = None
        self.joinable = True
        """False for models whose cache does not grow evenly (sliding windows): one row then."""

    def admit(self, row: Generation) -> None:
        """Read the prompt of a new row, give it its first token, and let it join."""
        import torch

        prompt = torch.tensor([list(row.request.prompt)], device=self._device)
        cache, scores = self._read(row, prompt)
        if scores is None:
            row.end("stop")
            return
        row.step(scores)
        if not row.over:
            mask = torch.ones(1, row.lead + prompt.shape[1], dtype=torch.long, device=self._device)
            self._join(row, cache, mask)

    def step(self) -> None:
        """One more token for every row; rows that are over leave."""
        import torch

        for row in self.rows:
            if row.request.stop.is_set():
                row.end("stop")
        self._leave()
        if not self.rows:
            return
        device = self._device
        tokens = torch.tensor([[row.tokens[-1]] for row in self.rows], device=device)
        positions = torch.tensor([[row.length - 1] for row in self.rows], device=device)
        self._mask = torch.cat([self._mask, torch.ones_like(tokens)], dim=1)
        out, failed = self._forward(
            [row.request.adapter for row in self.rows],
            input_ids=tokens,
            attention_mask=self._mask,
            position_ids=positions,
            cache=self._cache,
            use_cache=True,
        )
        scores = out.logits[:, -1].float().cpu()
        for i, row in enumerate(self.rows):
            if (error := failed.get(row.request.adapter or "")) is not None:
                row.fail(in_words(error))
            else:
                guarded(row, scores[i])
        self._leave()

    def fail(self, error: BaseException) -> None:
        """End every row with an error."""
        for row in self.rows:
            row.fail(error)
        self.rows, self._cache, self._mask = [], None, None

    # --- the cache ------------------------------------------------------------------------------

    def _read(self, row: Generation, prompt: torch.Tensor) -> tuple[Any, torch.Tensor | None]:
        """The cache of a prompt and the scores after it; no scores when it was cancelled."""
        import torch

        out = None
        cache = self._begun(row)
        read = row.lead
        positions = torch.arange(read, read + prompt.shape[1], device=self._device)[None]
        for at in range(0, prompt.shape[1], CHUNK):
            if row.request.stop.is_set():
                return None, None
            end = min(at + CHUNK, prompt.shape[1])
            out, failed = self._forward(
                [row.request.adapter],
                input_ids=prompt[:, at:end],
                attention_mask=positions.new_ones(1, read + end),
                position_ids=positions[:, at:end],
                cache=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = out.cache
            for error in failed.values():
                raise error
        return cache, None if out is None else out.logits[0, -1].float().cpu()

    def _begun(self, row: Generation) -> Any:
        """The cache with what the row's adapter sets before the prompt; None for nothing."""
        if (lead := self._lead(row.request.adapter)) is None:
            return None
        row.lead = lead.length

        def forward(**inputs: Any) -> Any:
            out, failed = self._forward([row.request.adapter], **inputs)
            for error in failed.values():
                raise error
            return out

        return lead.cache(forward, self._device)

    def _join(self, row: Generation, cache: Any, mask: torch.Tensor) -> None:
        import torch
        from transformers.cache_utils import DynamicLayer

        self.joinable = all(type(layer) is DynamicLayer for layer in cache.layers)
        if not self.rows:
            self.rows, self._cache, self._mask = [row], cache, mask
            return
        longest = max(self._mask.shape[1], mask.shape[1])
        for mine, new in zip(self._cache.layers, cache.layers, strict=True):
            mine.keys = torch.cat([_padded(mine.keys, longest), _padded(new.keys, longest)])
            mine.values = torch.cat([_padded(mine.values, longest), _padded(new.values, longest)])
        self._mask = torch.cat([_widened(self._mask, longest), _widened(mask, longest)])
        self.rows.append(row)

    def _leave(self) -> None:
        import torch

        kept = [i for i, row in enumerate(self.rows) if not row.over]
        if len(kept) == len(self.rows):
            return
        self.rows = [self.rows[i] for i in kept]
        if not kept:
            self._cache = self._mask = None
            return
        index = torch.tensor(kept, device=self._device)
        self._cache.batch_select_indices(index)
        self._mask = self._mask[index]
        unused = int(self._mask.any(0).int().argmax())  # columns that only padded the longest row
        if unused:
            self._mask = self._mask[:, unused:]
            for layer in self._cache.layers:
                layer.keys = layer.keys[:, :, unused:].contiguous()
                layer.values = layer.values[:, :, unused:].contiguous()


def guarded(row: Generation, scores: torch.Tensor) -> None:
    """A row's own trouble (its grammar, whoever reads it) is not that of the others."""
    try:
        row.step(scores)
    except Exception as error:
        row.fail(error)


def _padded(states: torch.Tensor, length: int) -> torch.Tensor:
    from torch.nn.functional import pad

    return pad(states, (0, 0, length - states.shape[-2], 0))


def _widened(mask: torch.Tensor, length: int) -> torch.Tensor:
    from torch.nn.functional import pad

    return pad(mask, (length - mask.shape[-1], 0))
