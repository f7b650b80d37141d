"""Rows on Ray: workers hold the flow, the head reads, hands out and writes.

Only the head writes, and a chunk of rows counts when its results have come: a worker that dies has
given nothing, and its chunk is run again by another. So every row is in the output once, whatever
dies (an idempotent sink over at-least-once work: Zaharia et al., *Discretized Streams*, 2013).

Ray's token authentication is on. Secrets that the flow names go to the workers alone, as arguments
of theirs; they are in no environment of a job, which Ray's dashboard shows.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patchbay.flows.batch.manifest import BatchSettings
from patchbay.flows.batch.rows import bad
from patchbay.flows.batch.runner import HereRunner, RowJob, RowResult
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.writing import canonical_text
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
class WorkerFlow:
    """What a worker needs to run rows: all of it plain."""

    flow: str
    folder: str | None
    path: str | None
    variables: str
    secrets: Mapping[str, str] = field(repr=False)
    retries: int = 0
    limit_s: float | None = None
    slots: int = 1
    cached: bool = True


class RowWorker:
    """Holds a flow, checked once, and runs chunks of rows. One process on some machine."""

    def __init__(self, given: WorkerFlow) -> None:
        from dataclasses import replace

        from patchbay.flows.runs.defaults import default_environment
        from patchbay.flows.runs.secrets import Secrets

        folder = Path(given.folder) if given.folder else None
        loaded = LoadedFlow(read_text(given.flow), folder, Path(given.path) if given.path else None)
        env = replace(
            default_environment(use_cache=given.cached, folder=folder),
            secrets=Secrets(env={**os.environ, **given.secrets}),
            variables=given.variables,
            keeps_quick=False,
        )
        self._runner = HereRunner(
            PreparedFlow(loaded, env), given.slots, given.retries, given.limit_s
        )

    async def run(self, rows: list[RowJob]) -> list[RowResult]:
        """What each row gave; as many at once as there are slots."""
        waiting = iter(rows)
        found: list[RowResult] = []

        async def slot() -> None:
            for row in waiting:
                found.extend(await self._runner.run([row]))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._runner.slots, len(rows))):
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
        gpus: how many GPUs each needs.

    Raises:
        FlowError: Ray is not installed, cannot be reached, or has no room for a worker.
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
        _authenticate(address)
        self._ray = _ray()
        self._own = _connected(self._ray, address, workers)
        room = int(self._ray.cluster_resources().get("CPU", 1))
        count = workers or max(1, room)
        if count > room:
            self._end()
            message = f"Ray has {room} cores, and {count} workers are asked for."
            raise bad("batch/no-room", message, f"Ask for {room}, or add machines.")
        self.died: type[Exception] = self._ray.exceptions.RayActorError
        """What is raised where a worker has died."""
        self._deaths: dict[int, int] = {}
        self.chunk = CHUNK
        self.slots = count * 2  # the next chunk of a worker is there when it ends one
        made = self._ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=-1)(RowWorker)
        given = _worker_flow(flow, settings, slots)
        self._workers = [made.remote(given) for _ in range(count)]
        self._turn = 0
        self._doubtful: set[Any] = set()
        """Workers that died, and have not been seen since."""

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

    async def close(self) -> None:
        """Let the workers go, and Ray where it is ours."""
        for worker in self._workers:
            self._ray.kill(worker)
        self._end()

    def _end(self) -> None:
        if self._own:
            self._ray.shutdown()


def _worker_flow(flow: PreparedFlow, settings: BatchSettings, slots: int) -> WorkerFlow:
    env = flow.env
    known = {name: env.secrets.find(name) for name in flow.prepared.secrets}
    return WorkerFlow(
        canonical_text(flow.flow),
        str(env.folder) if env.folder else None,
        env.place if Path(env.place).is_absolute() else None,
        env.variables,
        {name: value for name, value in known.items() if value is not None},
        settings.retries,
        settings.limit_s,
        slots,
        env.cache is not None,
    )


def _lost(number: int, why: str) -> RowResult:
    fix = "Run it with --on here to see why, or give workers more memory."
    return RowResult(number, None, Problem("batch/worker", why, fix))


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        fix = "pip install 'patchbay-studio[ray]'"
        raise bad("batch/ray", "Ray is not installed.", fix) from None
    return ray


def _connected(ray: Any, address: str, workers: int) -> bool:
    """Reach Ray, or start one of this machine. Whether it is ours, and ends with us."""
    if ray.is_initialized():
        return False
    paths = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    common: dict[str, Any] = {"log_to_driver": False, "runtime_env": {"env_vars": paths}}
    try:
        if address:
            ray.init(address=address, **common)
        else:
            ray.init(num_cpus=workers or None, include_dashboard=False, **common)
    except Exception as error:  # Ray raises what its transport raises
        where = address or "this machine"
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise bad("batch/ray", f"Ray at {where} cannot be reached: {why}.", "Check it.") from None
    return True


def _authenticate(address: str) -> None:
    """Have Ray ask for a token: before it is imported, which is when it looks."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if "RAY_AUTH_TOKEN" not in os.environ and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(_token_file(new=not address))


def _token_file(new: bool) -> Path:
    """Where the token of our Rays lies, readable by its owner only; the person's for another's."""
    if not new:
        return Path.home() / ".ray" / "auth_token"
    import secrets

    from patchbay.nodes.atomic import write_atomic
    from patchbay.nodes.home import home

    path = home() / "ray" / "auth_token"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        write_atomic(path, secrets.token_hex(32))
    return path


__all__ = ["RayRunner", "RowWorker", "WorkerFlow"]
