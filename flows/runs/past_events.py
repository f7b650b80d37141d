"""Events as the history keeps them, read again, for whoever follows a run to follow a past one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, get_args

from patchbay.flows.problems import Problem
from patchbay.flows.runs.events import Event, Tokens

_READ: Mapping[str, Callable[[Any], Any]] = {
    "problem": lambda said: Problem(**said),
    "tokens": Tokens.read,
    "points": tuple,
    "failed": tuple,
    "questions": tuple,
}
"""Fields that JSON has in another form."""
_LEFT_OUT = ("inputs", "outputs")
"""Values, which not everybody who asks the history wants to have."""


@cache
def _classes() -> dict[str, Any]:
    return {cls.__dataclass_fields__["type"].default: cls for cls in get_args(Event)}


def event_of(recorded: Mapping[str, Any]) -> Event | None:
    """The event that `events.as_json` has written; None for what this version does not know.

    Values of ports stay in their stored form, and are none where they were left out.
    """
    cls = _classes().get(str(recorded.get("type")))
    if cls is None:
        return None
    found: dict[str, Any] = {}
    for field in fields(cls):
        if field.name in recorded:
            read = _READ.get(field.name)
            said = recorded[field.name]
            found[field.name] = said if read is None else read(said)
        elif field.name in _LEFT_OUT:
            found[field.name] = {}
        elif field.default is MISSING:
            return None  # of a version that said less
    event: Event = cls(**found)
    return event
