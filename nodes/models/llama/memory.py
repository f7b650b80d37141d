"""How much memory a GGUF model takes, from what its header says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from patchbay.nodes.weights.gguf_header import Header

CONTEXT_BLOCK = 256
"""llama.cpp gives out context in blocks of so many tokens."""

ENGINE = 14 * 2**20
"""Bytes that llama.cpp takes whatever the model: threads, templates, its own code."""
PER_WORD = 400
"""Bytes for each token of the vocabulary: texts, merges, tables to look them up."""
PER_NUMBER = 64
"""Bytes of buffers for each number of each token that is computed in one go."""

REPACKED = frozenset({"Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q2_K", "IQ4_NL", "MXFP4"})
"""Precisions that llama.cpp may rearrange for the processor at hand, in memory of its own."""


QUANTIZATIONS: Mapping[str, float] = {
    "Q8_0": 8.5, "Q6_K": 6.6, "Q5_K_M": 5.7, "Q4_K_M": 4.9, "Q3_K_M": 3.9, "Q2_K": 3.2,
}  # fmt: skip
"""Usual kinds of files → bits per weight, seen over many models."""


class Footprint(NamedTuple):
    """Bytes of memory, by what they are for."""

    weights: int
    cache: int
    adapters: int
    working: int

    @property
    def total(self) -> int:
        """All together."""
        return sum(self)


def footprint(size: int, header: Header, context: int, parallel: int, adapters: int) -> Footprint:
    """What an open model takes. See docs/models.md for how well that holds.

    Args:
        size: bytes of the file.
        header: its header.
        context: tokens that each request may have.
        parallel: requests at once.
        adapters: bytes of the adapters' files.
    """
    buffers = batch_size(size) * header.width * PER_NUMBER
    return Footprint(
        weights=size,
        cache=header.cache_bytes * slot_context(context, header.context) * parallel,
        adapters=adapters,
        working=ENGINE + header.vocabulary * PER_WORD + buffers,
    )


def lighter(size: int, header: Header, context: int, parallel: int, excess: int) -> Iterator[str]:
    """Changes that take at least `excess` bytes less, in words. Arguments as in `footprint`."""
    tokens = slot_context(context, header.context)
    each = header.cache_bytes * tokens
    if each and (fewer := parallel - -(-excess // each)) >= 1:
        yield f"{fewer} parallel request{'s' if fewer > 1 else ''} instead of {parallel}"
    if block := header.cache_bytes * parallel * CONTEXT_BLOCK:
        shorter = (tokens // CONTEXT_BLOCK - -(-excess // block)) * CONTEXT_BLOCK
        if shorter >= CONTEXT_BLOCK:
            yield f"a context of {shorter:,} tokens instead of {tokens:,}"
    if header.parameters:
        bits = (size - excess) * 8 / header.parameters
        for name, needed in QUANTIZATIONS.items():
            if needed <= bits:
                yield f"weights in {name} (about {needed:g} bits each)"
                break


def slot_context(wanted: int, trained: int) -> int:
    """Tokens that a request really gets from a model trained for `trained` (0: not known).

    llama.cpp rounds up to whole blocks, and gives no more than the model can use.
    """
    rounded = -(-wanted // CONTEXT_BLOCK) * CONTEXT_BLOCK
    return min(rounded, trained) if trained else rounded


def batch_size(weights: int) -> int:
    """Tokens of a prompt that are computed in one go, for weights of so many bytes.

    A cancelled request stops after the batch at hand, so larger models get smaller batches: each
    stays well under a second on two cores.
    """
    if weights < 400 * 2**20:
        return 128
    return 64 if weights < 2**30 else 32
