"""How well a model with changed weights still foresees a text."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes import gpus
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.errors import out_of_memory
from patchbay.nodes.models.transformers.libraries import making_networks
from patchbay.nodes.models.transformers.placing import placed

if TYPE_CHECKING:
    from patchbay.nodes.quantization.schemes import Numbers

_BYTES = 4


class Subject:
    """A network of one's own, in 32-bit floats, whose weights may be changed. It lies on a graphics
    card where there is one.

    The pool's models are shared, so none of them may be touched.

    Args:
        folder: a folder of Transformers.
        text: what it is to foresee.
        limit: how many tokens of it are looked at.
        parameters: how many numbers the weights hold.

    Raises:
        NodeError: there is no room for it, it does not load, or the text is too short.
    """

    def __init__(self, folder: Path, text: str, limit: int, parameters: int) -> None:
        import psutil

        place, needed = gpus.place_of("auto"), parameters * _BYTES
        free = int(psutil.virtual_memory().available) if place is None else gpus.free_on(place)
        if free is not None and needed > free:
            what = "A copy of the model for its perplexity"
            raise out_of_memory(what, needed, free, gpu=place is not None)
        self._network, self._tokens = _load(folder, text, limit)
        self._weights = dict(self._network.named_parameters())

    def put(self, name: str, numbers: Numbers) -> None:
        """Change the weights of this name."""
        import torch

        with torch.no_grad():
            self._weights[name].copy_(torch.from_numpy(numbers))

    def knows(self, name: str) -> bool:
        """Whether there are weights of this name."""
        return name in self._weights

    def perplexity(self) -> float:
        """e to the mean surprise per token: 1 foresees everything, higher is worse.

        Infinite where the weights have become useless.
        """
        import torch

        with torch.inference_mode():
            loss = float(self._network(self._tokens, labels=self._tokens).loss)
        return math.exp(loss) if loss < 700 else math.inf


@making_networks()
def _load(folder: Path, text: str, limit: int) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **safe)
        tokens = tokenizer(text, return_tensors="pt").input_ids[:, :limit]
        if tokens.shape[1] < 2:
            raise _too_short()
        network = AutoModelForCausalLM.from_pretrained(
            str(folder), dtype=torch.float32, use_safetensors=True, **safe
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise NodeError(
            f"The model cannot be loaded from {folder}: {error}",
            fix="Leave the text unwired to report on the weights alone.",
            port="model",
            code="model/unloadable",
            retry=False,
        ) from error
    return placed(network.eval(), "model"), tokens.to(network.device)


def _too_short() -> NodeError:
    return NodeError(
        "The text for the perplexity has fewer than two tokens.",
        fix="Give a paragraph or more.",
        port="text",
        code="quantization/short-text",
        retry=False,
    )
