"""The resource pool: opens each description once per process, shares it, lets go of it when idle.

The pool outlives runs and event loops, so its state is guarded by a lock and waiting happens on
futures of the loop that waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from patchbay.flows import machine
from patchbay.flows.runs.failures import said
from patchbay.nodes.contract import NodeError
from patchbay.nodes.data import secrets_in
from patchbay.nodes.units import size_in_words
from patchbay.nodes.values import Opening, SecretRef, Spec, encode

if TYPE_CHECKING:
    from patchbay.flows.runs.slot_line import SlotLine

log = logging.getLogger("patchbay")


class Watcher(Protocol):
    """Who opens: hears of progress and of waiting, and knows the secrets."""

    def opening(self, label: str, done: float, total: float | None) -> None:
        """A slow opening has come this far. Called from a worker thread."""

    def waiting(self, resource: str, position: int) -> None:
        """All slots are taken; this many requests come first."""

    def warning(self, message: str) -> None:
        """Something the person should know."""

    def secret(self, ref: SecretRef) -> str:
        """The value of a secret."""


class OpeningCancelledError(Exception):
    """Nobody waits for this resource any more."""


class _Opening(Opening):
    """Hands progress to whoever waits; ends the opening when nobody does."""

    def __init__(self, pool: Pool, entry: _Entry, watcher: Watcher) -> None:
        self._pool, self._entry, self._watcher = pool, entry, watcher

    def open(self, spec: Spec) -> Any:
        spec = spec.resource()
        part = self._pool._hold(spec, self._watcher, near=self._pool.is_far(spec))
        self._entry.parts.append(part)
        return spec.view(part.ready.result())

    def report(self, label: str, done: float, total: float | None) -> None:
        if self._entry.abandoned:
            raise OpeningCancelledError(label)
        self._watcher.opening(label, done, total)

    def secret(self, ref: SecretRef) -> str:
        return self._watcher.secret(ref)


@dataclass(slots=True)
class _Entry:
    """One description, being opened or open."""

    key: str
    spec: Spec
    memory: int
    line: SlotLine
    """Who holds one of its slots, and who waits."""
    ready: Future[Any] = field(default_factory=Future)
    users: int = 0
    last_used: float = 0.0
    abandoned: bool = False
    gpu: int | None = None
    """The graphics card in whose memory it lies."""
    near: bool = False
    """Opened here although it lives elsewhere too: it is a part of something that is open here."""
    parts: list[_Entry] = field(default_factory=list)
    """What was opened together with it, and is held as long as it is open."""

    @property
    def idle(self) -> bool:
        return self.users == 0 and self.ready.done()


class Pool:
    """Opened resources by description.

    Args:
        limit: bytes of the machine's memory that opened resources may take together, as
            estimated by their descriptions; four fifths of it (or the container's) unless given.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._cards: dict[int, int] = {}
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._expected: dict[object, tuple[Spec, ...]] = {}
        self._kept: dict[object, tuple[Spec, ...]] = {}
        self.elsewhere: Callable[[Spec, Opening], Any] | None = None
        """Opens what another process has for several (`Spec.hosted`); None where all is opened
        here."""
        self.opened = 0
        """How many times something was opened, for tests and the models page."""

    @contextlib.asynccontextmanager
    async def use(self, spec: Spec, watcher: Watcher, *, slot: bool = True) -> AsyncIterator[Any]:
        """Open `spec` (or wait until another has), take one of its slots, and give it back.

        Without a `slot` it is only kept open.
        """
        wanted = spec.resource()
        entry = self._hold(wanted, watcher)
        try:
            opened = self._seen_by(wanted, await _opened(entry))
            if not slot:
                yield opened
                return
            queue = self._queue_of(spec, entry, watcher)
            slots = None if self.is_far(spec) else spec.queue().slots  # a far one queues there
            await queue.line.take(slots, partial(watcher.waiting, queue.spec.type_id()))
            try:
                yield opened
            finally:
                queue.line.free()
        finally:
            self._release(entry)

    @contextlib.contextmanager
    def expecting(self, specs: Sequence[Spec]) -> Iterator[None]:
        """While this lasts, what is opened has room for these descriptions too, as far as they can
        share it: a run says so of what it will open."""
        mark = object()
        with self._lock:
            self._expected[mark] = tuple(spec.resource() for spec in specs)
        try:
            yield
        finally:
            with self._lock:
                del self._expected[mark]

    @contextlib.contextmanager
    def keeping(self, specs: Sequence[Spec]) -> Iterator[None]:
        """While this lasts, `make_room` of other runs leaves these open between their calls: many
        runs of one flow need them again and again. Where memory is short they go all the same."""
        mark = object()
        with self._lock:
            self._kept[mark] = tuple(specs)
        try:
            yield
        finally:
            with self._lock:
                del self._kept[mark]

    @property
    def kept(self) -> list[Spec]:
        """What is being kept."""
        with self._lock:
            return [spec for some in self._kept.values() for spec in some]

    def is_far(self, spec: Spec) -> bool:
        """Whether what a description opens lives in another process."""
        return False

    def _seen_by(self, spec: Spec, opened: Any) -> Any:
        """What was opened, as a description wants it. One elsewhere is looked at there."""
        return opened if self.is_far(spec) else spec.view(opened)

    def make(self, spec: Spec, opening: Opening) -> Any:
        """Open a description, in a thread. What a pool that spreads models does otherwise."""
        there = self.elsewhere if self._goes(spec) else None
        return there(spec, opening) if there else spec.open(opening)

    def resident(self) -> list[tuple[Spec, int, bool]]:
        """What is open: description, estimated bytes, in use or not."""
        with self._lock:
            return [
                (e.spec, e.memory, e.users > 0) for e in self._entries.values() if e.ready.done()
            ]

    def close(self) -> None:
        """Let go of everything that is not in use."""
        self.let_go()

    def let_go(self, *, keep: Sequence[Spec] = (), older_s: float = 0.0) -> int:
        """Let go of what is idle; returns the bytes that it took, as estimated.

        Args:
            keep: descriptions whose resources stay.
            older_s: only what nobody has used for so many seconds goes.
        """
        wanted = [spec.resource() for spec in keep]
        before = time.monotonic() - older_s
        with self._lock:
            idle = [
                entry
                for entry in self._entries.values()
                if entry.idle
                and (not older_s or entry.last_used <= before)
                and not any(entry.spec == spec or entry.spec.together(spec) for spec in wanted)
            ]
            for entry in idle:
                del self._entries[entry.key]
        for entry in idle:
            self._close(entry)
        freed = sum(entry.memory for entry in idle)
        if idle:
            freed += self.let_go(keep=keep, older_s=older_s)  # what only they held is idle now
            machine.give_back()
        return freed

    def let_idle_go(self, after_s: float) -> None:
        """From now on let go by itself of what nobody has used for so many seconds."""

        def watch() -> None:
            while True:
                time.sleep(min(after_s / 4, 30.0))
                self.let_go(older_s=after_s)

        threading.Thread(target=watch, name="patchbay-idle", daemon=True).start()

    # --- opening ----------------------------------------------------------------------------

    def _hold(self, spec: Spec, watcher: Watcher, *, near: bool = False) -> _Entry:
        """The entry of a description, which a thread of its own opens unless that is under way."""
        entry, mine, crowded = self._claim(spec, watcher, near)
        if mine:
            self._open(entry, watcher)
        if crowded:
            try:
                watcher.warning(
                    f"Opened models are estimated at {size_in_words(self._used(entry.gpu))} "
                    f"together, more than the {size_in_words(self._allowed(entry.gpu))} "
                    f"{'of GPU memory ' * (entry.gpu is not None)}allowed, and all are in use."
                )
            except BaseException:
                self._release(entry)
                raise
        return entry

    def _queue_of(self, spec: Spec, entry: _Entry, watcher: Watcher) -> _Entry:
        """Whose slots a request takes: the entry's own, or those of the part that it names."""
        queue = spec.queue().resource()
        key = _key(queue, watcher)
        with self._lock:
            return self._entries.get(key) or self._serving(queue) or entry

    def _claim(self, spec: Spec, watcher: Watcher, near: bool) -> tuple[_Entry, bool, bool]:
        """The entry, whether the caller is to open it, and whether memory is short."""
        from patchbay.flows.runs.slot_line import SlotLine  # a run that opens nothing has none

        key = _key(spec, watcher) + ("\nhere" if near else "")
        evicted: list[_Entry] = []
        far = not near and self.is_far(spec)
        with self._lock:
            entry = self._entries.get(key) or (None if far or near else self._serving(spec))
            mine = entry is None or entry.abandoned
            if entry is None or entry.abandoned:
                memory, card = 0, None
                if not far:  # one elsewhere takes no memory here, and is of the size that it is
                    if not near:
                        spec, evicted = self._widened(spec)
                        key = _key(spec, watcher)
                    memory = 0 if self._goes(spec) else spec.memory() or 0
                    card = spec.gpu if memory else None
                    evicted += self._evict_for(memory, card)
                entry = self._entries[key] = _Entry(
                    key, spec, memory, SlotLine(), gpu=card, near=near
                )
                self.opened += 1
            entry.users += 1
            crowded = mine and self._used(entry.gpu) > self._allowed(entry.gpu)
        for old in evicted:
            self._close(old)
        if evicted:
            machine.give_back()
        return entry, mine, crowded

    def _serving(self, spec: Spec) -> _Entry | None:
        """What is open, or being opened, and does for this description as well."""
        if any(secrets_in(spec)):  # whose values tell resources apart, see `_key`
            return None
        for entry in self._entries.values():
            if not entry.abandoned and entry.spec.together(spec) == entry.spec:
                return entry
        return None

    def _widened(self, spec: Spec) -> tuple[Spec, list[_Entry]]:
        """A description with the room that others need as well who share what it opens: those that
        runs expect, and what is open for less room and idle, which is taken out."""
        if any(secrets_in(spec)):
            return spec, []
        for other in [other for some in self._expected.values() for other in some]:
            spec = spec.together(other) or spec
        evicted: list[_Entry] = []
        for entry in list(self._entries.values()):
            both = entry.spec.together(spec) if entry.idle else None
            if both is not None:
                spec = both
                del self._entries[entry.key]
                evicted.append(entry)
        return spec, evicted

    def _open(self, entry: _Entry, watcher: Watcher) -> None:
        entry.ready.set_running_or_notify_cancel()

        def work() -> None:
            try:
                opening = _Opening(self, entry, watcher)
                make = entry.spec.open if entry.near else partial(self.make, entry.spec)
                entry.ready.set_result(make(opening))
            except BaseException as error:
                self._failed(entry, error)
                return
            if entry.abandoned:
                self._forget(entry)
                self._close(entry)

        # The thread is not tied to whoever came first: others may wait for the same resource.
        try:
            threading.Thread(target=work, name="patchbay-open", daemon=True).start()
        except Exception as error:  # the system gives no thread: nobody may wait for it
            self._failed(entry, error)

    def _goes(self, spec: Spec) -> bool:
        """Whether another process opens it."""
        return self.elsewhere is not None and spec.hosted

    def _failed(self, entry: _Entry, error: BaseException) -> None:
        """Whoever waits for the entry hears that it could not be opened; nobody waits for ever."""
        try:
            self._forget(entry)
            self._release_parts(entry)
            error = _in_words(entry.spec, error)
        finally:
            if not entry.ready.done():
                entry.ready.set_exception(error)

    def _release(self, entry: _Entry) -> None:
        with self._lock:
            entry.users -= 1
            entry.last_used = time.monotonic()
            if entry.users == 0 and not entry.ready.done():
                entry.abandoned = True

    def _close(self, entry: _Entry) -> None:
        """Let go of what was opened. One that cannot be closed must not fail whoever comes next."""
        try:
            close: Callable[[], None] | None = getattr(entry.ready.result(), "close", None)
            if close is not None:
                close()
        except Exception:
            log.warning("%s could not be closed", entry.spec.type_id(), exc_info=True)
        self._release_parts(entry)

    def _release_parts(self, entry: _Entry) -> None:
        while entry.parts:
            self._release(entry.parts.pop())

    def _forget(self, entry: _Entry) -> None:
        with self._lock:
            if self._entries.get(entry.key) is entry:
                del self._entries[entry.key]

    # --- memory -----------------------------------------------------------------------------

    def _used(self, gpu: int | None) -> int:
        """Bytes in the machine's memory, or in that of a graphics card."""
        return sum(entry.memory for entry in self._entries.values() if entry.gpu == gpu)

    def _allowed(self, gpu: int | None) -> int:
        if gpu is not None:
            if gpu not in self._cards:
                self._cards[gpu] = machine.allowed_memory(gpu)
            return self._cards[gpu]
        if self._limit is None:
            self._limit = machine.allowed_memory()
        return self._limit

    def _evict_for(self, needed: int, gpu: int | None) -> list[_Entry]:
        """Take idle entries out, the longest unused first, until `needed` bytes fit."""
        evicted = []
        idle = sorted((e for e in self._entries.values() if e.idle), key=lambda e: e.last_used)
        for entry in [one for one in idle if one.gpu == gpu]:
            if self._used(gpu) + needed <= self._allowed(gpu):
                break
            del self._entries[entry.key]
            evicted.append(entry)
        return evicted


def _key(spec: Spec, watcher: Watcher) -> str:
    """What tells opened resources apart: the description, and the values of the secrets it names.

    So another key is another resource. And a run that shares what an earlier one opened has asked
    for the secrets as well, and blacks them out.
    """
    # Keys stay in their order: a model fills in a schema as its properties stand.
    parts = [json.dumps(encode(spec), ensure_ascii=False, separators=(",", ":"))]
    for ref in secrets_in(spec):
        try:
            value = watcher.secret(ref)
        except NodeError:
            value = ""  # opening it says what is missing
        parts.append(hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest())
    return "\n".join(parts)


async def _opened(entry: _Entry) -> Any:
    """What was opened. Whoever stops waiting does not stop the opening for the others."""
    waiting = asyncio.wrap_future(entry.ready)
    # A failure that nobody is left to hear of would be logged when the future is collected.
    waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await asyncio.shield(waiting)


def _in_words(spec: Spec, error: BaseException) -> BaseException:
    if isinstance(error, (NodeError, OpeningCancelledError)):
        return error
    if isinstance(error, MemoryError):
        return NodeError(
            f"There is not enough memory to open {spec.type_id()}.",
            fix="Choose a smaller model or a shorter context.",
            code="resource/memory",
            retry=False,
        )
    message = f"Opening {spec.type_id()} failed: {said(error)}"
    fix = "Run with --debug to see where, and check the node that describes it."
    failure = NodeError(message, fix=fix, code="resource/failed")
    failure.__cause__ = error
    return failure
