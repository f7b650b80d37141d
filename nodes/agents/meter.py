"""What agents use up, and the limits of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from patchbay.nodes.figures import Table
from patchbay.nodes.units import duration


class Limits(BaseModel):
    """What may be used up; None is no limit. Tokens count both ways, `seconds` are of work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: int | None = Field(None, ge=1)
    seconds: float | None = Field(None, gt=0)
    tool_calls: int | None = Field(None, ge=0)


@dataclass
class Meter:
    """What one role, or a whole crew, has used up so far."""

    who: str
    limits: Limits = field(default_factory=Limits)
    turns: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    tool_calls: int = 0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Read and written together."""
        return self.prompt_tokens + self.completion_tokens

    def spent(self) -> str:
        """What has been used up, in words; empty while there is room."""
        if self.limits.tokens is not None and self.tokens >= self.limits.tokens:
            return f"the {self.limits.tokens:,} tokens of {self.who}"
        if self.limits.seconds is not None and self.seconds >= self.limits.seconds:
            return f"the {duration(self.limits.seconds)} of {self.who}"
        return ""

    def may_call_tools(self) -> bool:
        """Whether another call of a tool is within the limits."""
        return self.limits.tool_calls is None or self.tool_calls < self.limits.tool_calls

    def tokens_left(self) -> int | None:
        """Tokens up to the limit, at least one; None without a limit."""
        return None if self.limits.tokens is None else max(1, self.limits.tokens - self.tokens)

    def seconds_left(self) -> float | None:
        """Seconds up to the limit; None without a limit."""
        return None if self.limits.seconds is None else max(0, self.limits.seconds - self.seconds)


COLUMNS = ("role", "turns", "tool calls", "prompt tokens", "answer tokens", "seconds")


def usage_table(meters: Iterable[Meter]) -> Table:
    """What each role used up, a row each, and the sum where there are several."""
    rows = [
        (m.who, m.turns, m.tool_calls, m.prompt_tokens, m.completion_tokens, round(m.seconds, 2))
        for m in meters
    ]
    if len(rows) > 1:
        sums = [round(sum(column), 2) for column in list(zip(*rows, strict=True))[1:]]
        rows.append(("all", *sums))
    return Table(columns=COLUMNS, rows=tuple(rows), title="What each role used")
