"""Flows on Ray: worker processes that hold flows, checked once each, and run them when asked."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from patchbay.flows.cluster.connection import RayConnection, refused
from patchbay.flows.cluster.flow_worker import (
    FlowAnswer,
    FlowRequest,
    FlowWorker,
    RayPlace,
    SentFlow,
)
from patchbay.flows.cluster.models import PlacedModels
from patchbay.flows.cluster.sending import SentFile, files_to_send, names_in_flows, send_all
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.events import Event, Tokens
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.prepared import PreparedResult
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.subflows import Prepared

MAY_DIE = 5
"""What so many workers have died on is given up."""

AHEAD = 16
"""So many times what may be at work is asked for at once, so that short runs go together."""

LONG_S = 0.5
"""What a worker gets at once should not take longer: one that dies loses it."""

MOST = 64
"""Runs that a worker gets at once."""

SENT = 256
"""Flows that are kept in Ray's store of objects."""

BACK_TRIES = 30
"""How often is asked whether a worker that died is there again: two minutes in all."""


@dataclass(slots=True)
class _Waiting:
    """A run that somebody waits for, and how many workers have died with it."""

    request: FlowRequest
    answer: asyncio.Future[FlowAnswer]
    alone: bool = False
    """Whether it does not go together with others."""
    deaths: int = 0


