"""LoRA adapters of a quantized model: which one, how strong, and whether it fits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import cache_dir
from patchbay.nodes.models.llama.convert import FORMAT, check_convertible, shapes, write_gguf
from patchbay.nodes.models.transformers.adapter import (
    WEIGHTS,
    AdapterByReference,
    fetch_adapter,
    locate,
    read_adapter,
)
from patchbay.nodes.names import OwnWeights
from patchbay.nodes.weights.gguf_header import Header
from patchbay.nodes.weights.refs import Report
from patchbay.nodes.weights.resolve import content_id, find, header_of, resolve

_A, _B = ".lora_a", ".lora_b"


class GgufAdapter(AdapterByReference, BaseModel):
    """A low-rank change of a model's weights (Hu et al. 2021, arXiv:2106.09685)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: OwnWeights = Field(min_length=1, max_length=1000)
    """A .gguf file of an adapter, a folder saved by PEFT, one that ships, or hf:owner/repo."""
    scale: float = Field(1.0, ge=-100, le=100)
    """How strongly it counts; 0 not at all."""

    def here(self) -> Path | None:
        """Its file or folder, if it is here."""
        return find(self.weights) if is_gguf(self.weights) else super().here()


def is_gguf(reference: str) -> bool:
    """Whether a reference names a GGUF file; others name what PEFT saved, which is converted."""
    return reference.partition("#")[0].partition("@")[0].lower().endswith(".gguf")


def adapter_file(reference: str, base: Header, report: Report) -> Path:
    """The GGUF file of an adapter, fetched and converted if need be.

    Raises:
        NodeError: it cannot be had, or cannot be converted.
    """
    if is_gguf(reference):
        return resolve(reference, report)
    folder = fetch_adapter(reference, report)
    adapter = read_adapter(reference)
    assert adapter is not None  # noqa: S101 - it was just fetched
    check_convertible(adapter, base)
    made_of = f"{FORMAT} {base.architecture} {base.heads} {base.shared_heads} "
    made_of += adapter_id(reference)
    name = hashlib.sha256(made_of.encode()).hexdigest()[:32]
    path = cache_dir() / "adapters" / f"{name}.gguf"
    if not path.is_file():
        report(f"Converting the adapter {reference}", 0, None)
        write_gguf(adapter, folder, base, path)
    return path


def adapter_id(reference: str) -> str:
    """What an adapter holds, for cache keys; its reference where it is not here yet."""
    if is_gguf(reference):
        return content_id(reference)
    if (adapter := read_adapter(reference)) is None:
        return reference
    place = locate(reference)
    folder = place if isinstance(place, Path) else place.path
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes())
    digest.update(repr(sorted(adapter.config.items())).encode())
    return f"sha256:{digest.hexdigest()}"


def adapter_bytes(reference: str) -> int:
    """The size of an adapter in memory; 0 where it is not known yet."""
    if is_gguf(reference):
        found = header_of(reference)
        return 0 if found is None else found[0]
    try:
        adapter = read_adapter(reference)
    except NodeError:
        return 0
    if adapter is None:
        return 0
    return sum(4 * adapter.ranks.get(m, 0) * sum(shape) for m, shape in adapter.layers.items())


def check_adapters(weights: str, adapters: Sequence[GgufAdapter]) -> None:
    """Compare adapters with the model, by their headers, where the files are here.

    Raises:
        NodeError: one is none, or cannot change this model, and why.
    """
    known = header_of(weights)
    base = None if known is None else known[1]
    for adapter in adapters:
        if (found := _matrices(adapter.weights, base)) is None or base is None:
            continue
        if why := next(_differences(*found, base), ""):
            raise _misfit(
                f"The adapter {adapter.weights!r} does not fit the model {weights!r}: {why}.",
                "Take the model that the adapter was trained on.",
            )


def _matrices(
    reference: str, base: Header | None
) -> tuple[str, Mapping[str, tuple[int, ...]]] | None:
    """The architecture that an adapter was made for and its matrices, in words of a GGUF file."""
    if not is_gguf(reference):
        if (adapter := read_adapter(reference)) is None or base is None:
            return None
        check_convertible(adapter, base)
        return base.architecture, shapes(adapter)
    if (found := header_of(reference)) is None:
        return None
    if not found[1].is_adapter:
        raise _misfit(
            f"{reference!r} is a whole model, not a LoRA adapter.",
            "Name it as the weights instead, or name the adapter's file.",
        )
    return found[1].architecture, found[1].shapes or {}


def _differences(
    architecture: str, matrices: Mapping[str, tuple[int, ...]], base: Header
) -> Iterator[str]:
    if architecture != base.architecture:
        yield f"it was made for {architecture}, the model is {base.architecture}"
    for name, shape in matrices.items():
        target = name.removesuffix(_A)
        if target == name or "embd" in name or base.shapes is None:
            continue
        if target not in base.shapes:
            yield f"it changes {target}, which the model does not have"
            continue
        ends = shape[0], matrices.get(target + _B, (0, 0))[-1]
        if ends != base.shapes[target][:2]:
            theirs, ours = (" x ".join(map(str, pair)) for pair in (ends, base.shapes[target]))
            yield f"it changes {target} as {theirs}, which has {ours} there"


def _misfit(message: str, fix: str) -> NodeError:
    return NodeError(message, fix=fix, code="adapter/misfit", retry=False)
