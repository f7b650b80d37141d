"""Whether an adapter goes with a model: compared from the heads of their files, before any load."""

from __future__ import annotations

import re
from collections.abc import Iterator

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.adapter import HOULSBY, IA3, LEADS, PROMPT, Adapter
from patchbay.nodes.models.transformers.adapter_config import refusals
from patchbay.nodes.models.transformers.anatomy import Anatomy
from patchbay.nodes.models.transformers.anatomy import inside as within
from patchbay.nodes.weights.manifest import DEFAULT

UPSTREAM = {DEFAULT: "HuggingFaceTB/SmolLM2-135M-Instruct"}
"""What the makers of our named weights call them."""

_WHOLE = ("lm_head", "embed_tokens")
_SUFFIX = re.compile(r"[-_.](gguf|gptq|awq|bnb|4bit|8bit|fp16|bf16|f16|q\d\w*|unsloth|hf)\b.*$")


def check_config(adapter: Adapter) -> None:
    """Check that everything an adapter's config says can be done, and that its file says the same.

    Raises:
        NodeError: a field cannot be honoured, or the file is not as the config says.
    """
    for name, why, fix in refusals(adapter.settings):
        raise NodeError(
            f"The adapter {adapter.reference!r} cannot be used: its config sets {name}, and {why}.",
            fix=fix,
            code="adapter/config",
            retry=False,
        )
    if why := next(_contradictions(adapter), ""):
        raise NodeError(
            f"The config of the adapter {adapter.reference!r} does not go with its matrices: "
            f"{why}.",
            fix="Save it again with PEFT's save_pretrained, or take another adapter.",
            code="adapter/config",
            retry=False,
        )


def check_fit(adapter: Adapter, base: Anatomy, weights: str) -> None:
    """Compare an adapter with its base: layers, shapes, rank, vocabulary.

    Raises:
        NodeError: they do not go together; both sides are named.
    """
    check_config(adapter)
    if adapter.kind in LEADS:
        _check_lead(adapter, base, weights)
        return
    unknown = [name for name in adapter.layers if name not in base.linears and not _whole(name)]
    if unknown:
        raise _misfit(
            adapter, weights,
            f"It adapts {_listed(unknown)} ({', '.join(adapter.targets)}), but {weights!r} is a "
            f"{base.architecture or 'model'} with {base.layers} layers of "
            f"{', '.join(_kinds(base))}.",
        )  # fmt: skip
    _check_vocabulary(adapter, base, weights)
    for name, shape in adapter.layers.items():
        have = base.tensors.get(f"{name}.weight")
        if have is not None and name in adapter.embeddings:
            have = have[::-1]
        if have is not None and adapter.kind == IA3:
            have = shape if shape in ((have[0], 1), (1, have[1])) else have
        if have is not None and adapter.kind == HOULSBY:
            have = (have[0], have[0])
        if have is not None and have != shape:
            raise _misfit(
                adapter, weights,
                f"Its {name} is made for a layer of {_size(shape)}, but that of {weights!r} is "
                f"{_size(have)}.",
            )  # fmt: skip
    for name, shape in adapter.others.items():
        have = base.tensors.get(name)
        if have is None and _whole(name):
            continue  # tied to another, so that the file has it once
        if have is None and not name.endswith(".bias"):
            raise _misfit(adapter, weights, f"It holds a whole {name}, which {weights!r} has not.")
        if have is not None and have != shape:
            raise _misfit(
                adapter, weights,
                f"Its whole {name} is {_size(shape)}, but that of {weights!r} is {_size(have)}.",
            )  # fmt: skip


def _check_lead(adapter: Adapter, base: Anatomy, weights: str) -> None:
    """A prompt is of the width of the model, a prefix of that of its cache."""
    have = base.hidden if adapter.kind == PROMPT else base.cache_values
    if adapter.lead[1] != have:
        raise _misfit(
            adapter, weights,
            f"Each of its {adapter.lead[0]} virtual tokens is {adapter.lead[1]:,} numbers, but "
            f"{weights!r} takes {have:,}.",
        )  # fmt: skip


