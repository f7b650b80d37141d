"""How many tokens a text is for the model that reads it: by that model where it is in memory."""

from __future__ import annotations

import asyncio
from typing import Any

from patchbay.flows.checks.described import describe_flow
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.document.graph import links, onward
from patchbay.flows.runs.defaults import default_pool
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.counting import CHARACTERS_PER_TOKEN, CountsTokens, named
from patchbay.nodes.values import ModelSpec, SecretRef
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.server.services import services

TEXT = 1_000_000
"""Bytes of a text that is counted."""


def tokens_of(document: FlowDocument, node: str, text: str) -> dict[str, Any]:
    """`tokens`, `how` they were counted, and the `context` of the model where one is wired.

    Nothing is opened for it: where the model is not in memory, or cannot count, it is an estimate.
    """
    model = wired_model(document, node)
    about = {"tokens": -(-len(text) // CHARACTERS_PER_TOKEN), "how": "estimated"}
    if model is None:
        return about
    context = getattr(model, "context", None)
    told = about | ({"context": context} if isinstance(context, int) else {})
    counted = _counted(model, text)
    if counted is None:
        return told
    return told | {"tokens": counted, "how": f"counted by {named(model)}"}


def wired_model(document: FlowDocument, node: str) -> ModelSpec | None:
    """The model of the first node, from here on along the wires, that is given one."""
    resolved = resolve_once(document.flow, services().catalog, document.folder)
    described = describe_flow(resolved)
    for here in onward(links(document.flow), node):
        for given in described.inputs.get(here, {}).values():
            if isinstance(given, ModelSpec):
                return given
    return None


class _Nobody:
    """Waits for nothing, since what is asked is open already."""

    def opening(self, label: str, done: float, total: float | None) -> None:
        """Nothing is opened."""

    def waiting(self, resource: str, position: int) -> None:
        """Nothing is waited for."""

    def warning(self, message: str) -> None:
        """Nobody is there to be warned."""

    def secret(self, ref: SecretRef) -> str:
        """What is open needs none any more."""
        return ""


def _counted(model: ModelSpec, text: str) -> int | None:
    pool = default_pool()
    if all(spec != model.resource() for spec, _, _ in pool.resident()):
        return None

    async def count() -> int | None:
        async with pool.use(model, _Nobody(), slot=False) as opened:
            if not isinstance(opened, CountsTokens):
                return None
            return await asyncio.to_thread(opened.tokens_in, text)

    try:
        return asyncio.run(count())
    except NodeError:
        return None
