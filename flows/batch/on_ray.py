"""Rows on Ray: workers hold the flow, the head reads, hands out and writes.

Only the head writes, and a chunk of rows counts when its results have come: a worker that dies has
given nothing, and its chunk is run again by another. So every row is in the output once, whatever
dies (an idempotent sink over at-least-once work: Zaharia et al., *Discretized Streams*, 2013).

Models live in actors of their own, which all workers ask. Secrets that the flow names go to the
workers alone, as arguments of theirs, and to the models that need them; they are in no environment
of a job, which Ray's dashboard shows.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from patchbay.flows.batch.manifest import BatchSettings
from patchbay.flows.batch.rows import bad
from patchbay.flows.batch.runner import HereRunner, RowJob, RowResult
from patchbay.flows.cluster.connection import connect
from patchbay.flows.cluster.flow_worker import RayPlace, SentFlow
from patchbay.flows.cluster.flows import worker_count
from patchbay.flows.cluster.model_actor import WhereModel
from patchbay.flows.cluster.models import PlacedModels
from patchbay.flows.cluster.sending import (
    GetsWeights,
    SentFile,
    files_to_send,
    names_in_flows,
    send_all,
)
from patchbay.flows.problems import Problem
from patchbay.flows.runs.prepared import PreparedFlow
from patchbay.flows.runs.running import LoadedFlow

CHUNK = 64
"""Rows that a worker gets at once. Fewer where each takes long: see `RayRunner.run`."""

LONG_S = 0.5
"""A chunk should not take longer than this: a worker that dies loses it."""

MAY_DIE = 5
"""A row on which so many workers have died is given up."""


@dataclass(frozen=True)
class WorkerRows:
    """What a worker needs to run rows."""

    flow: SentFlow
    place: RayPlace
    retries: int = 0
    limit_s: float | None = None
    slots: int = 1


class RowWorker(GetsWeights):
    """Holds a flow, checked once, and runs chunks of rows. One process on some machine."""

    def __init__(self, given: WorkerRows) -> None:
        self._given = given

    @cached_property
    def _runner(self) -> HereRunner:
        """Made with the first rows: before them weights may be sent here."""
        given = self._given
        flow = PreparedFlow(given.flow.loaded(), given.place.environment())
        return HereRunner(flow, given.slots, given.retries, given.limit_s)

    async def run(self, rows: list[RowJob]) -> list[RowResult]:
        """What each row gave; as many at once as there are slots."""
        waiting = iter(rows)
        found: list[RowResult] = []
        runner = self._runner

        async def slot() -> None:
            for row in waiting:
                found.extend(await runner.run([row]))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(runner.slots, len(rows))):
                group.create_task(slot())
        return found

    def process(self) -> int:
        """The process that it is; by this call it is seen to be there."""
        return os.getpid()


class RayRunner:
    """Runs rows on Ray.

    Args:
        flow: what is run.
        settings: how rows become runs.
        address: `ray://head:10001`, or "" for a Ray of this machine, which ends with the batch.
        workers: how many processes hold the flow; one for each core that Ray has unless given.
        slots: how many rows are at work at once in each.
        gpus: how many GPUs each model needs; each worker, where the flow has no model.

    Raises:
        FlowError: Ray is not installed, cannot be reached, or has no room for a worker or a model.
    """

    def __init__(
        self,
        flow: PreparedFlow,
        settings: BatchSettings,
        address: str = "",
        workers: int = 0,
        slots: int = 1,
        gpus: float = 0,
    ) -> None:
        self._connection = connect(address, workers)
        self._ray = self._connection.ray
        try:
            count = worker_count(self._connection, workers)
            env, ready = flow.env, flow.prepared
            self._models = PlacedModels(self._connection, [ready], env.secrets, count * slots, gpus)
        except BaseException:
            self._connection.close()
            raise
        self.died: type[Exception] = self._ray.exceptions.RayActorError
        """What is raised where a worker has died."""
        self._deaths: dict[int, int] = {}
        self.chunk = CHUNK
        self.slots = count * 2  # the next chunk of a worker is there when it ends one
        own_gpus = 0 if self._models.names else gpus
        made = self._ray.remote(num_cpus=1, num_gpus=own_gpus, max_restarts=-1)(RowWorker)
        place = RayPlace.of(env, ready.secrets, self._models.names, gpus)
        path = flow.path if flow.path is not None and flow.path.is_absolute() else None
        loaded = LoadedFlow(flow.flow, env.folder, path)
        weights: list[SentFile] = []
        if self._connection.has_others():
            names = names_in_flows([loaded], env.variables, self._models.weights)
            weights = files_to_send(names)
        sent = SentFlow.of(loaded, weights=weights)
        given = WorkerRows(sent, place, settings.retries, settings.limit_s, slots)
        self._workers = [made.remote(given) for _ in range(count)]
        try:
            send_all(self._ray, self._workers, weights)
        except BaseException:
            self._let_go()
            raise
        self._turn = 0
        self._doubtful: set[Any] = set()
        """Workers that died, and have not been seen since."""

    @property
    def models(self) -> list[WhereModel]:
        """Where the models of the flow are."""
        return self._models.places

    async def run(self, rows: Sequence[RowJob]) -> list[RowResult]:
        """See `RowRunner`. A chunk whose worker dies is given to another, row by row."""
        worker = await self._living()
        began = asyncio.get_running_loop().time()
        try:
            found: list[RowResult] = await worker.run.remote(list(rows))
        except self._ray.exceptions.RayTaskError as error:
            why = f"A worker could not begin it: {error.cause or error}"
            return [_lost(number, why.splitlines()[0]) for number, _ in rows]
        except (self.died, self._ray.exceptions.WorkerCrashedError):
            self._doubtful.add(worker)
            return await self._again(rows)
        took = asyncio.get_running_loop().time() - began
        if took > LONG_S:
            self.chunk = max(1, int(self.chunk * LONG_S / took))
        elif took < LONG_S / 4:
            self.chunk = min(CHUNK * 4, self.chunk * 2)
        return found

    async def _living(self) -> Any:
        """A worker that is there. One that died is started anew by Ray meanwhile, which takes
        seconds; a call before that would fail as if it had died of it."""
        for wait in (0.0, *(min(5.0, 0.2 * 1.3**n) for n in range(60))):
            self._turn += 1
            worker = self._workers[self._turn % len(self._workers)]
            if worker not in self._doubtful:
                return worker
            await asyncio.sleep(wait / len(self._workers))
            try:
                await worker.process.remote()
            except self.died:
                continue
            self._doubtful.discard(worker)
            return worker
        raise bad("batch/ray", "No worker comes back.", "Look at Ray's logs; --resume goes on.")

    async def _again(self, rows: Sequence[RowJob]) -> list[RowResult]:
        found: list[RowResult] = []
        for number, given in rows:
            if len(rows) == 1:
                self._deaths[number] = self._deaths.get(number, 0) + 1
            if self._deaths.get(number, 0) >= MAY_DIE:
                found.append(_lost(number, f"{MAY_DIE} workers died on it."))
            else:
                found += await self.run([(number, given)])
        return found

    async def processes(self) -> list[int]:
        """The processes of the workers on their machines, in order."""
        found: list[int] = await asyncio.gather(*(w.process.remote() for w in self._workers))
        return found

    async def model_processes(self) -> list[int]:
        """Likewise, of the models."""
        return await self._models.processes()

    async def close(self) -> None:
        """Let the workers and the models go, and Ray where it is ours."""
        self._let_go()

    def _let_go(self) -> None:
        for worker in self._workers:
            self._ray.kill(worker)
        self._models.close()
        self._connection.close()


def _lost(number: int, why: str) -> RowResult:
    fix = "Run it with --on here to see why, or give workers more memory."
    return RowResult(number, None, Problem("batch/worker", why, fix))


__all__ = ["RayRunner", "RowWorker", "WorkerRows"]
