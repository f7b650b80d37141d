"""Editing a flow: pure functions from one flow to the next. Undo and redo come from here.

`apply(flow, op)` makes an edit, `inverse(flow, op)` is the operation that takes it back. Nothing
here knows a catalog: whether a wire makes sense is for the rules to say, so that a flow under
construction can always be drawn and saved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from patchbay.flows.document.handlers import HANDLERS, ids
from patchbay.flows.document.model import Flow
from patchbay.flows.document.operations import Batch, Operation, Patch, Wire
from patchbay.flows.document.patch import EditError, diff
from patchbay.flows.document.readable import unreadable

MAX_DEPTH = 8
"""How deep batches may nest."""


def apply(flow: Flow, op: Operation) -> Flow:
    """The flow after an edit.

    Raises:
        EditError: the edit makes no sense for this flow, or what it makes could not be read
            again once it is saved; says why.
    """
    after = _apply(flow, op, 0)
    if found := next(unreadable(after, flow), None):
        raise EditError(f"{found.message} {found.fix}")
    return after


def inverse(flow: Flow, op: Operation) -> Patch:
    """The operation that takes `op` back from `apply(flow, op)`.

    Raises:
        EditError: the edit makes no sense for this flow.
    """
    return diff(apply(flow, op), flow)


def _apply(flow: Flow, op: Any, depth: int) -> Flow:
    if isinstance(op, Batch):
        if depth >= MAX_DEPTH:
            raise EditError("The edit is nested too deep.")
        for inner in op.ops:
            flow = _apply(flow, inner, depth + 1)
        return flow
    return HANDLERS[type(op)](flow, op)


def fresh_id(words: str, taken: Iterable[str]) -> str:
    """A readable id that is not taken: `prompt`, then `prompt-2`."""
    base = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:40].rstrip("-") or "node"
    if not base[0].isalpha():
        base = f"n-{base}"
    known = set(taken)
    number, candidate = 1, base
    while candidate in known:
        number += 1
        candidate = f"{base}-{number}"
    return candidate


__all__ = ["EditError", "Wire", "apply", "fresh_id", "ids", "inverse"]
