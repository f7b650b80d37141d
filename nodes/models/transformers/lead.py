"""What was trained to stand before every prompt: virtual tokens, or their keys and values.

Prompt tuning: Lester et al. 2021, https://arxiv.org/abs/2104.08691. Prefix tuning: Li & Liang 2021,
https://arxiv.org/abs/2101.00190. PEFT's own `generate` leaves a prefix out and sets a prompt before
every single token as soon as there is a cache; here both are read into the cache once, where the
prompt of a request follows them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.nodes.models.transformers.adapter import PROMPT

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Lead:
    """A trained prompt or prefix.

    `states` is tokens x width for a prompt; for a prefix 2 layers x heads x tokens x width of a
    head, keys and values of each layer in turn.
    """

    states: torch.Tensor
    is_prompt: bool

    @property
    def length(self) -> int:
        """How many tokens it takes the place of."""
        return int(self.states.shape[0 if self.is_prompt else 2])

    def cache(self, forward: Callable[..., Any], device: Any) -> Any:
        """A cache that holds it, for one row.

        Args:
            forward: the network, which reads a prompt; not needed for a prefix.
            device: where its inputs go.
        """
        import torch

        if self.is_prompt:
            return forward(
                inputs_embeds=self.states[None],
                attention_mask=torch.ones(1, self.length, dtype=torch.long, device=device),
                position_ids=torch.arange(self.length, device=device)[None],
                use_cache=True,
                logits_to_keep=1,
            ).cache
        from transformers import DynamicCache

        made: Any = DynamicCache()
        for layer in range(self.states.shape[0] // 2):
            keys, values = self.states[2 * layer, None], self.states[2 * layer + 1, None]
            made.update(keys, values, layer)
        return made


def lead_of(kind: str, tensor: torch.Tensor, network: Any) -> Lead:
    """A lead from the one tensor of its file.

    Args:
        kind: of the adapter.
        tensor: as PEFT saves it.
        network: the one that it was trained for.
    """
    like = network.get_input_embeddings().weight
    tensor = tensor.to(like.device, like.dtype)
    if kind == PROMPT:
        return Lead(tensor, True)
    config = network.config.get_text_config()
    layers = config.num_hidden_layers
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    tokens = tensor.shape[0]
    states = tensor.view(tokens, 2 * layers, heads, -1).permute(1, 2, 0, 3).contiguous()
    return Lead(states, False)
