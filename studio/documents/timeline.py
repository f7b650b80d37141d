"""The order of edits: numbered operations, what each client can take back, and has missed.

Knows no file and no lock: `patchbay.studio.documents.document.FlowDocument` owns both.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from patchbay.flows.document.edit import EditError, apply
from patchbay.flows.document.model import Flow
from patchbay.flows.document.operations import (
    Batch,
    EditNote,
    Patch,
    Replace,
    SetParams,
    dump_operation,
    parse_operation,
)
from patchbay.flows.document.patch import diff, without_dangling
from patchbay.flows.problems import FlowError
from patchbay.flows.wording import printable
from patchbay.studio.documents.aliases import Aliases

LOG = 500
"""How many operations are remembered for clients that lag; older ones get a snapshot."""
UNDO = 300
"""How many steps a client can take back."""
TYPING_S = 3.0
"""Edits of one field that follow each other within this many seconds are one step for undo."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One operation in the order that counts, and the flow after it."""

    revision: int
    client: str
    seq: int | None
    """The client's number for it; None when it did not come from a canvas."""
    op: dict[str, Any]
    """Its JSON form."""
    known: bool
    """Whether the client has it as it is."""
    flow: Flow


@dataclass(slots=True)
class UndoStep:
    """Something a client can take back."""

    patch: Patch
    label: str
    merge: str = ""
    at: float = 0.0


@dataclass(slots=True)
class Client:
    """What the document knows of one canvas."""

    ack: int = 0
    undo: deque[UndoStep] = field(default_factory=lambda: deque(maxlen=UNDO))
    redo: deque[UndoStep] = field(default_factory=lambda: deque(maxlen=UNDO))
    rejected: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=20))
    aliases: Aliases = field(default_factory=Aliases)


