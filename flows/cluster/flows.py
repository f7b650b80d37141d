"""Flows on Ray: worker processes that hold flows, checked once each, and run them when asked."""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from patchbay.flows.cluster.connection import RayConnection, refused
from patchbay.flows.cluster.models import FarPool
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.prepared import PreparedFlow, PreparedResult
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.secrets import Secrets

MAY_DIE = 5
"""What so many workers have died on is given up."""

KEPT = 64
"""Flows that a worker keeps ready."""

AHEAD = 16
"""So many times what may be at work is asked for at once, so that short runs go together."""

LONG_S = 0.5
"""What a worker gets at once should not take longer: one that dies loses it."""

MOST = 64
"""Runs that a worker gets at once."""


@dataclass(frozen=True)
class RayPlace:
    """What a worker needs besides flows: all of it plain."""

    folder: str | None
    variables: str
    secrets: Mapping[str, str] = field(repr=False)
    cached: bool = True
    models: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    """What the actors of each model are called, by `model_key`."""

    @classmethod
    def of(
        cls, env: Environment, secrets: Sequence[str], models: Mapping[str, Sequence[str]]
    ) -> RayPlace:
        """As the environment says, with these secrets and no others."""
        known = {name: env.secrets.find(name) for name in secrets}
        return cls(
            str(env.folder) if env.folder else None,
            env.variables,
            {name: value for name, value in known.items() if value is not None},
            env.cache is not None,
            models,
        )

    def environment(self) -> Environment:
        """What flows get there."""
        folder = Path(self.folder) if self.folder else None
        env = replace(
            default_environment(use_cache=self.cached, folder=folder),
            secrets=Secrets(env={**os.environ, **self.secrets}),
            variables=self.variables,
            keeps_quick=False,
        )
        return replace(env, pool=FarPool(self.models)) if self.models else env


@dataclass(frozen=True)
class SentFlow:
    """A flow that is sent to a worker."""

    text: str
    folder: str | None
    path: str | None

    @classmethod
    def of(cls, flow: LoadedFlow) -> SentFlow:
        """As it is here."""
        return cls(
            canonical_text(flow.flow),
            str(flow.folder) if flow.folder else None,
            str(flow.path) if flow.path else None,
        )

    def loaded(self) -> LoadedFlow:
        """As it is there."""
        folder = Path(self.folder) if self.folder else None
        return LoadedFlow(read_text(self.text), folder, Path(self.path) if self.path else None)


@dataclass(frozen=True, slots=True)
class FlowRequest:
    """One run that a worker is asked for. `flow` is a reference to a `SentFlow` in Ray's store."""

    digest: str
    flow: Any
    inputs: Mapping[str, Any]
    from_person: bool


class FlowWorker:
    """Runs flows, some at once. One process on some machine."""

    def __init__(self, place: RayPlace, at_once: int) -> None:
        self._env = place.environment()
        self._flows: OrderedDict[tuple[str, bool], PreparedFlow] = OrderedDict()
        self._at_once = at_once

    async def run(self, requests: list[FlowRequest]) -> list[FlowAnswer]:
        """What each gives; as many at once as may be."""
        waiting = iter(enumerate(requests))
        found: dict[int, FlowAnswer] = {}

        async def slot() -> None:
            for place, request in waiting:
                found[place] = await self._one(request)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._at_once, len(requests))):
                group.create_task(slot())
        return [found[place] for place in range(len(requests))]

    async def _one(self, request: FlowRequest) -> FlowAnswer:
        try:
            flow = await self._flow(request)
            began = time.monotonic()
            given = await flow.run(request.inputs)
            return replace(given, seconds=time.monotonic() - began), (), False
        except FlowError as error:
            return None, error.problems, True
        except RunError as error:
            return None, (error.problem,), False

    async def _flow(self, request: FlowRequest) -> PreparedFlow:
        key = request.digest, request.from_person
        if (flow := self._flows.get(key)) is None:
            loaded = (await request.flow).loaded()
            env = replace(self._env, folder=loaded.folder)
            flow = PreparedFlow(loaded, env, from_person=request.from_person)
            self._flows[key] = flow
            while len(self._flows) > KEPT:
                self._flows.popitem(last=False)
        self._flows.move_to_end(key)
        return flow

    def process(self) -> int:
        """The process that it is; by this call it is seen to be there."""
        return os.getpid()


