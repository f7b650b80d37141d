"""`patchbay batch --on slurm`: the same command, as jobs."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from patchbay.flows.batch.beside import standing_in_the_way
from patchbay.flows.batch.on_slurm import (
    SlurmOrder,
    follow,
    log_ends,
    read_profile,
    refuse_passwords,
    scripts,
    submit,
)
from patchbay.flows.batch.rows import bad
from patchbay.flows.cli import say

NOT_FOR_PARTS = {
    "--on": 1, "--nodes": 1, "--gpus": 1, "--time": 1, "--container": 1, "--profile": 1,
    "--print": 0, "--output": 1, "-o": 1, "--resume": 0, "--quiet": 0, "-q": 0, "--json": 0,
}  # fmt: skip
"""Options that say where a batch runs and what it writes, and how many words follow each."""


def on_slurm(
    nodes: int, gpus: int, job_time: str, container: str, profile: str, output: str, show: bool
) -> int:
    """Show the scripts, or send them, follow the jobs, and say where the output is."""
    words = part_words(sys.argv[1:])
    refuse_passwords([*words, output])
    if "://" in output:
        message = "Jobs of Slurm are put together into a file, not into a database."
        raise bad("batch/output", message, "Name a .jsonl, .csv or .parquet file.")
    known = read_profile(profile)
    if known.command == "patchbay" and not container and not known.container:
        known = replace(known, command=f"{sys.executable} -m patchbay.flows")
    order = SlurmOrder(nodes, gpus, job_time, container, known)
    folder = Path(f"{output}.slurm").absolute()
    array, collect = scripts(order, words, str(Path(output).absolute()), folder)
    if show:
        say.out(f"{array}\n{collect}", end="")
        return 0
    if there := standing_in_the_way(output):
        raise bad("batch/there", there, "Name another output.")
    jobs = submit(array, collect, folder)
    say.err(f"Jobs {jobs[0]} (array of {nodes}) and {jobs[1]} (collects). Logs: {folder}")
    follow(jobs, folder, say.err)
    for _ in range(20):  # the file system of the login node may be behind
        if Path(output).exists():
            say.err(f"{output} is there.")
            return 0
        time.sleep(0.5)
    message = f"The jobs ended without {output}. {log_ends(folder)}."
    raise bad("slurm/failed", message, f"Look into {folder}; the same command goes on.")


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
