"""W3C Trace Context (Recommendation of 23 November 2021): which trace a request belongs to."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class TraceParent:
    """A place in a trace: the trace, the span that others hang below, and whether it is kept."""

    trace: str
    span: str
    sampled: bool = True

    @classmethod
    def read(cls, header: str) -> TraceParent | None:
        """What a `traceparent` header says; None where it is none, as if it were not there."""
        found = _FORM.fullmatch(header.strip())
        if found is None:
            return None
        version, trace, span, flags, more = found.groups()
        if version == "ff" or (version == "00" and more):
            return None
        if not int(trace, 16) or not int(span, 16):
            return None
        return cls(trace, span, bool(int(flags, 16) & 1))

    @classmethod
    def new(cls) -> TraceParent:
        """The beginning of a trace of our own, which nobody keeps."""
        return cls(secrets.token_hex(16), secrets.token_hex(8), False)

    def header(self) -> str:
        """As a `traceparent` header."""
        return f"00-{self.trace}-{self.span}-{'01' if self.sampled else '00'}"


INCOMING: ContextVar[TraceParent | None] = ContextVar("trace of the caller", default=None)
"""The trace that the request at hand belongs to, as its caller says."""