class Timeline:
    """A flow and the operations that led to it.

    Args:
        flow: the flow to start with.
        clock: seconds, for grouping keystrokes into undo steps.
    """

    def __init__(self, flow: Flow, clock: Callable[[], float]) -> None:
        self.flow, self.revision = flow, 0
        self._log: deque[LogEntry] = deque()
        self._before = flow  # the flow before the oldest operation that is remembered
        self._clients: dict[str, Client] = {}
        self._clock = clock
        self.touched = clock()

    def client(self, name: str) -> Client:
        """What is known of a client; a new one knows nothing."""
        return self._clients.setdefault(name, Client())

    # --- editing ------------------------------------------------------------------------------

    def submit(
        self, client: str, operations: Iterable[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        """Take what a canvas did, as `Document.submit` says; returns the commands among it."""
        commands: list[Mapping[str, Any]] = []
        state = self.client(client)
        operations = list(operations)
        self._heard(state, operations)
        for item in operations:
            seq = item.get("seq")
            if not isinstance(seq, int) or isinstance(seq, bool) or seq <= state.ack:
                continue
            state.ack = seq
            if isinstance(item.get("cmd"), Mapping):
                commands.append(item["cmd"])
                continue
            try:
                self._take(client, state, item, seq)
            except EditError as error:
                state.rejected.append({"seq": seq, "message": str(error)})
            except (ValidationError, FlowError, RecursionError) as error:
                state.rejected.append({"seq": seq, "message": _malformed(error)})
        return commands

    @staticmethod
    def _heard(state: Client, operations: Iterable[Mapping[str, Any]]) -> None:
        """Forget what was rejected before the oldest edit that the canvas repeats: it has heard of
        it with the acknowledgement."""
        numbers = [seq for item in operations if isinstance(seq := item.get("seq"), int)]
        oldest = min(numbers, default=0)
        while state.rejected and state.rejected[0]["seq"] < oldest:
            state.rejected.popleft()

    def _take(self, name: str, state: Client, item: Mapping[str, Any], seq: int) -> None:
        data = item.get("op")
        kind = data.get("op") if isinstance(data, Mapping) else None
        if kind in ("undo", "redo"):
            self.travel(name, kind, seq)
            return
        at = item.get("at")
        op = parse_operation(data)
        if isinstance(op, Replace):
            raise EditError("A whole flow is replaced on the server only.")
        op, renamed = state.aliases.resolve(op, at if isinstance(at, int) else 0, self.flow)
        self.make(name, op, seq, str(item.get("merge") or ""), known=not renamed)
        if renamed:
            state.aliases.remember(renamed, self.revision)

    def travel(self, client: str, direction: str, seq: int | None = None) -> str | None:
        """Take a step back ("undo") or forth ("redo"); its label, or None where there is none."""
        state = self.client(client)
        source, other = state.undo, state.redo
        if direction == "redo":
            source, other = other, source
        if not source:
            return None
        step = source.pop()
        before = self.flow
        patch = without_dangling(before, step.patch)
        try:
            after = apply(before, patch)
        except EditError as error:
            raise EditError(f"That cannot be undone any more: {error}") from None
        other.append(UndoStep(diff(after, before), step.label))
        self._record(client, patch, seq, after, known=False)
        return step.label

    def make(
        self,
        client: str,
        op: Any,
        seq: int | None = None,
        merge: str = "",
        *,
        known: bool = False,
    ) -> None:
        """Make an edit. `known`: the client shows it already. Raises `EditError`."""
        before = self.flow
        after = apply(before, op)
        self._remember(client, op, before, after, merge)
        self._record(client, op, seq, after, known=known)

    def _remember(self, client: str, op: Any, before: Flow, after: Flow, merge: str) -> None:
        state, now = self.client(client), self._clock()
        merge = merge or merge_key(op)
        last = state.undo[-1] if state.undo else None
        state.redo.clear()
        if last and merge and last.merge == merge and now - last.at <= TYPING_S:
            with contextlib.suppress(EditError):
                # What the first keystroke found, seen from where the last one leads.
                last.patch = diff(after, apply(before, last.patch))
                last.at = now
                return
        state.undo.append(UndoStep(diff(after, before), label_of(op), merge, now))

    def _record(self, client: str, op: Any, seq: int | None, after: Flow, *, known: bool) -> None:
        self.revision += 1
        self.flow, self.touched = after, self._clock()
        self._log.append(LogEntry(self.revision, client, seq, dump_operation(op), known, after))
        if len(self._log) > LOG:
            self._before = self._log.popleft().flow

    # --- what a client has missed -------------------------------------------------------------

    def since(self, client: str, revision: int | None) -> dict[str, Any]:
        """What brings a client at `revision` up to date; None for one that has nothing.

        `ops` holds `{"r": revision, "s": seq}` for what the client did itself and already shows,
        with `"o"` where it has to do something. `snap` is the whole flow instead.
        """
        state = self.client(client)
        update: dict[str, Any] = {
            "rev": self.revision,
            "ack": state.ack,
            "undo": [len(state.undo), len(state.redo)],
        }
        if state.rejected:
            update["rejected"] = list(state.rejected)
        if revision is None or self.flow_at(revision) is None:
            update["snap"] = dump_flow(self.flow)
        else:
            update["base"] = revision
            update["ops"] = [self._told(e, client) for e in self._log if e.revision > revision]
        return update

    @staticmethod
    def _told(entry: LogEntry, client: str) -> dict[str, Any]:
        told: dict[str, Any] = {"r": entry.revision}
        own = entry.client == client and entry.seq is not None
        if own:
            told["s"] = entry.seq
        if not (own and entry.known):
            told["o"] = entry.op
        return told

    def flow_at(self, revision: int) -> Flow | None:
        """The flow as it was, or None where that is no longer remembered."""
        if revision == self.revision:
            return self.flow
        first = self.revision - len(self._log)
        if not first <= revision < self.revision:
            return None
        return self._log[revision - first - 1].flow if revision > first else self._before


def _malformed(error: Exception) -> str:
    """What a browser is told of an edit that is none."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] != "recursion_loop":
            where = ".".join(str(part) for part in first["loc"][1:4])
            why = f": {where}: {printable(first['msg'], 200)}" if where else ""
            return f"That edit is malformed{why}."
    elif not isinstance(error, RecursionError):
        return f"That edit is malformed. {error}"
    return "A value in that edit is nested too deep. Flatten it."


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
