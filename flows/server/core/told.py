"""What callers are told of a run's events.

A caller gets the answer, not the flow: what the nodes in between gave, and what went into those
that failed, is left out unless the server was told otherwise, and so are the pieces of their texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patchbay.flows.runs.events import Event, as_json
from patchbay.flows.server.core.keys import OWNER, Caller
from patchbay.flows.server.core.settings import Settings

_WITHIN = {
    "node_finished": ("outputs", "key"), "node_failed": ("inputs",), "node_stopped": ("outputs",),
    "run_started": (),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SentEvent:
    """An event as it is sent: its number within the run, its type and its JSON."""

    number: int
    type: str
    data: dict[str, Any]


def told(
    event: Event, streams: Mapping[tuple[str, str], str], values: bool
) -> dict[str, Any] | None:
    """The JSON of an event for a caller; None for what is not told.

    Args:
        event: what happened.
        streams: outputs of nodes whose pieces are pieces of an output of the flow, to its name.
        values: whether all that nodes give is told.
    """
    if event.type == "node_streamed":
        output = streams.get((event.node, event.port))
        if output is None and not values:
            return None
        found = as_json(event)
        if output is not None:
            found["output"] = output
        return found
    return shown(as_json(event), values)


def weight_of(value: Any) -> int:
    """About how many characters of JSON a value has; nothing is written for it."""
    weight, stack = 0, [value]
    while stack:
        item = stack.pop()
        weight += len(item) + 2 if isinstance(item, str) else 8
        if isinstance(item, dict):
            stack += [*item.keys(), *item.values()]
        elif isinstance(item, (list, tuple)):
            stack += item
    return weight


def shown(data: dict[str, Any], values: bool) -> dict[str, Any]:
    """The JSON of an event, as it was or is recorded, without what callers are not told."""
    if values:
        return data
    left_out = _WITHIN.get(data["type"], ())
    return {name: value for name, value in data.items() if name not in left_out}


def shows_models(caller: Caller, settings: Settings) -> bool:
    """Whether a caller is told which models flows have, and what they cost."""
    return settings.values or caller == OWNER


def without_models(data: dict[str, Any]) -> dict[str, Any]:
    """The JSON of an event or a run without the names of the models whose tokens it counts."""
    tokens = data.get("tokens")
    if not isinstance(tokens, dict) or "models" not in tokens:
        return data
    return {**data, "tokens": {name: n for name, n in tokens.items() if name != "models"}}
