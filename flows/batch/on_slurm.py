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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchbay.flows.batch.cluster_profile import PLAIN, ClusterProfile
from patchbay.flows.batch.databases import PASSWORD
from patchbay.flows.batch.looking import look_at_parts
from patchbay.flows.batch.rows import bad
from patchbay.flows.document.reading import SENT
from patchbay.flows.problems import FlowError
from patchbay.nodes.database_address import PASSWORD_KEYS

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
class SlurmOrder:
    """What is asked of Slurm: how many tasks, and what each gets."""

    nodes: int = 1
    gpus: int = 0
    time: str = ""
    container: str = ""
    profile: ClusterProfile = PLAIN


def scripts(order: SlurmOrder, words: list[str], output: str, folder: Path) -> tuple[str, str]:
    """The script of the array, and that of the job that collects.

    Args:
        order: what is asked of Slurm.
        words: the arguments of `patchbay batch` that every part has: flow, rows, mapping.
        output: what is written in the end.
        folder: where the parts and what they say are kept; every machine sees it.
    """
    profile = order.profile
    place = shlex.quote(str(folder))
    work = [
        profile.command, "batch", *map(shlex.quote, words), "--go-on", "--quiet",
        "--part", f'"${{SLURM_ARRAY_TASK_ID}}/{order.nodes}"',
        "-o", f'{place}/part-"${{SLURM_ARRAY_TASK_ID}}".jsonl',
    ]  # fmt: skip
    collect = [
        profile.command, "batch", "--collect", place, "-o", shlex.quote(output),
    ]  # fmt: skip
    array = (f"--array=0-{order.nodes - 1}", "--requeue", "--open-mode=append",
             log_option(folder, "part-%a.log"))  # fmt: skip
    head = f"{job_head(order, 'patchbay', array, gpus=order.gpus)}\n{as_sent(folder)}"
    tail = job_head(order, "patchbay-collect", (log_option(folder, "collect.log"),))
    # A row that failed is no reason to hold back the others; all else is.
    fine = f"|| [ $? -eq {SOME_FAILED} ]"
    run = f"{inside(order, work)} {fine}"
    return f"{head}\n{run}\n", f"{tail}\n{inside(order, collect)} {fine}\n"


SENT_FILE = "sent.json"
"""What was sent, in the folder of a job."""


def as_sent(folder: Path) -> str:
    """The line by which a job runs what was sent, whatever was edited since."""
    return f"export {SENT}={shlex.quote(str(folder / SENT_FILE))}"


def log_option(folder: Path, name: str) -> str:
    """Where Slurm writes what a job says. In the path of a folder it reads signs of its own, and
    ends an option at a space."""
    place = str(folder).replace("%", "%%").replace("\\", "\\\\")
    return (
        f'--output="{place}/{name}"'
        if re.search(r"[\s#'\"]", place)
        else f"--output={place}/{name}"
    )


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


def _told(words: Sequence[str], ssh: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Slurm: here, or where `ssh` leads, which asks for what it needs itself."""
    command = ["ssh", ssh, shlex.join(words)] if ssh else list(words)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def submit(array: str, collect: str, folder: Path, ssh: str = "") -> tuple[str, str]:
    """Send both jobs; their numbers.

    Raises:
        FlowError: there is no Slurm here, or it refuses: its words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = send(array, folder / "array.sh", (), ssh)
    after = (f"--dependency=afterok:{first}",)
    try:
        return first, send(collect, folder / "collect.sh", after, ssh)
    except FlowError:
        cancel(first, ssh=ssh)
        raise


def send(script: str, path: Path, more: tuple[str, ...] = (), ssh: str = "") -> str:
    """Send a script, which is kept at `path`; the number of its job.

    Raises:
        FlowError: there is no Slurm here, or it refuses: its words.
    """
    needed = "ssh" if ssh else "sbatch"
    if shutil.which(needed) is None:
        fix = "Run it on the login node of the cluster, name that as ssh in the cluster's profile, "
        fix += "or look at the scripts with --print."
        raise bad("slurm/missing", f"There is no {needed} here.", fix)
    path.write_text(script, encoding="utf-8")
    done = _told(["sbatch", "--parsable", *more, str(path)], ssh)
    if ssh and done.returncode == _SSH_FAILED:
        message = f"{ssh} is not reached: {done.stderr.strip() or 'ssh ended with 255'}."
        raise bad("slurm/missing", message, f"Try it by hand: ssh {ssh} sinfo")
    if done.returncode:
        said = done.stderr.strip().splitlines()
        why = said[-1] if said else f"sbatch ended with {done.returncode}"
        fix = "Look at partition, account and limits: sinfo, sacctmgr show assoc user=$USER."
        raise bad("slurm/refused", f"Slurm refuses the job: {why}.", fix)
    return done.stdout.strip().partition(";")[0]


_SSH_FAILED = 255
"""The exit status of ssh itself; what it runs has others."""


def follow(jobs: tuple[str, str], folder: Path, tell: Callable[[str], None], ssh: str = "") -> None:
    """Wait for both jobs, and say how far they are.

    Raises:
        FlowError: one ended without its result: the last lines that it wrote.
    """
    while (left := _states(jobs, ssh)) != {}:
        if left is None:
            tell("Slurm does not answer; it is asked again.")
            time.sleep(LOOK_S)
            continue
        done = look_at_parts(folder, 0).count
        counts = ", ".join(f"{count} {state.lower()}" for state, count in sorted(left.items()))
        tell(f"{done:,} rows · jobs: {counts}")
        if set(left) == {"DEPENDENCYNEVERSATISFIED"}:
            cancel(*jobs, ssh=ssh)
            break
        time.sleep(LOOK_S)


def in_queue(jobs: str, *options: str, ssh: str = "") -> list[str] | None:
    """What Slurm says of jobs, a line for each that is not over; None where it does not answer,
    which says nothing of the jobs: its head may be busy, or be started anew."""
    done = _told(["squeue", "--noheader", *options, "--jobs", jobs], ssh)
    if done.returncode and _FORGOTTEN not in done.stderr.lower():
        return None
    return done.stdout.strip().splitlines()


_FORGOTTEN = "invalid job id"
"""How Slurm speaks of jobs that ended some minutes ago."""


def _states(jobs: tuple[str, str], ssh: str) -> dict[str, int] | None:
    lines = in_queue(",".join(jobs), "--array", "--format=%T %r", ssh=ssh)
    if lines is None:
        return None
    found: dict[str, int] = {}
    for line in lines:
        state, _, reason = line.partition(" ")
        state = reason.upper() if reason.strip() == "DependencyNeverSatisfied" else state
        found[state] = found.get(state, 0) + 1
    return found


def cancel(*jobs: str, ssh: str = "") -> None:
    """Have Slurm end jobs."""
    _told(["scancel", *jobs], ssh)


def comes(path: Path) -> bool:
    """Whether a file is there that a job wrote: the file system of the login node may be behind."""
    for _ in range(20):
        if path.exists():
            return True
        time.sleep(0.5)
    return False


def log_ends(folder: Path) -> str:
    """The last words of every log: why jobs failed. A fix belongs to the line before it."""
    ends = []
    for path in sorted(folder.glob("*.log")):
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if lines:
            last = lines[-2:] if lines[-1].lstrip().startswith("→") else lines[-1:]
            ends.append(f"{path.name}: {' '.join(line.strip() for line in last)}")
    return "; ".join(ends) or "no job wrote anything"
