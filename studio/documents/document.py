"""One open flow, shared by every session of the process: the authority that the canvas asks.

Browsers edit at once and send what they did; the document puts the edits in one order, numbers
them, and tells every client what it has missed. See docs/canvas.md for the protocol.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from patchbay.flows.document.model import Flow
from patchbay.flows.document.operations import Replace
from patchbay.flows.problems import FlowError, Problem
from patchbay.studio.documents.diskfile import ChangedOnDiskError, Conflict, DiskFile
from patchbay.studio.documents.pins import Pins
from patchbay.studio.documents.timeline import Timeline
from patchbay.studio.documents.versions import Versions


class FlowDocument:
    """A flow that people are editing.

    Args:
        path: the file it lives in; None for one that is nowhere yet.
        flow: the flow to start with; read from the file when None.
        check: finds the problems of a flow.
        versions: where saves are kept.
        pins: what nodes give that are not run; kept in memory only unless given.
        clock: seconds, for grouping keystrokes into undo steps.

    Raises:
        FlowError: the file holds no flow.
    """

    def __init__(
        self,
        path: Path | None,
        flow: Flow | None = None,
        *,
        check: Callable[[Flow], Sequence[Problem]] = lambda flow: (),
        versions: Versions | None = None,
        pins: Pins | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.versions = path, versions
        self.pins = pins or Pins(None, None)
        self.epoch = secrets.token_hex(4)
        self._lock = threading.RLock()
        self._file = DiskFile(path) if path else None
        if flow is None:
            flow = self._file.read() if self._file else Flow()
        elif self._file and path and path.exists():
            self._file.seen()
        self._timeline, self._saved_flow = Timeline(flow, clock), flow
        self._listeners: list[Callable[[], None]] = []
        self._check = check
        self._found: tuple[Flow, tuple[Problem, ...]] | None = None
        self.conflict: Conflict | None = None
        self.save_error: FlowError | None = None
        self._version(flow)

    # --- looking ------------------------------------------------------------------------------

    @staticmethod
    def new_client() -> str:
        """An id for one canvas in one browser session."""
        return secrets.token_hex(6)

    @property
    def id(self) -> str:
        """Names this document to the browser; says nothing about paths."""
        return self.epoch

    @property
    def folder(self) -> Path | None:
        """Where the file lies; None for a flow that is nowhere yet."""
        return self.path.parent if self.path else None

    @property
    def flow(self) -> Flow:
        """The flow as it is now."""
        return self._timeline.flow

    @property
    def revision(self) -> int:
        """How many operations were applied since the document was opened."""
        return self._timeline.revision

    @property
    def touched(self) -> float:
        """When the flow last changed, by the document's clock."""
        return self._timeline.touched

    @property
    def saved(self) -> bool:
        """Whether the file holds what the canvas shows."""
        return self.flow is self._saved_flow and self.conflict is None

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the flow as it is now. Looked for once per revision."""
        with self._lock:
            flow = self.flow
            if self._found is None or self._found[0] is not flow:
                self._found = (flow, tuple(self._check(flow)))
            return self._found[1]

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change, in the thread that made it. Returns the way out."""
        with self._lock:
            self._listeners.append(listener)

        def leave() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return leave

    def announce(self) -> None:
        """Have everybody look again: something beside the flow has changed, such as a pin."""
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            with contextlib.suppress(Exception):  # a gone session must not spoil the edit
                listener()

    # --- editing ------------------------------------------------------------------------------

    def apply(self, op: Any, *, client: str = "", merge: str = "") -> Flow:
        """Make an edit from Python: the inspector, a fix button, a restored version.

        Args:
            op: an operation.
            client: whose undo it belongs to.
            merge: edits with one name that follow each other are one step for undo.

        Raises:
            EditError: the edit makes no sense for this flow.
        """
        with self._lock:
            self._timeline.make(client, op, merge=merge)
        self._tell()
        return self.flow

    def submit(
        self, client: str, operations: Iterable[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        """Take what a canvas did: `{"seq": 7, "at": revision, "op": {…}}` each, in order.

        What was taken before is skipped. What cannot be done is remembered as rejected, in words,
        and the client hears of it with its next update. Items with `cmd` instead of `op` are not
        for the document: those that are new are returned, in order.
        """
        with self._lock:
            before = self.revision
            commands = self._timeline.submit(client, operations)
            changed = self.revision != before
        if changed:
            self._tell()
        return commands

    def undo(self, client: str) -> str | None:
        """Take back this client's last step. Returns what it was, or None when there is nothing.

        Raises:
            EditError: somebody else's edits have made that impossible; the step is forgotten.
        """
        return self._travel(client, "undo")

    def redo(self, client: str) -> str | None:
        """Make the step again that was last taken back. Raises like `undo`."""
        return self._travel(client, "redo")

    def _travel(self, client: str, direction: str) -> str | None:
        with self._lock:
            label = self._timeline.travel(client, direction)
        self._tell()
        return label

    def can_undo(self, client: str) -> bool:
        """Whether this client has something to take back."""
        return bool(self._timeline.client(client).undo)

    def can_redo(self, client: str) -> bool:
        """Whether this client has taken something back."""
        return bool(self._timeline.client(client).redo)

    def since(self, client: str, revision: int | None) -> dict[str, Any]:
        """What brings a client at `revision` up to date; None for one that has nothing."""
        with self._lock:
            return {"doc": self.id, **self._timeline.since(client, revision)}

    def flow_at(self, revision: int) -> Flow | None:
        """The flow as it was, or None where that is no longer remembered."""
        with self._lock:
            return self._timeline.flow_at(revision)

    # --- the file -----------------------------------------------------------------------------

    def save(self) -> bool:
        """Write the file, unless it is up to date or somebody else has changed it.

        Returns whether the file now holds the flow. `save_error` says why not.
        """
        with self._lock:
            flow = self.flow
            if self._file is None or self.conflict or (flow is self._saved_flow):
                return self.saved
            try:
                self._file.write(flow)
            except ChangedOnDiskError:
                self._meet_change()
                return False
            except FlowError as error:
                self.save_error = error
                return False
            self._saved_flow, self.save_error = flow, None
            self._version(flow)
        self._tell()
        return True

    def poll(self) -> None:
        """See whether another program has changed the file, and follow or report it."""
        with self._lock:
            if self._file is None or self.conflict or not self._file.changed():
                return
            self._meet_change()
        self._tell()

    def _meet_change(self) -> None:
        assert self._file is not None  # noqa: S101
        theirs, words = self._file.theirs()
        if theirs is not None and (self.flow is self._saved_flow or theirs == self.flow):
            self._file.saw()
            self._follow(theirs)
            return
        message = words or "Another program has changed the file while there were unsaved edits."
        self.conflict = Conflict(theirs, message)

    def _follow(self, theirs: Flow) -> None:
        if theirs != self.flow:
            self._timeline.make("disk", Replace(flow=theirs))
        self._saved_flow = self.flow
        self._version(self.flow, by="another program")

    def keep_mine(self) -> None:
        """End a conflict with what is on the canvas. The other text is kept.

        As a version where it is a flow, else in a file beside whose name ends in `.theirs`.
        """
        with self._lock:
            if self.conflict and self._file:
                theirs, _ = self._file.theirs()  # as it is now: they may have gone on writing
                try:
                    if theirs is None or not self._version(theirs, "another program"):
                        self._file.set_aside()
                except OSError as error:
                    self.conflict = Conflict(theirs, f"The file's text cannot be kept: {error}.")
                    return
                self._file.saw()
                self.conflict, self._saved_flow = None, Flow()
        self.save()

    def _version(self, flow: Flow, by: str = "") -> bool:
        """Keep a version where versions are kept, and say whether it worked."""
        if self.versions:
            with contextlib.suppress(OSError, FlowError):
                self.versions.add(flow, by=by)
                return True
        return False

    def take_theirs(self) -> None:
        """End a conflict with what is in the file. What was on the canvas is kept as a version.

        While the file holds no flow the conflict goes on, and its message says what is wrong.
        """
        with self._lock:
            if self.conflict and self._file:
                theirs, words = self._file.theirs()  # as it is now
                if theirs is None:
                    self.conflict = Conflict(None, words)
                else:
                    self._version(self.flow)
                    self._file.saw()
                    self.conflict = None
                    self._follow(theirs)
        self._tell()
