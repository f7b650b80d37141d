"""The steps of one node: made once, and given again when the node runs again."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from patchbay.flows.runs.context import SubflowRunner, Tally
from patchbay.flows.runs.items import item_once
from patchbay.flows.runs.journal import Journal, StepPlace, StepRecord
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.runs.step_values import fingerprint, pack, unpack, written, written_wires
from patchbay.nodes.context import IDEMPOTENCY_KEY, LANE


class NodeSteps:
    """What a node has done and does, in one run.

    Args:
        journal: that of the run.
        node: the path of the node.
        maker: kind, version and edition of the node.
        secrets: what is blacked out of what is stored, and of what is given, so that both agree.
        warn: tells the person.
        blocking: calls a plain function in a thread.
    """

    def __init__(
        self,
        journal: Journal,
        node: str,
        maker: str,
        secrets: Secrets,
        warn: Callable[[str], None],
        blocking: Callable[..., Awaitable[Any]],
    ) -> None:
        self._journal, self._node, self._maker = journal, node, maker
        self._secrets, self._warn, self._blocking = secrets, warn, blocking
        self._known = journal.of(node)
        self._counts: dict[str, int] = {}
        self._used: set[StepPlace] = set()
        self._broken: list[BaseException] = []
        self._live = False
        self._look_back()

    @property
    def journal(self) -> Journal:
        """That of the run."""
        return self._journal

    def _look_back(self) -> None:
        """Whether what was done before was done by this node as it is now."""
        makers = {StepRecord(*step).maker for step in self._known.values()} - {self._maker}
        if makers:
            self._drop(list(self._known))
            self._warn(
                f"What this node had done was done by {makers.pop()}; it is now {self._maker}. "
                "What it had done does not count, and it starts over."
            )

    async def once(
        self,
        label: str,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        *,
        replay: bool = True,
        remade: bool = False,
    ) -> Any:
        """What `fn` gives, made once. See `Context.once`.

        Args:
            label: what it is.
            fn: makes it.
            args: for `fn`; with the label they are what is compared.
            replay: whether its result stays good; see `StepRecord`.
            remade: whether a retry makes it anew; see `StepRecord`.
        """
        place = self.next_place()
        mark = fingerprint(label, args)
        if (found := self.find(place, label, mark)) is not None:
            return self.given(found)
        key = self._key(place, mark)
        text = written(pack(self._secrets.redact(await self._made(fn, args, key))))
        record = StepRecord(
            self._node, *place, mark, label, text, key, time.time(), self._maker, replay, remade
        )
        if (committed := self._keep(place, record, waits=True)) is not None:
            await committed
        return self.given(record)

    def next_place(self) -> StepPlace:
        """Where the step is that begins now."""
        lanes = LANE.get()
        lane = lanes[0] if len(lanes) == 1 else "/".join(lanes)
        count = self._counts.get(lane, 0)
        self._counts[lane] = count + 1
        return lane, count

    def keep_item(self, place: StepPlace, mark: str, label: str, given: Any) -> Any:
        """Keep what an item gave, which is the same once stored. Nobody waits until it is on the
        disk. Gives it without the secrets in it."""
        given = self._secrets.redact(given)
        record = StepRecord(
            self._node, *place, mark, label, written_wires(given), self._key(place, mark),
            time.time(), self._maker,
        )  # fmt: skip
        self._keep(place, record, waits=False)
        return given

    def _key(self, place: StepPlace, mark: str) -> str:
        return f"{self._journal.run}/{self._node}/{place[0] or 'step'}:{place[1]}:{mark[:8]}"

    def _keep(self, place: StepPlace, record: StepRecord, *, waits: bool) -> Awaitable[None] | None:
        instead = self._known.pop(place, None) is not None
        self._known[place] = tuple(record)
        self._used.add(place)
        if self._journal.broken:
            return None
        return self._journal.log.step(record, instead=instead, waits=waits)

    def item(
        self,
        outer: Tally,
        run: SubflowRunner,
        path: str,
        flow: str,
        digest: str,
        inputs: Mapping[str, Any],
    ) -> Awaitable[dict[str, Any]]:
        """What a sub-flow gives, run once. See `items.py`."""
        given = inputs if type(inputs) is dict else dict(inputs)
        return item_once(outer, self, run, inputs, (path, flow, digest, written_wires(given)))

    def given(self, step: StepRecord) -> Any:
        """What is given: live and later alike, what the stored form says."""
        self._used.add(step.place)
        return unpack(json.loads(step.value), self._journal.types)

    def find(self, place: StepPlace, label: str, mark: str) -> StepRecord | None:
        """The stored step at a place; None where it is to be made."""
        known = None if self._live else self._known.get(place)
        if known is None:
            return None
        found = StepRecord(*known)
        if found.fingerprint != mark:
            self._diverge(found, label)
            return None
        return found if found.replay or self._is_built_on(place) else None

    def _is_built_on(self, place: StepPlace) -> bool:
        """Whether a step whose result stays good was made after the one at this place."""
        for other, step in reversed(self._known.items()):
            if other == place:
                return False
            if StepRecord(*step).replay:
                return True
        return False

    def _diverge(self, found: StepRecord, label: str) -> None:
        self._live = True
        self._drop([place for place in self._known if place not in self._used])
        where = f" in {found.lane}" if found.lane else ""
        same = "with other arguments" if found.label == label else f'and not "{found.label}"'
        self._warn(
            f'It now does "{label}" {same} as step {found.count + 1}{where}: it is not what was '
            "recorded. From here on the node runs live; earlier results after this do not count."
        )

    def _drop(self, places: list[StepPlace]) -> None:
        for place in places:
            del self._known[place]
        self._forget(places)

    def _forget(self, places: list[StepPlace]) -> None:
        if places and not self._journal.broken:
            self._journal.log.forget(self._node, places)

    async def _made(self, fn: Callable[..., Any], args: tuple[Any, ...], key: str) -> Any:
        told = IDEMPOTENCY_KEY.set(key)
        try:
            return await called(fn, args, self._blocking)
        except BaseException as error:
            self.broke(error)
            raise
        finally:
            IDEMPOTENCY_KEY.reset(told)

    def broke(self, error: BaseException) -> None:
        """A step failed by this."""
        self._broken.append(error)

    def again(self, error: BaseException) -> None:
        """The node failed, and may run again: from its first step.

        Where it failed by no step, it failed by what came of them. The same answers would make it
        fail again, so that models are asked anew; what has effects stays done.
        """
        if not _comes_of(error, self._broken):
            self._drop([place for place, step in self._known.items() if StepRecord(*step).remade])
        self._counts.clear()
        self._used.clear()
        self._broken.clear()
        self._live = False


async def called(
    fn: Callable[..., Any], args: tuple[Any, ...], blocking: Callable[..., Awaitable[Any]]
) -> Any:
    """What a function gives; one that blocks is called in a thread."""
    code = getattr(fn, "__code__", None)
    if (code and code.co_flags & inspect.CO_COROUTINE) or inspect.iscoroutinefunction(fn):
        return await fn(*args)
    result = await blocking(fn, *args)
    return await result if inspect.isawaitable(result) else result


def _comes_of(error: BaseException, broken: list[BaseException]) -> bool:
    """Whether a failure is, or was caused by, one of a step. One that was stopped counts."""
    if any(isinstance(known, asyncio.CancelledError) for known in broken):
        return True
    seen: set[int] = set()
    stack: list[BaseException | None] = [error]
    while stack:
        one = stack.pop()
        if one is None or id(one) in seen:
            continue
        if any(one is known for known in broken):
            return True
        seen.add(id(one))
        stack += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            stack += one.exceptions
    return False
