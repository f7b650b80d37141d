"""The runs that the history keeps: whose they are, and how they stand."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError
from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.owners import Owners
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.core.shelf import Shelf
from patchbay.flows.wording import printable
from patchbay.nodes.threads import in_thread

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History, PastRun

log = logging.getLogger("patchbay.serve")


class RecordedRuns:
    """Looks into the history for callers.

    Args:
        shelf: the flows that are served.
        owners: says whose a run is.
        opened: the history, where it is open already; else it is opened when it is needed.
    """

    def __init__(self, shelf: Shelf, owners: Owners, opened: History | None = None) -> None:
        self._shelf, self._owners, self.opened = shelf, owners, opened
        self._opening = asyncio.Lock()

    async def history(self) -> History:
        """The history, opened when it is first needed."""
        async with self._opening:
            if self.opened is None:
                from patchbay.flows.runs.history import History

                self.opened = await in_thread(History)
                if self.opened.notice:
                    log.warning(self.opened.notice)
            return self.opened

    def mine(self, run: str, caller: Caller) -> None:
        """Check that a run is of this caller.

        Raises:
            RefusedError: it is not, or there is none.
        """
        if not self._owners.owns(caller, run):
            raise self._unknown(run)

    async def still_may(self, run: str, caller: Caller) -> None:
        """Check that a caller may still use the flow of a run of its own: keys change.

        Raises:
            RefusedError: it may not.
        """
        if caller.flows is None:
            return
        past = await self.past(run)
        if not any(map(caller.may, await self.names_of(past) or [past.name])):
            raise self._unknown(run)

    async def names_of(self, past: PastRun) -> list[str]:
        """The names by which the flow of a recorded run is served: of two flows that are called
        the same, the one whose file it is."""
        from patchbay.flows.runs.origins import files_of

        file = (await in_thread(files_of, await self.history(), [past.id])).get(past.id)
        return [
            flow.name
            for flow in self._shelf.all()
            if flow.loaded.folder == past.folder
            and flow.loaded.flow.name == past.name
            and (file is None or flow.loaded.path is None or flow.loaded.path.resolve() == file)
        ]

    async def past(self, run: str) -> PastRun:
        """A run as it is recorded.

        Raises:
            RefusedError: it is not.
        """
        history = await self.history()
        try:
            return await in_thread(history.get, run)
        except FlowError:
            raise self._unknown(run) from None

    async def questions(self, run: str) -> list[dict[str, Any]]:
        """The open questions of a run."""
        history = await self.history()
        return [asked.as_dict() for asked in await in_thread(history.inbox.open, run)]

    def _unknown(self, run: str) -> Exception:
        return refused(
            404,
            "history/unknown-run",
            f'There is no run "{printable(run)[:80]}", or it is over and was not recorded.',
            'Ask for runs that are kept with "background": true.',
        )
