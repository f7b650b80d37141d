"""Whether a flow could be read again once it is written: what cannot is refused at the edit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from patchbay.flows.document.model import Flow, Group, NodeInstance, Note, Place
from patchbay.flows.document.reading import MAX_BYTES, MAX_DEPTH, is_whole
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.wording import quoted
from patchbay.nodes.units import size_in_words

PARAM_DEPTH = MAX_DEPTH - 4
"""How many levels deep a param may nest: a file has it at nodes[0].params.name."""
MOST_BITS = 14_000
"""Python reads whole numbers of at most 4,300 digits."""
LONGEST = 6
"""Bytes that a character takes at most in a flow file: `\\u0000`."""


def unreadable(flow: Flow, before: Flow | None = None) -> Iterator[Problem]:
    """What would keep the text of a flow from being read again.

    Args:
        flow: the flow; anything that the model allows.
        before: the flow that it came from; what it shares with that one is not looked at again.
    """
    old = Flow() if before is None else before
    yield from _doubled(flow, old)
    yield from _texts(flow, old)
    for node in _new(flow.nodes, old.nodes):
        for name, value in node.params.items():
            yield from _param(node, name, value)
    for key, place in flow.layout.items():
        if old.layout.get(key) is not place and not _finite(place):
            message = f"The place of {quoted(key)} is not a finite number."
            yield Problem("file/number", message, "Put it elsewhere on the canvas.")
    if before is None or _size(flow) > _size(before):
        yield from _too_large(flow)


def refuse_unreadable(flow: Flow) -> None:
    """Check that the text of a flow could be read again.

    Raises:
        FlowError: it could not; everything that is in the way.
    """
    if found := tuple(unreadable(flow)):
        raise FlowError(found)


def _new(items: Sequence[Any], before: Sequence[Any]) -> list[Any]:
    known = {id(item) for item in before}
    return [item for item in items if id(item) not in known]


def _doubled(flow: Flow, before: Flow) -> Iterator[Problem]:
    twice = _twice(flow)
    if twice:
        for name in sorted(twice - _twice(before)):
            message = f"The id {quoted(name)} would stand there twice."
            yield Problem("structure/duplicate-id", message, "Give each its own id.")


def _twice(flow: Flow) -> set[str]:
    counts = Counter(item.id for items in (flow.nodes, flow.notes, flow.groups) for item in items)
    return {name for name, count in counts.items() if count > 1}


def _texts(flow: Flow, before: Flow) -> Iterator[Problem]:
    texts = [("The name", flow.name), ("The description", flow.description)]
    notes: list[Note] = _new(flow.notes, before.notes)
    groups: list[Group] = _new(flow.groups, before.groups)
    nodes: list[NodeInstance] = _new(flow.nodes, before.nodes)
    texts += [(f"The note {quoted(note.id)}", note.text) for note in notes]
    texts += [(f"The title of {quoted(group.id)}", group.title) for group in groups]
    texts += [(f"The title of {quoted(node.id)}", node.title or "") for node in nodes]
    texts += [(f"The kind of {quoted(node.id)}", node.kind) for node in nodes]
    for what, text in texts:
        if not is_whole(text):
            yield _half(what)


def _param(node: NodeInstance, name: str, value: Any) -> Iterator[Problem]:
    what = f"The param {quoted(name)} of {quoted(node.id)}"
    if not is_whole(name):
        yield _half(f"The name of a param of {quoted(node.id)}")
    found = dict.fromkeys(_faults(value))
    if "deep" in found:
        message = f"{what} is nested more than {PARAM_DEPTH} levels deep."
        fix = "Flatten the value, or put it into a file that the flow reads."
        yield Problem("file/too-deep", message, fix, node=node.id, param=name)
    if "number" in found:
        message = f"{what} holds a number that is not finite, or of thousands of digits."
        fix = "Write a finite number, or write it as text."
        yield Problem("file/number", message, fix, node=node.id, param=name)
    if "half" in found:
        yield _half(what)


def _faults(value: Any) -> Iterator[str]:
    """What is wrong inside a value, in words of our own; without recursion, so of any depth."""
    stack: list[tuple[int, Any]] = [(0, value)]
    while stack:
        depth, item = stack.pop()
        if depth > PARAM_DEPTH:
            yield "deep"
            return
        if isinstance(item, dict):
            if not all(is_whole(key) for key in item):
                yield "half"
            stack.extend((depth + 1, inner) for inner in item.values())
        elif isinstance(item, list):
            stack.extend((depth + 1, inner) for inner in item)
        elif isinstance(item, str):
            if not is_whole(item):
                yield "half"
        elif (isinstance(item, float) and not math.isfinite(item)) or (
            isinstance(item, int) and item.bit_length() > MOST_BITS
        ):
            yield "number"


def _half(what: str) -> Problem:
    message = f"{what} holds half a character (a lone surrogate)."
    return Problem("file/not-utf8", message, "Remove it.")


def _finite(place: Place) -> bool:
    return all(math.isfinite(n) for n in (place.x, place.y, place.w or 0.0, place.h or 0.0))


def _too_large(flow: Flow) -> Iterator[Problem]:
    if _size(flow) <= MAX_BYTES:
        return
    try:
        size = len(canonical_text(flow).encode())
    except FlowError:
        return  # it cannot be written at all; what is wrong with it is among the other findings
    if size > MAX_BYTES:
        message = (
            f"The flow would take {size_in_words(size)}; "
            f"a flow file may have {size_in_words(MAX_BYTES)}."
        )
        fix = "Move data out of the flow, into files that it reads."
        yield Problem("file/too-large", message, fix)


def _size(flow: Flow) -> int:
    """At least as many bytes as the text of a flow takes; quick rather than close."""
    parts = (*flow.nodes, *flow.edges, *flow.notes, *flow.groups, *flow.layout)
    size = 200 * len(parts) + LONGEST * (len(flow.name) + len(flow.description))
    size += sum(200 + _length(one.value) + _length(one.environments) for one in flow.variables)
    size += sum(LONGEST * len(note.text) for note in flow.notes)
    size += sum(200 * len(group.nodes) + LONGEST * len(group.title) for group in flow.groups)
    for node in flow.nodes:
        size += LONGEST * len(node.title or "") + 300 + _length(node.params)
    return size


def _length(value: Any) -> int:
    """At least as many bytes as a value takes, four levels deep in a flow."""
    size = 0
    stack: list[tuple[int, Any]] = [(4, value)]
    while stack:
        depth, item = stack.pop()
        size += 2 * depth + 30
        if isinstance(item, str):
            size += LONGEST * len(item)
        elif isinstance(item, dict):
            size += sum(LONGEST * len(key) + 30 for key in item)
            stack.extend((depth + 1, inner) for inner in item.values())
        elif isinstance(item, list):
            stack.extend((depth + 1, inner) for inner in item)
        elif isinstance(item, int):
            size += item.bit_length()
    return size
