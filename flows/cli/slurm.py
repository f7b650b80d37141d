"""`patchbay batch --on slurm`: the same command, as jobs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.flows.cli import say

if TYPE_CHECKING:
    from patchbay.flows.batch.clusters import Cluster

NOT_FOR_PARTS = {
    "--on": 1, "--workers": 1, "--nodes": 1, "--gpus": 1, "--time": 1, "--container": 1,
    "--profile": 1,
    "--print": 0, "--output": 1, "-o": 1, "--resume": 0, "--quiet": 0, "-q": 0, "--json": 0,
}  # fmt: skip
"""Options that say where a batch runs and what it writes, and how many words follow each."""


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


def part_words(arguments: list[str]) -> list[str]:
    """What of the command line every part gets: all but where it runs and what it writes. Paths of
    files become absolute, since a job may start elsewhere."""
    words = arguments[arguments.index("batch") + 1 :]
    found: list[str] = []
    skip = 0
    for word in words:
        name, equals, _ = word.partition("=")
        if skip:
            skip -= 1
        elif name in NOT_FOR_PARTS:
            skip = 0 if equals else NOT_FOR_PARTS[name]
        else:
            found.append(str(Path(word).absolute()) if os.path.exists(word) else word)  # noqa: PTH110
    return found
