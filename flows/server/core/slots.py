"""How many runs go on at once, and how many wait for their turn. More are refused at once."""

from __future__ import annotations

import asyncio
import math

from patchbay.flows.server.core.refusals import RefusedError, refused

_LONGEST_S = 60


class QueuePlace:
    """A place in the queue, then a slot. `leave` gives it back, whatever it was."""

    __slots__ = ("_future", "_slots", "aside", "held", "may_wait")

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._future: asyncio.Future[None] | None = None
        self.held = False
        self.aside = False
        self.may_wait = False
        """Whether it has stepped aside: then it may again, each time that it looked in vain."""

    async def come(self) -> None:
        """Wait until it is this one's turn."""
        if not self.held and self._future is not None:
            await self._future

    async def step_aside(self) -> bool:
        """Let others have the slot, while it waits for something else. Whether it may: as many
        wait as wait in the queue."""
        return self.aside_now()

    def aside_now(self) -> bool:
        """Likewise."""
        return self._slots._aside(self)

    async def come_back(self) -> None:
        """Take a slot again, or a place at the end of the queue."""
        self.back_now()

    def back_now(self) -> None:
        """Likewise."""
        self._slots._back(self)

    def leave(self) -> None:
        """Give the place back. May be called again."""
        self._slots._left(self)


class Slots:
    """The slots of a server.

    Args:
        at_once: how many there are.
        queue: how many may wait.
    """

    def __init__(self, at_once: int, queue: int) -> None:
        self.at_once, self.queue = at_once, queue
        self.busy = 0
        self.aside = 0
        self.closed = False
        """Whether the server ends, and takes no more."""
        self._waiting: dict[QueuePlace, None] = {}
        """Those who wait, in their order. Of ten thousand any may leave, at no cost."""
        self._mean_s = 1.0

        self._seen_waiting: int | None = None

    @classmethod
    def as_seen(cls, at_once: int, busy: int, waiting: int) -> Slots:
        """The slots of all workers, as one of them was told that they stand. Only to be shown."""
        seen = cls(at_once, 0)
        seen.busy, seen._seen_waiting = busy, waiting
        return seen

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting) if self._seen_waiting is None else self._seen_waiting

    def enter(self) -> QueuePlace:
        """Take a slot, or a place in the queue.

        Raises:
            RefusedError: there is no place left, or the server ends.
        """
        if self.closed:
            raise ending()
        turn = QueuePlace(self)
        if self.busy < self.at_once and not self._waiting:
            self.busy += 1
            turn.held = True
            return turn
        if len(self._waiting) >= self.queue:
            wait = math.ceil(self._mean_s * (len(self._waiting) + 1) / self.at_once)
            raise refused(
                429,
                "serve/busy",
                f"{self.busy} runs are at work and {len(self._waiting)} wait; that is all this "
                "server takes.",
                "Try again later, or start it with a larger --at-once or --queue.",
                retry_s=min(_LONGEST_S, max(1, wait)),
            )
        turn._future = asyncio.get_running_loop().create_future()
        self._waiting[turn] = None
        return turn

    def took(self, seconds: float) -> None:
        """Learn how long runs take, to say when to come again."""
        self._mean_s += 0.1 * (seconds - self._mean_s)

    def _aside(self, turn: QueuePlace) -> bool:
        full = len(self._waiting) + self.aside >= max(1, self.queue)
        if not turn.held or (full and not turn.may_wait):
            return False
        turn.held, turn.aside, turn.may_wait = False, True, True
        self.busy -= 1
        self.aside += 1
        self._next()
        return True

    def _back(self, turn: QueuePlace) -> None:
        turn.aside = False
        self.aside -= 1
        if self.busy < self.at_once and not self._waiting:
            self.busy += 1
            turn.held = True
        else:
            turn._future = asyncio.get_running_loop().create_future()
            self._waiting[turn] = None

    def _left(self, turn: QueuePlace) -> None:
        if turn.aside:
            turn.aside = False
            self.aside -= 1
        elif turn.held:
            turn.held = False
            self.busy -= 1
            self._next()
        else:
            self._waiting.pop(turn, None)

    def _next(self) -> None:
        while self._waiting and self.busy < self.at_once:
            turn = next(iter(self._waiting))
            del self._waiting[turn]
            if turn._future is None or turn._future.cancelled():
                continue
            self.busy += 1
            turn.held = True
            turn._future.set_result(None)


def ending() -> RefusedError:
    """What is said when the server ends."""
    return refused(
        503,
        "serve/ending",
        "The server is ending, and takes no more runs.",
        "Try again in a moment, when it has started anew.",
        retry_s=5,
    )
