"""What is asked of a chat model besides the messages: one value, whatever the backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pydantic import JsonValue

_FORMS = ("json_schema", "grammar")


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How one answer is to be. None and () mean "as the model's description says".

    `max_tokens` counts tokens of the answer. `stop` are texts at which it ends. `json_schema` or
    `grammar` (in llama.cpp's notation, GBNF) say what form it has; one of them at most. `thinking`
    is "off", "on", an effort ("low", "medium", "high") or the most tokens that it may take.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    repeat_penalty: float | None = None
    stop: Sequence[str] = ()
    json_schema: Mapping[str, JsonValue] | None = None
    grammar: str | None = None
    thinking: str | int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "stop", tuple(self.stop))

    def over(self, other: CallOptions) -> CallOptions:
        """These options, and those of `other` where these say nothing.

        A form that is asked for here takes the place of any form there.
        """
        mine, theirs = self.said(), other.said()
        if any(name in mine for name in _FORMS):
            theirs = {name: value for name, value in theirs.items() if name not in _FORMS}
        return CallOptions(**{**theirs, **mine})

    def said(self) -> dict[str, Any]:
        """What these options say something about, by name."""
        pairs = ((name, getattr(self, name)) for name in OPTIONS)
        return {name: value for name, value in pairs if value is not None and value != ()}


OPTIONS = tuple(field.name for field in fields(CallOptions))
"""The name of every option of a call."""

NUMBERS = tuple(name for name in OPTIONS if name not in ("stop", "thinking", *_FORMS))
"""Those that are numbers: how tokens are chosen, and how many."""
