"""Whether layers that are to be computed on a graphics card are."""

from __future__ import annotations

from patchbay.nodes import gpus


def gpu_doubts(layers: int) -> tuple[str, ...]:
    """What to say where layers are to be computed on a graphics card, and cannot be.

    Args:
        layers: how many; -1 for all.
    """
    if not layers or gpus.llama_for_gpus():
        return ()
    return (
        "Its layers are to be computed on a graphics card, but the llama.cpp that is installed "
        "here sees none, and computes all of them on the processor.",
    )
