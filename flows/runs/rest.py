"""A run that waits for people: it hears answers, falls asleep, and is stopped in its sleep."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event, NodeAnswered, RunWaiting, RunWarned
from patchbay.nodes.threads import in_thread, whole_in_thread

if TYPE_CHECKING:
    from patchbay.flows.runs.asking import Desk
    from patchbay.flows.runs.journal import Journal

log = logging.getLogger(__name__)

LISTEN_EVERY_S = 0.5
"""How often a run with open questions looks for answers of other processes, in seconds."""
STOP_AGAIN_S = (0.1, 0.3, 1.0, 3.0)
"""Pauses between tries to stop a run that sleeps, where the disk refuses."""


class Rest:
    """What a run does while people think.

    Args:
        run: the id of the run.
        env: its desk, and what its nodes have given so far.
        emit: takes the events.
    """

    def __init__(self, run: str, env: Environment, emit: Callable[[Event], None]) -> None:
        self._run, self.env, self._emit = run, env, emit
        self.journal: Journal | None = None
        """Where the run is recorded; known when it begins."""
        self.stop_asked = False
        """Whether somebody has asked the run to stop."""
        self.nudged = asyncio.Event()
        """Set when somebody has answered."""
        self._asleep = False
        self._falling = threading.Lock()  # between falling asleep and being stopped
        self._listening: asyncio.Task[None] | None = None
        self._heard: list[NodeAnswered] = []
        """Answers that the desk has told of, and nobody else knows yet."""
        self._answers = asyncio.Lock()
        """Over answers: what is heard while the run falls asleep would be heard by nobody, and no
        other process would look for it again."""
        self._sleeps = False

    def ask_stop(self) -> bool:
        """Note that the run shall stop. Where it sleeps that is done here: whether it does."""
        with self._falling:
            self.stop_asked = True
            asleep = self._asleep
        if asleep and self._stopped() is None:
            threading.Thread(
                target=self._stopped_at_last, name="patchbay-stop", daemon=True
            ).start()
        return asleep

    def listen(self) -> None:
        """Look for answers from now on, as long as the run works."""
        if self.env.desk is not None and not self._listening:
            self._listening = asyncio.get_running_loop().create_task(self._listen())

    def end(self) -> None:
        """Nobody listens any more."""
        if self._listening is not None:
            self._listening.cancel()

    async def hear(self) -> bool:
        """Take the answers that there are, and wake the nodes that wait for them."""
        desk = self.env.desk
        if desk is None:
            return False
        async with self._answers:
            return not self._sleeps and await self._hear(desk)

    async def _hear(self, desk: Desk, *, at_last: bool = False) -> bool:
        try:
            self._heard += await in_thread(desk.refresh)
            stored = await in_thread(desk.stored) if self._heard else {}
        except FlowError as error:
            # The disk refuses just now. What was heard is told at the next look: the desk says it
            # once, and a node that is woken shall find what it had done, or it does it again.
            if not (at_last and self._heard):
                return False
            self._warn("What was done before the answer could not be read", error)
            stored = {}
        found, self._heard = self._heard, []
        if found and isinstance(self.env.stored, dict):
            self.env.stored.update(stored)
        for event in found:
            self._emit(event)
        for wake in tuple(desk.listeners) if found else ():
            wake()
        return bool(found)

    async def sleeps(self, event: RunWaiting) -> bool:
        """Fall asleep; False where there is an answer meanwhile.

        Raises:
            asyncio.CancelledError: somebody wants the run to stop.
        """
        if self.stop_asked:
            raise asyncio.CancelledError
        desk = self.env.desk
        if desk is None:
            return True
        async with self._answers:
            if self._heard and await self._hear(desk, at_last=True):
                return False
            self._sleeps = await self._falls_asleep(desk, event)
        return self._sleeps

    async def _falls_asleep(self, desk: Desk, event: RunWaiting) -> bool:
        slept: list[bool] = []
        try:
            await whole_in_thread(lambda: slept.append(desk.sleep(event)))
            return slept[0]
        except asyncio.CancelledError:
            if slept != [True]:
                raise
            self.stop_asked = True  # it sleeps already: it is stopped there
            return True
        except FlowError as error:  # the questions are kept: whoever answers takes the run over
            self._warn("That the run waits could not be recorded", error)
            return True

    async def is_stopped_falling_asleep(self) -> bool:
        """The run sleeps from here on, unless it was asked to stop: whether it is stopped."""
        with self._falling:
            self._asleep = not self.stop_asked
        if self._asleep:
            return False
        stopped: list[bool | None] = []
        with contextlib.suppress(asyncio.CancelledError):  # that is what is being done
            await whole_in_thread(lambda: stopped.append(self._stopped_at_last()))
        if stopped == [None]:
            message = "It was asked to stop, which could not be recorded: it waits. Stop it again."
            self._emit(RunWarned(at=time.time(), run=self._run, message=message))
        return stopped == [True]

    def _stopped_at_last(self) -> bool | None:
        """Likewise, trying for some seconds where the disk refuses."""
        for pause in STOP_AGAIN_S:
            if (stopped := self._stopped()) is not None:
                return stopped
            time.sleep(pause)
        if (stopped := self._stopped()) is None:
            log.warning("The run %s was asked to stop, which could not be recorded.", self._run)
        return stopped

    def _stopped(self) -> bool | None:
        """Mark the run as stopped where it sleeps already; False where somebody goes on with it,
        None where the disk refuses."""
        desk = self.env.desk
        try:
            stopped = desk is not None and desk.stop()
        except FlowError:
            return None
        if stopped and self.journal is not None:
            self.journal.log.ended()
        return stopped

    def _warn(self, what: str, error: FlowError) -> None:
        message = f"{what}. {error.problems[0].message}"
        self._emit(RunWarned(at=time.time(), run=self._run, message=message))

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LISTEN_EVERY_S):
                    await self.nudged.wait()
            self.nudged.clear()
            await self.hear()
