"""`patchbay batch --on slurm`: the same command, as jobs."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, get_args, get_type_hints

from patchbay.flows.cli import say

if TYPE_CHECKING:
    from patchbay.flows.batch.api import BatchOrder
    from patchbay.flows.batch.clusters import Cluster
    from patchbay.flows.batch.sent import JobReads

NOT_FOR_JOBS = {
    "--on": 1, "--workers": 1, "--nodes": 1, "--gpus": 1, "--time": 1, "--container": 1,
    "--profile": 1, "--print": 0,
}  # fmt: skip
"""Options that say where a command runs, and how many words follow each."""

NOT_FOR_PARTS = NOT_FOR_JOBS | {
    "--output": 1, "-o": 1, "--resume": 0, "--quiet": 0, "-q": 0, "--json": 0,
}  # fmt: skip
"""Likewise, and what a batch writes."""


def on_slurm(cluster: Cluster, order: BatchOrder, show: bool) -> int:
    """Show the scripts, or send them, follow the jobs, and say where the output is."""
    from patchbay.flows.batch.slurm_batch import SlurmBatch, asked_by, refuse_unfit

    output, words = order.output, part_words(sys.argv[1:])
    asked = asked_by(order, order.env.variables if order.env else "")
    jobs = SlurmBatch(cluster, words, output, _with_inputs(asked, words))
    refuse_unfit(order, cluster)
    if show:
        jobs.keep()
        array, collect = jobs.scripts
        say.out(f"{array}\n{collect}", end="")
        return 0
    jobs.run(say.err)
    say.err(f"{output} is there.")
    return 0


def as_job(
    name: str, cluster: Cluster, show: bool, quiet: bool, flow: Path | None,
    check: Callable[[], JobReads],
) -> int:  # fmt: skip
    """Run this command as one job of Slurm, and give what it gave: its answer and exit status."""
    from patchbay.flows.batch.slurm_job import SlurmJob

    words = part_words(sys.argv[1:], name, NOT_FOR_JOBS)
    asked = _refuse_unfit(words, cluster, flow, check)
    folder = _job_folder(name)
    job = SlurmJob(cluster, name, words, folder)
    job.keep(_with_inputs(asked, words))
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


def _refuse_unfit(
    words: list[str], cluster: Cluster, flow: Path | None, check: Callable[[], JobReads]
) -> JobReads:
    """Refuse before a job waits in a queue what it would refuse. What the job reads, as far as it
    is known here.

    Raises:
        FlowError: what is wrong with the command.
    """
    from patchbay.flows.batch.sent import JobReads
    from patchbay.flows.batch.slurm_batch import is_this_python, wrong_anywhere
    from patchbay.flows.problems import FlowError
    from patchbay.flows.runs.api import load

    if any(word.endswith("=@-") for word in words):
        fix = "Write the text, or save it as a file that all machines see: --input name=@file."
        raise say.usage("A job of Slurm has no standard input.", fix)
    try:
        return check()
    except FlowError as error:
        if found := wrong_anywhere(error.problems, is_this_python(cluster)):
            raise FlowError(found) from None
        return JobReads([load(flow)] if flow else [])


def _with_inputs(asked: JobReads, words: Iterable[str]) -> JobReads:
    """With the files that inputs are read from: `name=@file`, which stands in the words of a job
    with its whole path."""
    named = (word.partition("=@")[2] for word in words)
    found = [Path(name) for name in named if name.startswith("/") and Path(name).is_file()]
    return replace(asked, files=[*asked.files, *found])


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
    files become absolute, since a job may start elsewhere; a value that is called like a file is
    none."""
    takes = options_of(name)
    words = deque(arguments[arguments.index(name) + 1 :])
    found: list[str] = []
    while words:
        word = _apart(words, takes)
        option, equals, value = word.partition("=")
        if option in without:
            for _ in range(0 if equals else min(without[option], len(words))):
                words.popleft()
        elif option not in takes or not word.startswith("-"):
            found.append(_if_there(word))
        elif equals:
            found.append(f"{option}={_as_value(option, value, takes)}")
        else:
            found.append(word)
            if takes[option] is not Takes.nothing and words:
                found.append(_as_value(option, words.popleft(), takes))
    return found


class Takes(Enum):
    """What stands behind an option."""

    nothing = 0
    value = 1
    path = 2
    path_or_word = 3


WORDS_OR_PATHS = ("--rows", "--cases", "--no-worse-than")
"""Options that take the path of a file that is there, or something else: an address, the name of a
set, `LAST`. Others that take paths say so by their type. Files of `--check` lie beside the flow."""

WORDS = ("LAST", "-")
"""What is none of a file, even where there is one."""

INPUTS = ("--input", "-i")
"""Options of the form `name=@file`."""


def options_of(name: str) -> dict[str, Takes]:
    """What stands behind each option of a command."""
    import typer
    from typer.main import get_command

    from patchbay.flows.cli.app import loaded

    function = loaded(name)
    types = get_type_hints(function)
    app = typer.Typer(add_completion=False)
    app.command()(function)
    found: dict[str, Takes] = {}
    for param in get_command(app).params:
        named = types[str(param.name)]
        takes = Takes.path if Path in (named, *get_args(named)) else Takes.value
        if any(name in WORDS_OR_PATHS for name in param.opts):
            takes = Takes.path_or_word
        if getattr(param, "is_flag", False):
            takes = Takes.nothing
        found |= dict.fromkeys([*param.opts, *param.secondary_opts], takes)
    return found


def _apart(words: deque[str], takes: Mapping[str, Takes]) -> str:
    """Take the next word. Of short options that stand together, or before their value (`-qo out`,
    `-oout`), it is the first; the rest stays as the word behind it."""
    word = words.popleft()
    first, rest = word[:2], word[2:]
    if not rest or first not in takes or rest.startswith("="):
        return word
    words.appendleft(f"-{rest}" if takes[first] is Takes.nothing else rest)
    return first


def _as_value(option: str, value: str, takes: Mapping[str, Takes]) -> str:
    if takes[option] is Takes.path:
        return _absolute(value)
    if takes[option] is Takes.path_or_word:
        if "://" in value:
            from patchbay.flows.batch.databases import whole_address

            return whole_address(value)
        return value if value in WORDS else _if_there(value)
    name, equals, given = value.partition("=")
    if option in INPUTS and given.startswith("@"):
        return f"{name}{equals}@{_if_there(given[1:])}"
    return value


def _if_there(word: str) -> str:
    return _absolute(word) if word and os.path.exists(word) else word  # noqa: PTH110


def _absolute(path: str) -> str:
    return str(Path(path).absolute())
