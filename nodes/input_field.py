"""A value that a flow asks its caller for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class InputField:
    """A value that a flow asks its caller for."""

    name: str
    kind: str
    required: bool
    default: Any = None
    description: str = ""
    choices: tuple[str, ...] = ()
    parse: Callable[[Any], Any] = field(default=lambda value: value, compare=False)
    """Turn what the caller gave into the value on the wire. Raises `NodeError`."""
