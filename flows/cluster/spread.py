"""An environment whose models and loops live on Ray."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from patchbay.flows.cluster.connection import connect
from patchbay.flows.cluster.far_pool import FarPool
from patchbay.flows.cluster.far_work import RayWork
from patchbay.flows.cluster.flow_worker import RayPlace
from patchbay.flows.cluster.flows import RayFlows, worker_count
from patchbay.flows.cluster.model_actor import WhereModel
from patchbay.flows.cluster.models import PlacedModels
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.subflows import Prepared

AT_ONCE = 4
"""Runs that are at work in each worker."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What runs get, what runs them, and where the models are."""

    env: Environment
    flows: RayFlows
    models: tuple[WhereModel, ...]


@contextmanager
def spread_over_ray(
    env: Environment,
    ready: Iterable[Prepared],
    address: str = "",
    workers: int = 0,
    gpus: float = 0,
    at_once: int = AT_ONCE,
    streams: bool = False,
) -> Iterator[Spread]:
    """Have models and items of loops on Ray, until it is left.

    Args:
        env: what runs would get here.
        ready: the flows that will be run; their models are opened now.
        address: `ray://head:10001`; "" for a Ray of this machine.
        workers: processes that run items; one for each core unless given.
        gpus: how many GPUs each copy of a model gets.
        at_once: how many items are at work in each worker.
        streams: whether answers of models come here piece by piece. Each piece costs about a
            thousandth of a second, so only where somebody reads along.

    Raises:
        FlowError: Ray cannot be reached, or has no room for a worker or a model.
    """
    flows = list(ready)
    connection = connect(address, workers)
    models: PlacedModels | None = None
    running: RayFlows | None = None
    try:
        count = worker_count(connection, workers)
        models = PlacedModels(connection, flows, env.secrets, count * at_once, gpus)
        secrets = sorted({name for one in flows for name in one.secrets})
        place = RayPlace.of(env, secrets, models.names, gpus)
        running = RayFlows(connection, place, count, at_once, models)
        pool = FarPool(models.names, streams=streams)
        spread = replace(env, pool=pool, elsewhere=running, far_work=RayWork(gpus, count))
        yield Spread(spread, running, tuple(models.places))
    finally:
        if running is not None:
            running.close()
        if models is not None:
            models.close()
        connection.close()
