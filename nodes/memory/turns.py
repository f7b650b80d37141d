"""A conversation as turns: what a strategy keeps or leaves out is always a whole one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patchbay.nodes.values import Message


@dataclass(frozen=True, slots=True)
class Conversation:
    """System messages at its head, past turns, and what is asked now."""

    head: tuple[Message, ...]
    past: tuple[tuple[Message, ...], ...]
    now: tuple[Message, ...]

    def with_past(
        self, kept: Sequence[Sequence[Message]], told: Sequence[Message] = ()
    ) -> list[Message]:
        """The messages with only these past turns, and `told` before them."""
        return [*self.head, *told, *(m for turn in kept for m in turn), *self.now]


def conversation_of(messages: Sequence[Message]) -> Conversation:
    """Messages as turns. A turn begins where the user speaks after somebody else."""
    start = next((i for i, m in enumerate(messages) if m.role != "system"), len(messages))
    head, rest = tuple(messages[:start]), messages[start:]
    turns: list[list[Message]] = []
    for message in rest:
        if not turns or (message.role == "user" and turns[-1][-1].role != "user"):
            turns.append([])
        turns[-1].append(message)
    whole = [tuple(turn) for turn in turns]
    return Conversation(head, tuple(whole[:-1]), whole[-1] if whole else ())
