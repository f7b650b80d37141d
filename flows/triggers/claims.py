"""Who starts what a trigger is due for: one process, whichever is first, by a key of the history.

A claim says what became of it, too: which run it is, or how many times were missed before.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History
    from patchbay.flows.triggers.triggers import Trigger

_KEEP_S = 400 * 86_400.0
"""Claims are kept so long, in seconds, but for the last one of each trigger."""


@dataclass(frozen=True, slots=True)
class TriggerClaim:
    """What became of a moment: the run that it started, or "" where it was missed.

    `missed` counts the moments that nobody was there for, this one among them where it has no run.
    """

    trigger: str
    moment: str
    at: float
    run: str
    missed: int


class Claims:
    """The claims in a history.

    Args:
        history: where they are kept.
    """

    def __init__(self, history: History) -> None:
        self._store, self._table = history.store, history.table("trigger_claims")

    def take(self, trigger: str, moment: str, run: str, missed: int = 0) -> bool:
        """Claim a moment; False where somebody was faster."""
        import sqlalchemy as sa

        row = {"trigger": trigger, "moment": moment, "at": time.time(), "run": run,
               "missed": missed}  # fmt: skip

        def insert(db: Any) -> None:
            db.execute(self._table.insert().values(**row))

        try:
            self._store.do(insert, write=True)
        except sa.exc.IntegrityError:
            return False
        return True

    def leave(self, trigger: str, moment: str) -> None:
        """Give a claim back: nothing came of it."""
        table = self._table
        of = (table.c.trigger == trigger, table.c.moment == moment)
        self._store.do(lambda db: db.execute(table.delete().where(*of)), write=True)

    def unstarted(self, trigger: str, moment: str, *, again: bool) -> None:
        """Nothing came of what a schedule was due for: count it as missed.

        Args:
            trigger: the key of the trigger.
            moment: what was claimed.
            again: whether it may be claimed once more, now or by another server. Not where a later
                moment has been claimed: what is before that is not looked at again.
        """
        table = self._table
        of_trigger = table.c.trigger == trigger
        later = table.select().where(of_trigger, table.c.moment > moment)
        of = (of_trigger, table.c.moment == moment)

        def write(db: Any) -> None:
            if again and db.execute(later.limit(1)).first() is None:
                db.execute(table.delete().where(*of))
            else:
                missed = {"run": "", "missed": table.c.missed + 1}
                db.execute(table.update().where(*of).values(missed))

        self._store.do(write, write=True)

    def get(self, trigger: str, moment: str) -> TriggerClaim | None:
        """What became of a moment."""
        table = self._table
        query = table.select().where(table.c.trigger == trigger, table.c.moment == moment)
        row = self._store.do(lambda db: db.execute(query).first())
        return None if row is None else TriggerClaim(*row)

    def last(self, trigger: str) -> TriggerClaim | None:
        """The last claim of a schedule, or of when it was first seen."""
        table = self._table
        of = table.select().where(table.c.trigger == trigger)
        query = of.order_by(table.c.moment.desc()).limit(1)
        row = self._store.do(lambda db: db.execute(query).first())
        return None if row is None else TriggerClaim(*row)

    def latest(self, trigger: str) -> TriggerClaim | None:
        """The claim that was made last, of a webhook as of a schedule, if it started a run or was
        missed."""
        table = self._table
        of = table.select().where(table.c.trigger == trigger)
        of = of.where((table.c.run != "") | (table.c.missed > 0))
        row = self._store.do(lambda db: db.execute(of.order_by(table.c.at.desc()).limit(1)).first())
        return None if row is None else TriggerClaim(*row)

    def missed(self, trigger: str) -> int:
        """How many times of a trigger were missed."""
        import sqlalchemy as sa

        table = self._table
        query = sa.select(sa.func.sum(table.c.missed)).where(table.c.trigger == trigger)
        return int(self._store.do(lambda db: db.execute(query).scalar()) or 0)

    def forget(self, trigger: str) -> None:
        """Forget all claims of a trigger: it begins anew."""
        table = self._table
        self._store.do(
            lambda db: db.execute(table.delete().where(table.c.trigger == trigger)), write=True
        )

    def tidy(self, trigger: str, before: float | None = None) -> None:
        """Forget old claims; the last one of a schedule stays, since it says what came since."""
        table, limit = self._table, time.time() - _KEEP_S if before is None else before
        last = self.last(trigger)
        of = [table.c.trigger == trigger, table.c.at < limit]
        if last is not None:
            of.append(table.c.moment != last.moment)
        self._store.do(lambda db: db.execute(table.delete().where(*of)), write=True)


def told(trigger: Trigger, claims: Claims) -> dict[str, Any]:
    """A trigger as JSON, with what became of it."""
    said = trigger.as_dict()
    if (last := claims.latest(trigger.key)) is not None:
        said["last"] = {"at": last.at, "run": last.run}
    return said | ({"missed": claims.missed(trigger.key)} if trigger.schedule else {})


def stamp(moment: datetime) -> str:
    """A moment as it is kept; later ones sort after earlier ones."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(claim: TriggerClaim) -> datetime:
    """The moment of a schedule's claim."""
    return datetime.strptime(claim.moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
