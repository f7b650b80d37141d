"""A batch as jobs of Slurm: an array whose tasks each do a part of the rows, and one that collects.

Every part is a batch of its own, gone on with where it was: so a job that is preempted, requeued or
killed goes on. No task writes a file that another one writes. The scripts are plain; `--print`
shows them, and they may be sent by hand.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from patchbay.flows.batch.databases import PASSWORD
from patchbay.flows.batch.looking import look_at_parts
from patchbay.flows.batch.rows import bad
from patchbay.flows.problems import FlowError
from patchbay.nodes.database_address import PASSWORD_KEYS
from patchbay.nodes.home import home

LOOK_S = 5.0
"""How often Slurm is asked how far the jobs are, in seconds."""

SOME_FAILED = 3
"""The exit status of a part, and of what collects, where all is done and some rows failed."""

_PASSWORD = re.compile(
    rf"://[^:/\s]*:(?!\*+@)[^@\s]+@|[?&](?:{'|'.join(PASSWORD_KEYS)})=(?!\*)[^&\s]", re.I
)
"""In any word, which need not be an address: more is taken for one than `has_password` does, and
what `without_password` has hidden is none."""


@dataclass(frozen=True)
class ClusterProfile:
    """What a cluster wants to be told. Each is a file `clusters/NAME.toml` in Patchbay's home.

    `lines` are further `#SBATCH` options; `setup` are commands before the work.
    """

    partition: str = ""
    account: str = ""
    gpu_option: str = "--gres=gpu:{count}"
    modules: tuple[str, ...] = ()
    container: str = ""
    container_command: str = "apptainer exec {nv} {binds} {image}"
    binds: tuple[str, ...] = ()
    memory: str = ""
    cores: int = 0
    time: str = ""
    lines: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    command: str = "patchbay"
    notes: str = field(default="", compare=False)


AI_LAB = ClusterProfile(
    container_command="singularity exec {nv} {binds} {image}",
    memory="24G",
    cores=15,
    time="12:00:00",
    notes="AI-LAB of Aalborg University (hpc.aau.dk/ai-lab): batch jobs with GPUs, containers by "
    "singularity. NOT VERIFIED on the cluster: memory and cores for each GPU, the longest time, "
    "and that no partition or account has to be named.",
)
SHIPPED = {"ai-lab": AI_LAB}


def read_profile(name: str) -> ClusterProfile:
    """A profile by name: the person's, else one that ships.

    Raises:
        FlowError: there is none of that name, or it says what no profile says.
    """
    if not name:
        return ClusterProfile()
    path = home() / "clusters" / f"{name}.toml"
    if not path.exists():
        if name in SHIPPED:
            return SHIPPED[name]
        own = [p.stem for p in path.parent.glob("*.toml")]
        known = ", ".join(sorted({*own, *SHIPPED}))
        raise bad(
            "slurm/profile", f'There is no profile "{name}"; there are: {known}.', f"Write {path}."
        )
    import tomllib

    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        base = SHIPPED.get(str(said.pop("like", "")), ClusterProfile())
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in said.items()}
        return replace(base, **plain)
    except (OSError, ValueError, TypeError) as error:
        raise bad("slurm/profile", f"{path}: {error}.", "Correct it.") from None


@dataclass(frozen=True)
class SlurmOrder:
    """What is asked of Slurm: how many tasks, and what each gets."""

    nodes: int = 1
    gpus: int = 0
    time: str = ""
    container: str = ""
    profile: ClusterProfile = ClusterProfile()


def scripts(order: SlurmOrder, words: list[str], output: str, folder: Path) -> tuple[str, str]:
    """The script of the array, and that of the job that collects.

    Args:
        order: what is asked of Slurm.
        words: the arguments of `patchbay batch` that every part has: flow, rows, mapping.
        output: what is written in the end.
        folder: where the parts and what they say are kept; every machine sees it.
    """
    profile = order.profile
    part = f"{folder}/part-${{SLURM_ARRAY_TASK_ID}}.jsonl"
    work = [
        profile.command, "batch", *map(shlex.quote, words), "--go-on", "--quiet",
        "--part", f'"${{SLURM_ARRAY_TASK_ID}}/{order.nodes}"', "-o", f'"{part}"',
    ]  # fmt: skip
    collect = [
        profile.command, "batch", "--collect", shlex.quote(str(folder)), "-o", shlex.quote(output),
    ]  # fmt: skip
    array = (f"--array=0-{order.nodes - 1}", "--requeue", "--open-mode=append",
             f"--output={folder}/part-%a.log")  # fmt: skip
    head = job_head(order, "patchbay", array, gpus=order.gpus)
    tail = job_head(order, "patchbay-collect", (f"--output={folder}/collect.log",))
    # A row that failed is no reason to hold back the others; all else is.
    fine = f"|| [ $? -eq {SOME_FAILED} ]"
    run = f"{inside(order, work)} {fine}"
    return f"{head}\n{run}\n", f"{tail}\n{inside(order, collect)} {fine}\n"


def refuse_passwords(words: list[str]) -> None:
    """Check that no word holds the password of a database: scripts and logs are for all to see.

    Raises:
        FlowError: one does.
    """
    if any(_PASSWORD.search(word) for word in words):
        message = "A password in an address would stand in the scripts of Slurm."
        fix = f"Write *** in its place, and set the environment variable {PASSWORD} for the jobs."
        raise bad("batch/password", message, fix)


def job_head(
    order: SlurmOrder, name: str, more: tuple[str, ...], gpus: int = 0, nodes: int = 1
) -> str:
    """What stands before the work in a script: the options of Slurm, modules, own commands."""
    return "\n".join(_head_lines(order, name, more, gpus, nodes))


def _head_lines(
    order: SlurmOrder, name: str, more: tuple[str, ...], gpus: int, nodes: int
) -> Iterator[str]:
    profile = order.profile
    options = [f"--job-name={name}", f"--nodes={nodes}", f"--ntasks={nodes}", *more]
    options += [f"--partition={profile.partition}"] if profile.partition else []
    options += [f"--account={profile.account}"] if profile.account else []
    options += [f"--mem={profile.memory}"] if profile.memory else []
    options += [f"--cpus-per-task={profile.cores}"] if profile.cores else []
    options += [f"--time={order.time or profile.time}"] if order.time or profile.time else []
    options += [profile.gpu_option.format(count=gpus)] if gpus else []
    yield "#!/bin/bash"
    yield from (f"#SBATCH {option}" for option in (*options, *profile.lines))
    if profile.notes:
        yield f"# {profile.notes}"
    yield "set -u"
    yield from (f"module load {shlex.quote(name)}" for name in profile.modules)
    yield from profile.setup


def inside(order: SlurmOrder, words: list[str]) -> str:
    """The command, in a container where there is one."""
    image = order.container or order.profile.container
    if not image:
        return " ".join(words)
    binds = " ".join(f"--bind {shlex.quote(bind)}" for bind in order.profile.binds)
    nv = "--nv" if order.gpus else ""
    command = order.profile.container_command.format(nv=nv, binds=binds, image=shlex.quote(image))
    return " ".join([*command.split(), *words])


def submit(array: str, collect: str, folder: Path) -> tuple[str, str]:
    """Send both jobs; their numbers.

    Raises:
        FlowError: there is no Slurm here, or it refuses: its words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = send(array, folder / "array.sh", ())
    try:
        return first, send(collect, folder / "collect.sh", (f"--dependency=afterok:{first}",))
    except FlowError:
        cancel(first)
        raise


