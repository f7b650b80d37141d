"""What an example call of a flow gives it."""

from __future__ import annotations

from typing import Any

from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.nodes.values import encode

_OF_KIND: dict[str, Any] = {
    "text": "Hello",
    "number": 1,
    "json": {},
    "messages": "Hello",
    "documents": "A text.",
}


def example_inputs(flow: ServedFlow) -> dict[str, Any]:
    """Values for an example: the defaults of texts, and something for what must be given.

    Files are left out: a call with one is a form.
    """
    found: dict[str, Any] = {}
    for asks in flow.inputs.values():
        if asks.kind == "file":
            continue
        if asks.required:
            found[asks.name] = asks.choices[0] if asks.choices else _OF_KIND.get(asks.kind, "Hello")
        elif asks.kind in ("text", "messages", "number", "choice"):
            found[asks.name] = encode(asks.default)
    return found