class RayFlows:
    """Workers on Ray that run flows. See `patchbay.flows.runs.elsewhere.Elsewhere`.

    Short runs go to a worker many at a time, long ones one by one, and so do those that somebody
    waits for.

    Args:
        connection: the Ray.
        place: what the workers need.
        workers: how many; see `worker_count`.
        at_once: how many runs may be at work in each.
        models: where models live; others are placed there when a flow comes that needs them.
    """

    def __init__(
        self,
        connection: RayConnection,
        place: RayPlace,
        workers: int,
        at_once: int,
        models: PlacedModels,
    ) -> None:
        self._ray = connection.ray
        self.takes = workers * at_once
        """How many runs may be at work at once."""
        self.slots = self.takes * AHEAD
        self._at_once = self._least = self._chunk = at_once
        made = self._ray.remote(num_cpus=1, max_restarts=-1)(FlowWorker)
        self._workers = [made.remote(place, at_once) for _ in range(workers)]
        self._busy = [0.0] * workers
        self._queue: deque[_Waiting] = deque()
        self._sent: OrderedDict[str, Any] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._models, self._secrets = models, frozenset(place.named)
        self._ready: OrderedDict[str, None] = OrderedDict()
        self._placing, self._sending = asyncio.Lock(), asyncio.Lock()
        self._variables, self._are_others = place.variables, connection.has_others()

    async def get_ready(self, prepared: Prepared, digest: str) -> None:
        """See `Elsewhere`."""
        if digest in self._ready:
            return
        if new := sorted(set(prepared.secrets) - self._secrets):
            message = f"It names the secret {new[0]}, which no flow named when the workers began."
            raise refused("cluster/secret", message, "Start it anew: secrets go to them then.")
        async with self._placing:
            await asyncio.to_thread(self._models.add, [prepared])
        self._ready[digest] = None
        while len(self._ready) > SENT:
            self._ready.popitem(last=False)

    async def run(
        self,
        flow: LoadedFlow,
        digest: str,
        inputs: Mapping[str, Any],
        *,
        from_person: bool = False,
        person: str = "",
        alone: bool = False,
        hear: Callable[[Event], None] | None = None,
        spent: Callable[[Tokens], None] | None = None,
    ) -> PreparedResult:
        """See `Elsewhere`."""
        sent = await self._reference(flow, digest)
        request = FlowRequest(digest, sent, dict(inputs), from_person, person, hear is not None)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, loop.create_future(), alone)
        self._queue.append(waiting)
        loop.call_soon(self._hand_out)  # whoever asks in the same moment goes along
        answer = await waiting.answer
        if hear is not None:
            for event in answer.events:
                hear(event)
        if spent is not None and answer.tokens is not None:
            spent(answer.tokens)
        if answer.given is not None:
            return answer.given
        if answer.at_fault:
            raise FlowError(answer.problems)
        raise RunError(answer.problems[0])

    async def _reference(self, flow: LoadedFlow, digest: str) -> Any:
        """The flow in Ray's store of objects, where it is once for all workers; the weights that it
        opens itself are on their machines then."""
        if digest not in self._sent:
            async with self._sending:
                if digest not in self._sent:
                    weights = await asyncio.to_thread(self._send_weights, flow)
                    self._put(digest, SentFlow.of(flow, self._models.names, weights))
        self._sent.move_to_end(digest)
        return self._sent[digest]

    def _put(self, digest: str, sent: SentFlow) -> None:
        self._sent[digest] = self._ray.put(sent)
        while len(self._sent) > SENT:
            self._sent.popitem(last=False)

    def _send_weights(self, flow: LoadedFlow) -> list[SentFile]:
        names = names_in_flows([flow], self._variables, self._models.weights)
        files = files_to_send(names) if self._are_others else []
        send_all(self._ray, self._workers, files)
        return files

    def _hand_out(self) -> None:
        """Give what waits to workers that have room for it."""
        while self._queue:
            place = min(range(len(self._busy)), key=self._busy.__getitem__)
            weight = self._weight(self._queue[0])
            if self._busy[place] and self._busy[place] + weight > self._at_once:
                return
            chunk = self._next()
            if chunk:
                self._busy[place] += weight
                task = asyncio.ensure_future(self._work(place, chunk, weight))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _weight(self, first: _Waiting) -> float:
        """What of a worker a run takes with all that goes along with it. One that a worker has died
        with gets a worker for itself: it takes nobody along if it is at fault. Two chunks fit, so
        that the next one is there when a worker ends one."""
        if first.deaths:
            return self._at_once
        return 1.0 if first.alone else self._at_once / 2

    def _next(self) -> list[_Waiting]:
        """What goes to a worker together. What a worker has died with goes alone."""
        share = -(-len(self._queue) // len(self._workers))
        chunk: list[_Waiting] = []
        while self._queue and len(chunk) < min(self._chunk, share):
            first = self._queue[0]
            if first.answer.done():  # nobody waits for it any more
                self._queue.popleft()
                continue
            by_itself = first.alone or first.deaths > 0
            if by_itself and chunk:
                break
            chunk.append(self._queue.popleft())
            if by_itself:
                break
        return chunk

    async def _work(self, place: int, chunk: list[_Waiting], weight: float) -> None:
        began = asyncio.get_running_loop().time()
        sent = self._workers[place].run.remote([one.request for one in chunk])
        for one in chunk:
            one.answer.add_done_callback(lambda _: self._stop(sent, chunk))
        try:
            for one, answer in zip(chunk, await sent, strict=True):
                if not one.answer.done():
                    one.answer.set_result(answer)
            if not chunk[0].alone:
                self._sized(len(chunk), asyncio.get_running_loop().time() - began)
        except (self._ray.exceptions.RayActorError, self._ray.exceptions.WorkerCrashedError):
            self._again(chunk)
            self._busy[place] += self._at_once  # nothing goes to it until it is seen again
            self._hand_out()
            await self._back(place)
            self._busy[place] -= self._at_once
        except self._ray.exceptions.TaskCancelledError:
            pass
        except Exception as error:  # the worker could not begin, or what it gave cannot be sent
            why = str(getattr(error, "cause", None) or error).strip().splitlines()
            self._lost(chunk, f"A worker could not do it: {why[0] if why else error!r}")
        finally:
            self._busy[place] -= weight
            self._hand_out()

    async def _back(self, place: int) -> None:
        """Wait until Ray has started a worker again; a call before that would fail at once, as if
        the worker had died of it."""
        for wait in (min(5.0, 0.2 * 1.3**n) for n in range(BACK_TRIES)):
            await asyncio.sleep(wait)
            try:
                await self._workers[place].process.remote()
            except self._ray.exceptions.RayError:
                continue
            return

    def _sized(self, count: int, took: float) -> None:
        """Larger chunks where they take no time, smaller ones where a dead worker loses much."""
        if took > LONG_S:
            self._chunk = max(self._least, self._chunk // 2)
        elif took < LONG_S / 4 and count >= self._chunk:
            self._chunk = min(MOST, self._chunk * 2)

    def _again(self, chunk: list[_Waiting]) -> None:
        alone = len(chunk) == 1
        for one in reversed(chunk):
            one.deaths += 1 if alone or not one.deaths else 0
            if one.deaths < MAY_DIE:
                self._queue.appendleft(one)
            else:
                self._lost([one], f"{MAY_DIE} workers died on it.")

    def _lost(self, chunk: list[_Waiting], why: str) -> None:
        fix = "Run it without --on to see why, or give workers more memory."
        for one in chunk:
            if not one.answer.done():
                one.answer.set_result(FlowAnswer(None, (Problem("batch/worker", why, fix),)))

    def _stop(self, sent: Any, chunk: list[_Waiting]) -> None:
        """Stop a chunk that nobody waits for any more."""
        if all(one.answer.cancelled() for one in chunk):
            with suppress(self._ray.exceptions.RayError, ValueError):  # it has ended
                self._ray.cancel(sent)

    async def processes(self) -> list[int]:
        """The processes of the workers on their machines, in order."""
        found: list[int] = await asyncio.gather(*(w.process.remote() for w in self._workers))
        return found

    def close(self) -> None:
        """Let the workers go."""
        for worker in self._workers:
            self._ray.kill(worker)


def worker_count(connection: RayConnection, workers: int) -> int:
    """How many workers there shall be.

    Raises:
        FlowError: Ray has not so many cores.
    """
    room = max(1, connection.cores)
    count = workers or room
    if count > room:
        message = f"Ray has {room} cores, and {count} workers are asked for."
        raise refused("batch/no-room", message, f"Ask for {room}, or add machines.")
    return count
