"""Answers of networks with an encoder and a decoder, such as T5.

Raffel et al. 2020, "Exploring the Limits of Transfer Learning", arXiv:1910.10683. The encoder reads
the prompt once; the decoder keeps what crosses over from it, and what it has said. One answer is
computed at a time: caches that cross over are as long as their own prompts, and not all such
networks count positions so that rows could be padded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchbay.nodes.models.errors import in_words
from patchbay.nodes.models.transformers.answer import Generation
from patchbay.nodes.models.transformers.batch import Forward, RunningBatch, guarded
from patchbay.nodes.models.transformers.lead import Lead


class EncodedBatch(RunningBatch):
    """One row of a network with an encoder and a decoder.

    Args:
        forward: the model.
        device: where its inputs go.
        lead: what an adapter sets before its prompts.
        network: the model under its adapters.
    """

    def __init__(
        self,
        forward: Forward,
        device: Any,
        lead: Callable[[str | None], Lead | None],
        network: Any,
    ) -> None:
        super().__init__(forward, device, lead)
        self._network = network
        self._encoded: Any = None
        self.joinable = False

    def admit(self, row: Generation) -> None:
        """Encode the prompt of a row, and give it its first token."""
        import torch

        row.apart = True
        prompt = torch.tensor([list(row.request.prompt)], device=self._device)
        read: dict[str, Any] = {"input_ids": prompt}
        if (lead := self._lead(row.request.adapter)) is not None:
            row.lead = lead.length
            words = self._network.get_input_embeddings()(prompt)
            read = {"inputs_embeds": torch.cat([lead.states[None], words], dim=1)}
        self._mask = prompt.new_ones(1, row.lead + prompt.shape[1])
        begin = prompt.new_full((1, 1), begins_with(self._network.config))
        out = self._decoded(row, begin, **read)
        self._encoded, self._cache = (out.encoder_last_hidden_state,), out.cache
        row.step(out.logits[0, -1].float().cpu())
        if not row.over:
            self.rows = [row]

    def step(self) -> None:
        """One more token."""
        import torch

        (row,) = self.rows
        if row.request.stop.is_set():
            row.end("stop")
        else:
            last = torch.tensor([row.tokens[-1:]], device=self._device)
            try:
                out = self._decoded(row, last, encoder_outputs=self._encoded, cache=self._cache)
            except Exception as error:
                row.fail(in_words(error))
            else:
                self._cache = out.cache
                guarded(row, out.logits[0, -1].float().cpu())
        if row.over:
            self._forget()

    def fail(self, error: BaseException) -> None:
        """End the row with an error."""
        super().fail(error)
        self._encoded = None

    def _forget(self) -> None:
        self.rows, self._cache, self._mask, self._encoded = [], None, None, None

    def _decoded(self, row: Generation, tokens: Any, **given: Any) -> Any:
        out, failed = self._forward(
            [row.request.adapter],
            decoder_input_ids=tokens,
            attention_mask=self._mask,
            use_cache=True,
            **given,
        )
        for error in failed.values():
            raise error
        return out


def begins_with(config: Any) -> int:
    """The token that a decoder begins an answer with."""
    own = getattr(config, "decoder_start_token_id", None)
    return int(config.pad_token_id if own is None else own)
