"""`patchbay batch --on slurm`: the same command, as jobs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.flows.cli import say

if TYPE_CHECKING:
    from patchbay.flows.batch.clusters import Cluster

NOT_FOR_JOBS = {
    "--on": 1, "--workers": 1, "--nodes": 1, "--gpus": 1, "--time": 1, "--container": 1,
    "--profile": 1, "--print": 0,
}  # fmt: skip
"""Options that say where a command runs, and how many words follow each."""

NOT_FOR_PARTS = NOT_FOR_JOBS | {
    "--output": 1, "-o": 1, "--resume": 0, "--quiet": 0, "-q": 0, "--json": 0,
}  # fmt: skip
"""Likewise, and what a batch writes."""


def on_slurm(cluster: Cluster, output: str, show: bool) -> int:
    """Show the scripts, or send them, follow the jobs, and say where the output is."""
    from patchbay.flows.batch.slurm_batch import SlurmBatch

    jobs = SlurmBatch(cluster, part_words(sys.argv[1:]), output)
    if show:
        array, collect = jobs.scripts
        say.out(f"{array}\n{collect}", end="")
        return 0
    jobs.run(say.err)
    say.err(f"{output} is there.")
    return 0


def as_job(name: str, cluster: Cluster, show: bool, quiet: bool) -> int:
    """Run this command as one job of Slurm, and give what it gave: its answer and exit status."""
    from patchbay.flows.batch.slurm_job import SlurmJob

    words = part_words(sys.argv[1:], name, NOT_FOR_JOBS)
    folder = _job_folder(name)
    job = SlurmJob(cluster, name, words, folder)
    if show:
        say.out(job.script, end="")
        return 0
    try:
        code, answer = job.run((lambda _: None) if quiet else say.err)
    except KeyboardInterrupt:
        job.cancel()
        say.err("Stopped.")
        return say.EXIT_INTERRUPTED
    say.out(answer, end="")
    if not quiet or code:
        say.err(job.said().rstrip())
    return code


def _job_folder(name: str) -> Path:
    """Where what a job says is kept: in the home folder, which all machines see."""
    from patchbay.flows.runs.running import new_run_id
    from patchbay.nodes.home import home
    from patchbay.nodes.private import private_folder

    return private_folder(home() / "jobs") / f"{name}-{new_run_id()}"


def part_words(
    arguments: list[str], name: str = "batch", without: Mapping[str, int] = NOT_FOR_PARTS
) -> list[str]:
    """What of the command line every part gets: all but where it runs and what it writes. Paths of
    files become absolute, since a job may start elsewhere."""
    words = arguments[arguments.index(name) + 1 :]
    found: list[str] = []
    skip = 0
    for word in words:
        option, equals, _ = word.partition("=")
        if skip:
            skip -= 1
        elif option in without:
            skip = 0 if equals else without[option]
        else:
            found.append(str(Path(word).absolute()) if os.path.exists(word) else word)  # noqa: PTH110
    return found
