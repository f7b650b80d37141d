"""One open flow, shared by every session of the process: the authority that the canvas asks.

Browsers edit at once and send what they did; the document puts the edits in one order, numbers
them, and tells every client what it has missed. See docs/canvas.md for the protocol.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows.edit import EditError, apply
from flows.model import Flow
from flows.operations import (
    Batch,
    EditNote,
    Patch,
    Replace,
    SetParams,
    dump_operation,
    parse_operation,
)
from flows.patch import diff, without_dangling
from flows.problems import FlowError, Problem
from studio.aliases import Aliases
from studio.diskfile import ChangedOnDiskError, DiskFile
from studio.versions import Versions

LOG = 500
"""How many operations are remembered for clients that lag; older ones get a snapshot."""
UNDO = 300
"""How many steps a client can take back."""
TYPING_S = 3.0
"""Edits of one field that follow each other within this many seconds are one step for undo."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation in the order that counts, and the flow after it."""

    revision: int
    client: str
    seq: int | None
    """The client's number for it; None when it did not come from a canvas."""
    op: dict[str, Any] | None
    """Its JSON form; None where the client has it as it is."""
    flow: Flow
    full: dict[str, Any]


@dataclass(slots=True)
class Step:
    """Something a client can take back."""

    patch: Patch
    label: str
    merge: str = ""
    at: float = 0.0


@dataclass(slots=True)
class Client:
    """What the document knows of one canvas."""

    ack: int = 0
    undo: deque[Step] = field(default_factory=lambda: deque(maxlen=UNDO))
    redo: deque[Step] = field(default_factory=lambda: deque(maxlen=UNDO))
    rejected: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=20))
    aliases: Aliases = field(default_factory=Aliases)


@dataclass(frozen=True, slots=True)
class Conflict:
    """The file was changed by another program while there were unsaved edits here."""

    theirs: Flow | None
    """What is in the file now; None when it holds no flow."""
    message: str


