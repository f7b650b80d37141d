"""Encoders on the fastest device that there is. Imported only where one is opened."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.models.errors import memory_ran_out, of_a_gpu, out_of_memory
from patchbay.nodes.models.transformers.load import pick_device


def placed(network: Any, what: str) -> Any:
    """A network on a graphics card where there is one, in the type of numbers that it has.

    Args:
        network: just read, on the processor.
        what: it is, as a person calls it.

    Raises:
        NodeError: the card has no room for it.
    """
    try:
        return network.to(pick_device("auto"))
    except RuntimeError as error:
        if not memory_ran_out(error):
            raise
        raise out_of_memory(f"The {what}", gpu=of_a_gpu(error)) from error
