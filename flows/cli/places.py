"""Where a command runs: here, on Ray, as a job of Slurm, or on a cluster that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.cli import say
from patchbay.flows.cli.arguments import refuse_changed_since_sent

if TYPE_CHECKING:
    from patchbay.flows.batch.clusters import Cluster
    from patchbay.flows.batch.sent import JobReads
    from patchbay.flows.cluster.spread import Spread
    from patchbay.flows.runs.environment import Environment
    from patchbay.flows.runs.running import Run
    from patchbay.flows.runs.subflows import Prepared


_OF_JOBS = ("nodes", "time", "container", "profile", "print")
"""Options that only Slurm hears."""
_OF_BOTH = ("workers", "gpus")
"""Options that Ray hears too."""


def place(where: str, print_only: bool = False, **said: Any) -> Cluster:
    """The place that is named, with what the command line says of it.

    Args:
        where: its name.
        print_only: whether only the scripts are asked for.
        **said: what `Cluster` has, by name; what is empty is not said.

    Raises:
        FlowError: there is none of that name, or what is said is for places of another kind.
    """
    from patchbay.flows.batch.clusters import find_cluster

    told: dict[str, Any] = {name: value for name, value in said.items() if value}
    cluster = replace(find_cluster(where), **told)
    _refuse_unheard(cluster, (*told, "print") if print_only else tuple(told))
    return cluster


def _refuse_unheard(cluster: Cluster, said: Iterable[str]) -> None:
    """Refuse options that this place would pass over: whoever asks to look at a script, or for a
    GPU, does not want the run that it would be without."""
    if cluster.is_slurm:
        if cluster.gpus != int(cluster.gpus):
            raise say.usage("Slurm gives whole GPUs.", f"--gpus {max(1, round(cluster.gpus))}")
        return
    for_others = (*_OF_JOBS, *_OF_BOTH) if cluster.is_here else _OF_JOBS
    for name in (one for one in said if one in for_others):
        kinds = "jobs of Slurm" if name in _OF_JOBS else "Ray and Slurm"
        here = "in this process" if cluster.is_here else "on Ray"
        where = "--on slurm" if name in _OF_JOBS else "--on ray or --on slurm"
        raise say.usage(
            f"--{name} is for {kinds}, and this runs {here}.",
            f"Say where it is to run, {where}, or leave --{name} out.",
        )


def place_or_job(
    command: str,
    where: str,
    print_only: bool,
    quiet: bool,
    flow: Path | None,
    check: Callable[[], JobReads],
    **said: Any,
) -> Cluster:
    """Likewise; but where it is Slurm, run this command as a job, and end with its status.

    Args:
        command: its name.
        where: the name of the place.
        print_only: whether only the script is asked for.
        quiet: whether nothing is told of the job.
        flow: the file of the flow.
        check: what the command reads; raises what is wrong with it, which is better known before a
            job waits.
        **said: as for `place`.
    """
    cluster = place(where, print_only, **said)
    if cluster.is_slurm:
        from patchbay.flows.cli.run import leave
        from patchbay.flows.cli.slurm import as_job

        leave(as_job(command, cluster, print_only, quiet, flow, check))
    refuse_changed_since_sent()
    return cluster


def place_for_server(where: str, **said: Any) -> Cluster:
    """The place of a server's runs.

    Args:
        where: its name.
        **said: as for `place`.

    Raises:
        FlowError: there is none of that name, or it is none for what does not end.
    """
    from patchbay.flows.cluster.connection import refused

    cluster = place(where, **said)
    if cluster.is_slurm:
        message = "A server cannot run on Slurm: a job ends, and nobody reaches its machine."
        fix = "Start it on a machine that stays, with --on ray or without --on."
        raise refused("serve/place", message, fix)
    return cluster


@contextmanager
def on_ray(
    cluster: Cluster,
    env: Environment,
    ready: Iterable[Prepared],
    quiet: bool,
    *,
    streams: bool = False,
) -> Iterator[Spread]:
    """Have models and items of loops on Ray; where the models are is said."""
    from patchbay.flows.cluster.spread import spread_over_ray

    if not quiet:
        say.err("Starting Ray's workers; this takes some seconds.")
    with spread_over_ray(
        env, ready, cluster.address, cluster.workers, cluster.gpus, streams=streams
    ) as spread:
        for where in () if quiet else spread.models:
            say.err(str(where))
        yield spread


@contextmanager
def run_on(cluster: Cluster, run: Run, quiet: bool) -> Iterator[None]:
    """Have a run's models and the items of its loops there."""
    if cluster.is_here:
        yield
        return
    with on_ray(cluster, run.environment, [run.prepared], quiet) as spread:
        run.environment = spread.env
        yield
