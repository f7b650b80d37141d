"""Whether an adapter goes with a model: compared from the heads of their files, before any load."""

from __future__ import annotations

import re

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.adapter import Adapter
from patchbay.nodes.models.transformers.anatomy import Anatomy
from patchbay.nodes.weights.manifest import DEFAULT

UPSTREAM = {DEFAULT: "HuggingFaceTB/SmolLM2-135M-Instruct"}
"""What the makers of our named weights call them."""

_WHOLE = ("lm_head", "embed_tokens")
_SUFFIX = re.compile(r"[-_.](gguf|gptq|awq|bnb|4bit|8bit|fp16|bf16|f16|q\d\w*|unsloth|hf)\b.*$")


def check_fit(adapter: Adapter, base: Anatomy, weights: str) -> None:
    """Compare an adapter with its base: layers, shapes, rank, vocabulary.

    Raises:
        NodeError: they do not go together; both sides are named.
    """
    unknown = [name for name in adapter.layers if name not in base.linears and not _whole(name)]
    if unknown:
        raise _misfit(
            adapter, weights,
            f"It adapts {_listed(unknown)} ({', '.join(adapter.targets)}), but {weights!r} is a "
            f"{base.architecture or 'model'} with {base.layers} layers of "
            f"{', '.join(_kinds(base))}.",
        )  # fmt: skip
    for name, shape in adapter.layers.items():
        if (have := base.linears.get(name)) is not None and have != shape:
            raise _misfit(
                adapter, weights,
                f"Its {name} is made for a layer of {_size(shape)}, but that of {weights!r} is "
                f"{_size(have)}.",
            )  # fmt: skip
    _check_rank(adapter, weights)
    _check_vocabulary(adapter, base, weights)


def check_names(adapter: Adapter, weights: str) -> None:
    """Compare only what both call the base, for when the base is not here to look at.

    Raises:
        NodeError: the adapter was trained on something else.
    """
    if adapter.base and plain(adapter.base) != plain(UPSTREAM.get(weights, weights)):
        raise _misfit(
            adapter, weights,
            f"It was trained on {adapter.base!r}, and {weights!r} is not here yet to compare.",
        )  # fmt: skip


def plain(name: str) -> str:
    """A model's name without its owner, revision, and how it is packed."""
    last = re.split(r"[/:\\]", name.split("@", 1)[0].rstrip("/"))[-1].lower()
    return _SUFFIX.sub("", last)


def _check_rank(adapter: Adapter, weights: str) -> None:
    said = adapter.config.get("r")
    patterns = adapter.config.get("rank_pattern") or {}
    if not isinstance(said, int) or patterns:
        return
    wrong = {name: rank for name, rank in adapter.ranks.items() if rank != said}
    if wrong:
        name, rank = next(iter(sorted(wrong.items())))
        raise _misfit(
            adapter, weights,
            f"Its config says rank {said}, but the matrices of {name} have rank {rank}.",
        )  # fmt: skip


def _check_vocabulary(adapter: Adapter, base: Anatomy, weights: str) -> None:
    """Adapters that were trained with more tokens bring embeddings of another length."""
    trained = {n: shape[0] for n, shape in adapter.layers.items() if _whole(n) and shape[0]}
    trained |= {n: s[0] for n, s in adapter.others.items() if _whole(n) and len(s) == 2}
    for name, tokens in sorted(trained.items()):
        if base.vocabulary and tokens not in (base.vocabulary, base.hidden):
            raise _misfit(
                adapter, weights,
                f"Its {name} knows {tokens:,} tokens, but the tokenizer of {weights!r} "
                f"knows {base.vocabulary:,}.",
            )  # fmt: skip


def _whole(name: str) -> bool:
    return any(part in name for part in _WHOLE)


def _kinds(base: Anatomy) -> list[str]:
    return sorted({name.rsplit(".", 1)[-1] for name in base.linears})


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more layers"


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{n:,}" for n in shape)


def _misfit(adapter: Adapter, weights: str, why: str) -> NodeError:
    made_for = f" It was trained on {adapter.base!r}." if adapter.base else ""
    return NodeError(
        f"The adapter {adapter.reference!r} does not fit the model {weights!r}. {why}"
        f"{made_for if adapter.base not in why else ''}",
        fix=f"Wire the model that it was trained on{f', {adapter.base}' if adapter.base else ''}, "
        "or take another adapter.",
        port="model",
        code="adapter/misfit",
        retry=False,
    )
