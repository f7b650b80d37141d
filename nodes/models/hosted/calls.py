"""Calls of what another process has open, by the names that its description gives."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from typing import Any

from patchbay.nodes.models.hosted.line import HostLine

_BYTES = "$bytes"


class HostedCalls:
    """Stands for something that is open in another process.

    Args:
        line: how it is asked.
        calls: its methods.
        told: its attributes that are known here.
    """

    def __init__(self, line: HostLine, calls: Sequence[str], told: dict[str, Any]) -> None:
        self._line, self._calls, self._told = line, tuple(calls), told

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._told:
            return self._told[name]
        if name in self._calls:
            return partial(called, self._line, name)
        raise AttributeError(name)


def called(line: HostLine, method: str, *given: Any) -> Any:
    """What a method gives there. Blocks."""
    return line.value(do="call", method=method, given=[as_sent(value) for value in given])


def as_sent(value: Any) -> Any:
    """What goes into a call, as JSON."""
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode("ascii")}
    if isinstance(value, (list, tuple)):
        return [as_sent(item) for item in value]
    return value


def as_given(value: Any) -> Any:
    """What went into a call, as it was."""
    if isinstance(value, dict) and _BYTES in value:
        return base64.b64decode(value[_BYTES])
    if isinstance(value, list):
        return [as_given(item) for item in value]
    return value
