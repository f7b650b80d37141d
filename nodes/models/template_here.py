"""What the chat template of weights on this machine knows, before the model is opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from patchbay.nodes.models.thinking import check_thinks
from patchbay.nodes.weights.gguf_vocabulary import read_vocabulary
from patchbay.nodes.weights.resolve import find


class _Asked(Protocol):
    """The params of a local model that may be told to think."""

    @property
    def weights(self) -> str: ...

    @property
    def thinking(self) -> str | None: ...

    @property
    def chat_template(self) -> str | None: ...


def check_thinks_here(params: _Asked, template_of: Callable[[str], str]) -> None:
    """Check what is known of a model's template against `thinking`; unknown is no fault.

    Args:
        params: those of a node that describes a local model.
        template_of: finds the template of weights; empty where they are not here.

    Raises:
        NodeError: the model knows nothing of thinking.
    """
    if params.thinking is None:
        return
    thinking = int(params.thinking) if params.thinking.isdecimal() else params.thinking
    check_thinks(params.chat_template or template_of(params.weights), thinking, params.weights)


def gguf_template(weights: str) -> str:
    """The template in a GGUF file; empty where there is none, or no file yet."""
    path = find(weights)
    vocabulary = None if path is None else read_vocabulary(path)
    return vocabulary.template if vocabulary is not None else ""