def check_whole(adapter: Adapter, scale: float, merge: bool) -> None:
    """Check that an adapter is not asked for something that its kind cannot do.

    Raises:
        NodeError: it is to be merged, or to act more or less strongly, and cannot.
    """
    if merge and adapter.kind in (HOULSBY, *LEADS):
        why = "its layers are not linear" if adapter.kind == HOULSBY else "it stands before a text"
        raise NodeError(
            f"The adapter {adapter.reference!r} ({adapter.kind}) cannot be merged into weights: "
            f"{why}.",
            fix="Switch merge off.",
            param="merge",
            code="adapter/merge",
            retry=False,
        )
    if scale != 1 and adapter.kind in LEADS:
        raise NodeError(
            f"The adapter {adapter.reference!r} ({adapter.kind}) acts whole; there is no half of "
            "a token.",
            fix="Set the scale to 1.",
            param="scale",
            code="adapter/config",
            retry=False,
        )


def check_names(adapter: Adapter, weights: str) -> None:
    """Compare only what both call the base, for when the base is not here to look at.

    Raises:
        NodeError: the adapter was trained on something else, or cannot be used at all.
    """
    check_config(adapter)
    if adapter.base and plain(adapter.base) != plain(UPSTREAM.get(weights, weights)):
        raise _misfit(
            adapter, weights,
            f"It was trained on {adapter.base!r}, and {weights!r} is not here yet to compare.",
        )  # fmt: skip


def check_bits(adapter: Adapter, quantized: bool) -> None:
    """Check that an adapter does not need what a base in fewer bits has lost.

    Raises:
        NodeError: it begins with a part of the base's weights, or replaces quantized layers.
    """
    if not quantized:
        return
    why = ""
    if adapter.settings.takes_from_base:
        why = f"{adapter.settings.begins_with} takes a part of the base's weights away"
    elif inside := [n for n in adapter.others if within(n) and len(adapter.others[n]) == 2]:
        why = f"it holds a whole {inside[0]}"
    if why:
        raise NodeError(
            f"The adapter {adapter.reference!r} cannot hang on a base in 8 or 4 bits: {why}.",
            fix="Take the Quantize node out, or another adapter.",
            port="model",
            code="adapter/bits",
            retry=False,
        )


def plain(name: str) -> str:
    """A model's name without its owner, revision, and how it is packed."""
    last = re.split(r"[/:\\]", name.split("@", 1)[0].rstrip("/"))[-1].lower()
    return _SUFFIX.sub("", last)


def _contradictions(adapter: Adapter) -> Iterator[str]:
    """What PEFT would leave out of the file, or fill in, without a word."""
    settings = adapter.settings
    for name, rank in adapter.ranks.items():
        if rank != settings.rank(name):
            yield f"it says rank {settings.rank(name)}, but the matrices of {name} have rank {rank}"
    ties = bool(adapter.config.get("ensure_weight_tying"))
    for name in adapter.layers:
        if not (settings.targets(name) or (ties and _whole(name))):
            yield f"the file adapts {name}, which target_modules and its companions leave out"
        if settings.takes_from_base and name in adapter.embeddings:
            yield f"{settings.begins_with} is for linear layers, and {name} is none"
    if settings.use_dora and (missing := sorted(set(adapter.layers) - adapter.stretched)):
        yield f"it says DoRA, but holds no magnitudes of {missing[0]}"
    if adapter.stretched and not settings.use_dora:
        yield "the file holds magnitudes of DoRA, and use_dora is off"
    if adapter.shifted and not settings.lora_bias:
        yield "the file holds biases of its matrices, and lora_bias is off"
    if adapter.shifted and settings.use_dora:
        yield "lora_bias and use_dora exclude each other"
    if settings.bias == "none":
        for name in adapter.others:
            if name.endswith(".bias") and not settings.saves(name.removesuffix(".bias")):
                yield f"the file holds {name}, and bias is none"


def _check_vocabulary(adapter: Adapter, base: Anatomy, weights: str) -> None:
    """Adapters that were trained with more tokens bring embeddings of another length."""
    trained = {
        name: shape[1] if name in adapter.embeddings else shape[0]
        for name, shape in adapter.layers.items()
        if _whole(name) and 0 not in shape
    }
    trained |= {n: s[0] for n, s in adapter.others.items() if _whole(n) and len(s) == 2}
    for name, tokens in sorted(trained.items()):
        if base.vocabulary and tokens != base.vocabulary:
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
