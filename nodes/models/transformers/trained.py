"""What was trained here: an adapter as a value on a wire, and what its folder says of its base."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from pydantic import JsonValue

from patchbay.nodes.errors import NodeError
from patchbay.nodes.values import TAG, Value

ABOUT = "patchbay.json"
"""Beside an adapter that was trained here: base and rows by name and hash."""


class TrainedAdapter(Value):
    """An adapter by its folder and content; `base` is the model that it was trained on."""

    wire: ClassVar[str] = "adapter"

    path: str
    sha256: str
    method: str
    base: str
    base_sha256: str

    def content_key(self) -> JsonValue:
        """What it holds; where it lies does not matter."""
        return {TAG: self.tag(), "sha256": self.sha256}


def about(folder: Path) -> dict[str, Any]:
    """What the folder of an adapter says of where it comes from; empty where it says nothing."""
    try:
        held = json.loads((folder / ABOUT).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def check_base(reference: str, folder: Path, weights: str, content: Callable[[], str]) -> None:
    """Compare the base that an adapter was trained on with the one that it hangs on.

    Args:
        reference: of the adapter.
        folder: where it lies.
        weights: the base that is wired, as people call it.
        content: tells what its weights hold; asked only where the adapter says its own.

    Raises:
        NodeError: they are others. Shapes may agree all the same, and the answers be nonsense.
    """
    known = about(folder)
    if not known.get("weights_content") or known["weights_content"] == content():
        return
    raise NodeError(
        f"The adapter {reference!r} was trained on {known.get('base', 'another model')!r}, whose "
        f"weights are others than those of {weights!r}.",
        fix=f"Wire {known.get('base', 'that model')!r}, or train an adapter on {weights!r}.",
        port="model",
        code="adapter/misfit",
        retry=False,
    )