FlowAnswer = tuple[PreparedResult | None, Sequence[Problem], bool]
"""What a run gave; or what is wrong, and whether its inputs are at fault."""


@dataclass(slots=True)
class _Waiting:
    """A run that somebody waits for, and how many workers have died with it."""

    request: FlowRequest
    answer: asyncio.Future[FlowAnswer]
    deaths: int = 0


class RayFlows:
    """Workers on Ray that run flows. See `patchbay.flows.runs.elsewhere.Elsewhere`.

    Short runs go to a worker many at a time, long ones one by one.

    Args:
        connection: the Ray.
        place: what the workers need.
        workers: how many; one for each core unless given.
        at_once: how many runs may be at work in each.

    Raises:
        FlowError: there is no room for so many.
    """

    def __init__(
        self, connection: RayConnection, place: RayPlace, workers: int = 0, at_once: int = 4
    ) -> None:
        self._ray = connection.ray
        count = worker_count(connection, workers)
        self.slots = count * at_once * AHEAD
        self._least = at_once
        self._chunk = at_once
        made = self._ray.remote(num_cpus=1, max_restarts=-1)(FlowWorker)
        self._workers = [made.remote(place, at_once) for _ in range(count)]
        self._busy = [0] * count
        self._queue: deque[_Waiting] = deque()
        self._sent: dict[str, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(
        self, flow: LoadedFlow, digest: str, inputs: Mapping[str, Any], *, from_person: bool = False
    ) -> PreparedResult:
        """See `Elsewhere`."""
        if digest not in self._sent:  # once for all workers, by Ray's store of objects
            self._sent[digest] = self._ray.put(SentFlow.of(flow))
        request = FlowRequest(digest, self._sent[digest], dict(inputs), from_person)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, loop.create_future())
        self._queue.append(waiting)
        loop.call_soon(self._hand_out)  # whoever asks in the same moment goes along
        result, problems, at_fault = await waiting.answer
        if result is not None:
            return result
        if at_fault:
            raise FlowError(problems)
        raise RunError(problems[0])

    def _hand_out(self) -> None:
        """Give what waits to workers that have nothing, or one chunk only."""
        while self._queue:
            place = min(range(len(self._busy)), key=self._busy.__getitem__)
            if self._busy[place] >= 2:  # the next chunk of a worker is there when it ends one
                return
            chunk = self._next()
            if chunk:
                self._busy[place] += 1
                task = asyncio.ensure_future(self._work(place, chunk))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _next(self) -> list[_Waiting]:
        """What goes to a worker together. What a worker has died with goes alone."""
        share = -(-len(self._queue) // len(self._workers))
        chunk: list[_Waiting] = []
        while self._queue and len(chunk) < min(self._chunk, share):
            if self._queue[0].answer.done():  # nobody waits for it any more
                self._queue.popleft()
                continue
            if self._queue[0].deaths and chunk:
                break
            chunk.append(self._queue.popleft())
            if chunk[0].deaths:
                break
        return chunk

    async def _work(self, place: int, chunk: list[_Waiting]) -> None:
        began = asyncio.get_running_loop().time()
        sent = self._workers[place].run.remote([one.request for one in chunk])
        for one in chunk:
            one.answer.add_done_callback(lambda _: self._stop(sent, chunk))
        try:
            for one, answer in zip(chunk, await sent, strict=True):
                if not one.answer.done():
                    one.answer.set_result(answer)
            self._sized(len(chunk), asyncio.get_running_loop().time() - began)
        except (self._ray.exceptions.RayActorError, self._ray.exceptions.WorkerCrashedError):
            self._again(chunk)
            await asyncio.sleep(0.5)  # Ray starts it again meanwhile
        except self._ray.exceptions.TaskCancelledError:
            pass
        except Exception as error:  # the worker could not begin, or what it gave cannot be sent
            why = str(getattr(error, "cause", None) or error).strip().splitlines()
            self._lost(chunk, f"A worker could not do it: {why[0] if why else error!r}")
        finally:
            self._busy[place] -= 1
            self._hand_out()

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
                one.answer.set_result((None, (Problem("batch/worker", why, fix),), False))

    def _stop(self, sent: Any, chunk: list[_Waiting]) -> None:
        """Stop a chunk that nobody waits for any more."""
        if all(one.answer.cancelled() for one in chunk):
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