class Document:
    """A flow that people are editing.

    Args:
        path: the file it lives in; None for one that is nowhere yet.
        flow: the flow to start with; read from the file when None.
        check: finds the problems of a flow.
        versions: where saves are kept.
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.versions = path, versions
        self.epoch = secrets.token_hex(4)
        _BY_ID[self.epoch] = self
        self._lock = threading.RLock()
        self._file = DiskFile(path) if path else None
        if flow is None:
            flow = self._file.read() if self._file else Flow()
        elif self._file and path and path.exists():
            self._file.seen()
        self._flow, self._revision, self._saved_flow = flow, 0, flow
        self._log: deque[Entry] = deque()
        self._before = flow  # the flow before the oldest operation that is remembered
        self._clients: dict[str, Client] = {}
        self._listeners: list[Callable[[], None]] = []
        self._check, self._clock = check, clock
        self._found: tuple[Flow, tuple[Problem, ...]] | None = None
        self.conflict: Conflict | None = None
        self.save_error: FlowError | None = None
        self.touched = clock()
        if versions:
            with contextlib.suppress(OSError, FlowError):
                versions.add(flow)

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
    def flow(self) -> Flow:
        """The flow as it is now."""
        return self._flow

    @property
    def revision(self) -> int:
        """How many operations were applied since the document was opened."""
        return self._revision

    @property
    def saved(self) -> bool:
        """Whether the file holds what the canvas shows."""
        return self._flow is self._saved_flow and self.conflict is None

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the flow as it is now. Looked for once per revision."""
        with self._lock:
            flow = self._flow
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
            self._make(client, op, None, None, merge)
        self._tell()
        return self._flow

    def submit(
        self, client: str, operations: Iterable[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        """Take what a canvas did: `{"seq": 7, "at": revision, "op": {…}}` each, in order.

        What was taken before is skipped. What cannot be done is remembered as rejected, in words,
        and the client hears of it with its next update. Items with `cmd` instead of `op` are not
        for the document: those that are new are returned, in order.
        """
        changed = False
        commands: list[Mapping[str, Any]] = []
        with self._lock:
            state = self._client(client)
            for item in operations:
                seq = item.get("seq")
                if not isinstance(seq, int) or isinstance(seq, bool) or seq <= state.ack:
                    continue
                state.ack = seq
                if isinstance(item.get("cmd"), Mapping):
                    commands.append(item["cmd"])
                    continue
                try:
                    changed |= self._take(client, state, item, seq)
                except (EditError, ValidationError, FlowError, RecursionError) as error:
                    words = (
                        str(error) if isinstance(error, EditError) else "That edit is malformed."
                    )
                    state.rejected.append({"seq": seq, "message": words})
        if changed:
            self._tell()
        return commands

    def _take(self, name: str, state: Client, item: Mapping[str, Any], seq: int) -> bool:
        data = item.get("op")
        kind = data.get("op") if isinstance(data, Mapping) else None
        if kind in ("undo", "redo"):
            return self._travel(name, kind, seq) is not None
        at = item.get("at")
        op = parse_operation(data)
        if isinstance(op, Replace):
            raise EditError("A whole flow is replaced on the server only.")
        op, renamed = state.aliases.resolve(op, at if isinstance(at, int) else 0, self._flow)
        sent = dump_operation(op) if renamed else None
        self._make(name, op, seq, sent, str(item.get("merge") or ""))
        if renamed:
            state.aliases.remember(renamed, self._revision)
        return True

    def undo(self, client: str) -> str | None:
        """Take back this client's last step. Returns what it was, or None when there is nothing."""
        with self._lock:
            label = self._travel(client, "undo", None)
        self._tell()
        return label

    def redo(self, client: str) -> str | None:
        """Make the step again that was last taken back."""
        with self._lock:
            label = self._travel(client, "redo", None)
        self._tell()
        return label

    def can_undo(self, client: str) -> bool:
        """Whether this client has something to take back."""
        return bool(self._client(client).undo)

    def can_redo(self, client: str) -> bool:
        """Whether this client has taken something back."""
        return bool(self._client(client).redo)

    def _travel(self, client: str, direction: str, seq: int | None) -> str | None:
        state = self._client(client)
        source, other = state.undo, state.redo
        if direction == "redo":
            source, other = other, source
        if not source:
            return None
        step = source.pop()
        before = self._flow
        patch = without_dangling(before, step.patch)
        try:
            after = apply(before, patch)
        except EditError as error:
            raise EditError(f"That cannot be undone any more: {error}") from None
        other.append(Step(diff(after, before), step.label))
        self._record(client, patch, seq, dump_operation(patch), after)
        return step.label

    def _make(
        self, client: str, op: Any, seq: int | None, sent: dict[str, Any] | None, merge: str
    ) -> None:
        before = self._flow
        after = apply(before, op)
        if seq is None:
            sent = dump_operation(op)
        self._remember(client, op, before, after, merge)
        self._record(client, op, seq, sent, after)

    def _remember(self, client: str, op: Any, before: Flow, after: Flow, merge: str) -> None:
        state, now = self._client(client), self._clock()
        merge = merge or merge_key(op)
        last = state.undo[-1] if state.undo else None
        state.redo.clear()
        if last and merge and last.merge == merge and now - last.at <= TYPING_S:
            with contextlib.suppress(EditError):
                # What the first keystroke found, seen from where the last one leads.
                last.patch = diff(after, apply(before, last.patch))
                last.at = now
                return
        state.undo.append(Step(diff(after, before), label_of(op), merge, now))

    def _record(
        self, client: str, op: Any, seq: int | None, sent: dict[str, Any] | None, after: Flow
    ) -> None:
        self._revision += 1
        self._flow, self.touched = after, self._clock()
        full = sent if sent is not None else dump_operation(op)
        self._log.append(Entry(self._revision, client, seq, sent, after, full))
        if len(self._log) > LOG:
            self._before = self._log.popleft().flow

    def _client(self, name: str) -> Client:
        with self._lock:
            return self._clients.setdefault(name, Client())

    # --- what a client has missed -------------------------------------------------------------

    def since(self, client: str, revision: int | None) -> dict[str, Any]:
        """What brings a client at `revision` up to date; None for one that has nothing.

        `ops` holds `{"r": revision, "s": seq}` for what the client did itself and already shows,
        with `"o"` where it has to do something. `snap` is the whole flow instead.
        """
        with self._lock:
            state = self._client(client)
            update: dict[str, Any] = {
                "doc": self.id,
                "client": client,
                "rev": self._revision,
                "ack": state.ack,
                "undo": [len(state.undo), len(state.redo)],
                "saved": self.saved,
            }
            if state.rejected:
                update["rejected"] = list(state.rejected)
            if revision is None or self.flow_at(revision) is None:
                update["snap"] = dump_flow(self._flow)
            else:
                update["base"] = revision
                update["ops"] = [self._told(e, client) for e in self._log if e.revision > revision]
            return update

    @staticmethod
    def _told(entry: Entry, client: str) -> dict[str, Any]:
        told: dict[str, Any] = {"r": entry.revision}
        own = entry.client == client and entry.seq is not None
        if own:
            told["s"] = entry.seq
        if not own or entry.op is not None:
            told["o"] = entry.full
        return told

    def flow_at(self, revision: int) -> Flow | None:
        """The flow as it was, or None where that is no longer remembered."""
        with self._lock:
            if revision == self._revision:
                return self._flow
            first = self._revision - len(self._log)
            if not first <= revision < self._revision:
                return None
            return self._log[revision - first - 1].flow if revision > first else self._before

    # --- the file -----------------------------------------------------------------------------

    def save(self) -> bool:
        """Write the file, unless it is up to date or somebody else has changed it.

        Returns whether the file now holds the flow. `save_error` says why not.
        """
        with self._lock:
            flow = self._flow
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
            if self.versions:
                with contextlib.suppress(OSError, FlowError):
                    self.versions.add(flow)
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
        if theirs is not None and (self._flow is self._saved_flow or theirs == self._flow):
            self._file.seen()
            self._follow(theirs)
            return
        message = words or "Another program has changed the file while there were unsaved edits."
        self.conflict = Conflict(theirs, message)

    def _follow(self, theirs: Flow) -> None:
        if theirs != self._flow:
            self._make("disk", Replace(flow=theirs), None, None, "")
        self._saved_flow = self._flow
        if self.versions:
            with contextlib.suppress(OSError, FlowError):
                self.versions.add(self._flow, by="another program")

    def keep_mine(self) -> None:
        """End a conflict with what is on the canvas. The other text is kept as a version."""
        with self._lock:
            if self.conflict and self._file:
                if self.versions and self.conflict.theirs:
                    with contextlib.suppress(OSError, FlowError):
                        self.versions.add(self.conflict.theirs, by="another program")
                self._file.seen()
                self.conflict, self._saved_flow = None, Flow()
        self.save()

    def take_theirs(self) -> None:
        """End a conflict with what is in the file. What was on the canvas is kept as a version."""
        with self._lock:
            if self.conflict and self.conflict.theirs and self._file:
                if self.versions:
                    with contextlib.suppress(OSError, FlowError):
                        self.versions.add(self._flow)
                theirs, self.conflict = self.conflict.theirs, None
                self._file.seen()
                self._follow(theirs)
        self._tell()


_BY_ID: weakref.WeakValueDictionary[str, Document] = weakref.WeakValueDictionary()


def document_by_id(document_id: str) -> Document | None:
    """The open document with this id: edits find theirs after the page has moved on to another."""
    return _BY_ID.get(document_id)


# --- small things -------------------------------------------------------------------------------


def merge_key(op: Any) -> str:
    """What makes two edits one gesture: typing in the same field.

    Nudges by arrow keys bring a key of their own; two drags are two gestures.
    """
    if isinstance(op, SetParams) and not op.unset:
        return f"params {op.node} {' '.join(sorted(op.params))}"
    if isinstance(op, EditNote) and op.text is not None:
        return f"note {op.note}"
    return ""


def label_of(op: Any) -> str:
    """What a step is called in "Undo …"."""
    if isinstance(op, Batch):
        return op.label or "several edits"
    return str(op.op).replace("_", " ")


def dump_flow(flow: Flow) -> dict[str, Any]:
    """A flow as the canvas gets it: without what has its default."""
    return flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