def send(script: str, path: Path, more: tuple[str, ...] = ()) -> str:
    """Send a script, which is kept at `path`; the number of its job.

    Raises:
        FlowError: there is no Slurm here, or it refuses: its words.
    """
    if shutil.which("sbatch") is None:
        fix = "Run it on the login node of the cluster, or look at the scripts with --print."
        raise bad("slurm/missing", "There is no sbatch here.", fix)
    path.write_text(script, encoding="utf-8")
    command = ["sbatch", "--parsable", *more, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        why = said[-1] if said else f"sbatch ended with {done.returncode}"
        fix = "Look at partition, account and limits: sinfo, sacctmgr show assoc user=$USER."
        raise bad("slurm/refused", f"Slurm refuses the job: {why}.", fix)
    return done.stdout.strip().partition(";")[0]


def follow(jobs: tuple[str, str], folder: Path, tell: Callable[[str], None]) -> None:
    """Wait for both jobs, and say how far they are.

    Raises:
        FlowError: one ended without its result: the last lines that it wrote.
    """
    while (left := _states(jobs)) != {}:
        if left is None:
            tell("Slurm does not answer; it is asked again.")
            time.sleep(LOOK_S)
            continue
        done = look_at_parts(folder, 0).count
        counts = ", ".join(f"{count} {state.lower()}" for state, count in sorted(left.items()))
        tell(f"{done:,} rows · jobs: {counts}")
        if set(left) == {"DEPENDENCYNEVERSATISFIED"}:
            cancel(*jobs)
            break
        time.sleep(LOOK_S)


def in_queue(jobs: str, *options: str) -> list[str] | None:
    """What Slurm says of jobs, a line for each that is not over; None where it does not answer,
    which says nothing of the jobs: its head may be busy, or be started anew."""
    command = ["squeue", "--noheader", *options, "--jobs", jobs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and _FORGOTTEN not in done.stderr.lower():
        return None
    return done.stdout.strip().splitlines()


_FORGOTTEN = "invalid job id"
"""How Slurm speaks of jobs that ended some minutes ago."""


def _states(jobs: tuple[str, str]) -> dict[str, int] | None:
    lines = in_queue(",".join(jobs), "--array", "--format=%T %r")
    if lines is None:
        return None
    found: dict[str, int] = {}
    for line in lines:
        state, _, reason = line.partition(" ")
        state = reason.upper() if reason.strip() == "DependencyNeverSatisfied" else state
        found[state] = found.get(state, 0) + 1
    return found


def cancel(*jobs: str) -> None:
    """Have Slurm end jobs."""
    subprocess.run(["scancel", *jobs], check=False, capture_output=True)


def comes(path: Path) -> bool:
    """Whether a file is there that a job wrote: the file system of the login node may be behind."""
    for _ in range(20):
        if path.exists():
            return True
        time.sleep(0.5)
    return False


def log_ends(folder: Path) -> str:
    """The last line of every log: why jobs failed."""
    ends = []
    for path in sorted(folder.glob("*.log")):
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if lines:
            ends.append(f"{path.name}: {lines[-1]}")
    return "; ".join(ends) or "no job wrote anything"
