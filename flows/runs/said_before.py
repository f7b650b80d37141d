"""What was said before in a thread, in the record of a run: by reference, not once more each turn.

The flow of a turn gets all turns before it, and so do the nodes that pass them on. Written out in
each run, a conversation would take room by the square of its length. So the record of a node's end
says of such an output that it begins with the turns up to one, and holds only what follows.

A turn is named by its number and its run: a branch has the same turns, and a turn that was made
anew is another one. The last turn alone can be made anew, so that those before it stay what they
are; what it was is kept as long as its thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.threads import ThreadTurn, turn_of_row
from patchbay.nodes.values import encode

if TYPE_CHECKING:
    from patchbay.flows.runs.store import Store

SAID = "said_before"
"""Beside the outputs of a node: output → the last turn that it begins with."""


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """The turns before a run: the last one's number and run, and all messages in stored form."""

    number: int
    run: str
    messages: list[Any]

    @classmethod
    def of(cls, turns: Sequence[ThreadTurn]) -> SaidBefore | None:
        """That of these turns; None where there are none, or one cannot be read."""
        if not turns or any(turn.damaged for turn in turns):
            return None
        last = turns[-1]
        return cls(last.number, last.run, _messages(turns))

    def shortened(self, data: dict[str, Any]) -> dict[str, Any]:
        """The end of a node in its stored form, without what was said before."""
        length = len(self.messages)
        begins = [
            name
            for name, value in data["outputs"].items()
            if isinstance(value, list) and value[:length] == self.messages
        ]
        if not begins:
            return data
        rest = {name: data["outputs"][name][length:] for name in begins}
        turn = {"turn": self.number, "run": self.run}
        said = dict.fromkeys(begins, turn)
        return {**data, "outputs": {**data["outputs"], **rest}, SAID: said}


def whole(db: Any, store: Store, events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Recorded events as they were, with what was said before.

    Args:
        db: the open database.
        store: what it is.
        events: in their stored form.
    """
    known: dict[tuple[int, str], list[Any]] = {}
    found = []
    for event in events:
        said: Mapping[str, Any] = event.pop(SAID, None) or {}
        for name, turn in said.items():
            key = (turn["turn"], turn["run"])
            if key not in known:
                known[key] = _messages(_turns(db, store, *key))
            event["outputs"][name] = [*known[key], *event["outputs"][name]]
        found.append(event)
    return found


def _messages(turns: Iterable[ThreadTurn]) -> list[Any]:
    return [encode(message) for turn in turns for message in turn.messages]


def _turns(db: Any, store: Store, number: int, run: str) -> list[ThreadTurn]:
    """The turns up to one; in any thread that has it, since all of them have the same before it."""
    now, before = store.table("turns"), store.table("replaced_turns")
    for table in (now, before):
        one = table.select().where(table.c.run == run, table.c.number == number)
        if (last := db.execute(one).first()) is not None:
            of = now.select().where(now.c.thread == last.thread, now.c.number < number)
            rows = [*db.execute(of.order_by(now.c.number)), last]
            return [turn_of_row(row._mapping) for row in rows]
    return []  # of a thread that is gone
