"""Where a command runs: here, on Ray, as a job of Slurm, or on a cluster that the settings name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from patchbay.flows.cli import say

if TYPE_CHECKING:
    from patchbay.flows.batch.clusters import Cluster
    from patchbay.flows.cluster.spread import Spread
    from patchbay.flows.runs.environment import Environment
    from patchbay.flows.runs.running import Run
    from patchbay.flows.runs.subflows import Prepared

HERE = "here"


def place(where: str, said: Mapping[str, Any]) -> Cluster:
    """The place that is named, with what the command line says of it.

    Raises:
        FlowError: there is none of that name.
    """
    from patchbay.flows.batch.clusters import find_cluster

    told: dict[str, Any] = {name: value for name, value in said.items() if value}
    return replace(find_cluster(where), **told)


@contextmanager
def on_ray(
    cluster: Cluster, env: Environment, ready: Iterable[Prepared], quiet: bool
) -> Iterator[Spread]:
    """Have models and items of loops on Ray; where the models are is said."""
    from patchbay.flows.cluster.spread import spread_over_ray

    if not quiet:
        say.err("Starting Ray's workers; this takes some seconds.")
    with spread_over_ray(env, ready, cluster.address, cluster.workers, cluster.gpus) as spread:
        for where in () if quiet else spread.models:
            say.err(str(where))
        yield spread


@contextmanager
def run_on(where: str, said: Mapping[str, Any], run: Run, quiet: bool) -> Iterator[None]:
    """Have a run's models and the items of its loops elsewhere."""
    cluster = place(where, said)
    if cluster.is_here:
        yield
        return
    with on_ray(cluster, run.environment, [run.prepared], quiet) as spread:
        run.environment = spread.env
        yield
