"""JSON Pointer (RFC 6901): a place inside a JSON value, such as `/items/0/name`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
"""Nothing is at that place."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")


def tokens(pointer: str) -> list[str]:
    """The steps of a pointer. The empty pointer, with no steps, is the whole value.

    Raises:
        ValueError: it is not a JSON pointer.
    """
    if not pointer:
        return []
    if not pointer.startswith("/"):
        raise ValueError(f"a JSON pointer starts with /, such as /answer; this is {pointer!r}")
    if re.search(r"~(?![01])", pointer):
        raise ValueError("in a JSON pointer ~ is written ~0 (and / in a key ~1)")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def look_up(value: Any, pointer: str) -> Any:
    """What is at that place of a JSON value, or `MISSING`."""
    for step in tokens(pointer):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and _INDEX.fullmatch(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def _checked(pointer: str) -> str:
    tokens(pointer)
    return pointer


Pointer = Annotated[str, AfterValidator(_checked)]
"""A param that is a pointer."""
