"""LoRA adapters in GGUF files: which one, how strong, and whether it fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict, Field

from nodes.contract import NodeError
from nodes.models.header import Header
from nodes.models.weights import header_of

_A, _B = ".lora_a", ".lora_b"


class GgufAdapter(BaseModel):
    """A low-rank change of a model's weights (Hu et al. 2021, arXiv:2106.09685)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: str = Field(min_length=1, max_length=1000)
    """A path to a .gguf file of an adapter, or hf:owner/repo/file.gguf."""
    scale: float = Field(1.0, ge=-100, le=100)
    """How strongly it counts; 0 not at all."""


def check_adapters(weights: str, adapters: Sequence[GgufAdapter]) -> None:
    """Compare adapters with the model, by their headers, where the files are here.

    Raises:
        NodeError: one cannot change this model, and why.
    """
    base = header_of(weights)
    for adapter in adapters:
        found = header_of(adapter.weights)
        if found is None:
            continue
        header = found[1]
        if not header.is_adapter:
            raise _misfit(
                f"{adapter.weights!r} is a whole model, not a LoRA adapter.",
                "Name it as the weights instead, or name the adapter's file.",
            )
        if base is not None and (why := next(_differences(header, base[1]), "")):
            raise _misfit(
                f"The adapter {adapter.weights!r} does not fit the model {weights!r}: {why}.",
                "Take the model that the adapter was trained on.",
            )


def _differences(adapter: Header, base: Header) -> Iterator[str]:
    if adapter.architecture != base.architecture:
        yield f"it was made for {adapter.architecture}, the model is {base.architecture}"
    for name, shape in (adapter.shapes or {}).items():
        target = name.removesuffix(_A)
        if target == name or "embd" in name or base.shapes is None:
            continue
        if target not in base.shapes:
            yield f"it changes {target}, which the model does not have"
            continue
        ends = shape[0], (adapter.shapes or {}).get(target + _B, (0, 0))[-1]
        if ends != base.shapes[target][:2]:
            theirs, ours = (" x ".join(map(str, pair)) for pair in (ends, base.shapes[target]))
            yield f"it changes {target} as {theirs}, which has {ours} there"


def _misfit(message: str, fix: str) -> NodeError:
    return NodeError(message, fix=fix, code="adapter/misfit", retry=False)
