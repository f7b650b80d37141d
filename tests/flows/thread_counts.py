"""Saved flows with so many threads for their models.

Sums come out a little differently with other threads, and a small model may then say something
else. What the pages print must not hang on that.
"""

from __future__ import annotations

import pytest

from patchbay.flows.document.model import Flow

every_thread_count = pytest.mark.parametrize("threads", [1, 2, 4])
"""For what the pages print: the crew, the folder, the chat, README's examples."""
one_or_four_threads = pytest.mark.parametrize("threads", [1, 4])
"""As all other tests have it, and as many laptops do. Each answer is another half minute of CI."""


def with_threads(flow: Flow, threads: int) -> Flow:
    """The flow with so many threads for each model in a GGUF file."""
    nodes = tuple(
        node.model_copy(update={"params": {**node.params, "threads": threads}})
        if node.kind == "model.gguf"
        else node
        for node in flow.nodes
    )
    return flow.model_copy(update={"nodes": nodes})
