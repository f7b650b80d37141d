"""`python -m tests.cluster.slurm`: a real Slurm of this machine runs a batch as an array of jobs.

Debian: `apt install slurm-wlm munge`, as root. One task of the array is requeued while it works,
then a job of a partition of higher priority takes all cores, so that every task that works is
preempted; the flow is edited meanwhile. In the end every row is there once, in order, as the flow
said when it was sent.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from patchbay.flows.batch.looking import look_at_parts
from patchbay.flows.document.writing import save_flow
from tests.cluster.__main__ import SAYING
from tests.flows.batch.kit import json_table, lines_of
from tests.flows.runs.harness import flow
from tests.paths import ROOT, python_path

ROWS, TASKS = 60_000, 3

CONFIG = """ClusterName=patchbay
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={port}
SlurmdPort={second}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
JobRequeue=1
SchedulerParameters=requeue_delay=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=10
PartitionName=main Nodes=ALL Default=YES PriorityTier=1 MaxTime=INFINITE State=UP
PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE State=UP
"""


@contextlib.contextmanager
def slurm(folder: Path) -> Iterator[dict[str, str]]:
    """A cluster of one node, until the end of the block. The environment to speak to it in."""
    for name in ("state", "spool"):
        (folder / name).mkdir()
    config = folder / "slurm.conf"
    with socket.socket() as first, socket.socket() as second:
        first.bind(("", 0))
        second.bind(("", 0))
        ports = first.getsockname()[1], second.getsockname()[1]
    host = socket.gethostname().partition(".")[0]
    cores = os.cpu_count() or 1
    said = CONFIG.format(folder=folder, host=host, port=ports[0], second=ports[1], cores=cores)
    config.write_text(said, encoding="utf-8")
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    env = {**os.environ, "SLURM_CONF": str(config)}
    munged = [
        "munged", "--force", "--foreground", f"--key-file={key}", f"--socket={folder}/munge.socket",
        f"--pid-file={folder}/munged.pid", f"--seed-file={folder}/seed",
        f"--log-file={folder}/munged.log",
    ]  # fmt: skip
    daemons = [
        subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in (
            munged,
            ["slurmctld", "-D", "-f", str(config)],
            ["slurmd", "-D", "-f", str(config)],
        )
        if not time.sleep(1.0)
    ]
    try:
        for _ in range(120):
            seen = subprocess.run(
                ["sinfo", "--noheader", "--format=%T"], env=env, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            if set(seen.stdout.split()) == {"idle"}:
                break
            time.sleep(0.5)
        else:
            log = (folder / "slurmctld.log").read_text(encoding="utf-8")
            raise RuntimeError(f"no node came: {seen.stdout} {seen.stderr}\n{log[-2000:]}")
        yield env
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait()


def main() -> int:
    """Run it, and say how it went."""
    for command in ("sbatch", "slurmctld", "slurmd", "munged"):
        if shutil.which(command) is None:
            sys.stderr.write(f"{command} is missing: apt install slurm-wlm munge\n")
            return 1
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        with slurm(folder) as env:
            env |= {"PYTHONPATH": python_path(ROOT), "PATCHBAY_HOME": str(folder / "home")}
            return max(_job(folder, env), _batch(folder, env))


def _job(folder: Path, env: dict[str, str]) -> int:
    """A run and an experiment as jobs; the run has one Ray over its job."""
    each = flow(
        {
            "i": ("io.input", {"name": "items", "kind": "json"}),
            "e": ("logic.for_each", {"flow": "say", "input": "review", "output": "label"}),
            "o": ("io.output", {"name": "all"}),
        },
        ["i.value > e.items", "e.results > o.value"],
    )
    save_flow(SAYING, folder / "say.json")
    save_flow(each, folder / "each.json")
    words = [sys.executable, "-m", "patchbay.flows", "run", str(folder / "each.json"), "--json"]
    words += ["-i", 'items=["a","b","c"]', "--on", "slurm", "--workers", "2"]
    ran = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=300)
    fine = ran.returncode == 0 and json.loads(ran.stdout)["outputs"] == {
        "all": ["Say a", "Say b", "Say c"]
    }
    sys.stdout.write(f"a run with one Ray over its job: {'right' if fine else 'WRONG'}\n")
    cases = folder / "cases.jsonl"
    cases.write_text('{"review": "a", "expected": "Say a"}\n', encoding="utf-8")
    words = [sys.executable, "-m", "patchbay.flows", "experiment", str(folder / "say.json")]
    words += ["--cases", str(cases), "--on", "slurm"]
    tried = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=300)
    good = tried.returncode == 0 and "1 cases" in tried.stdout
    sys.stdout.write(f"an experiment as a job: {'right' if good else 'WRONG'}\n")
    if not fine or not good:
        sys.stdout.write(f"{ran.stdout}{ran.stderr}\n{tried.stdout}{tried.stderr}\n")
    return 0 if fine and good else 1


def _batch(folder: Path, env: dict[str, str]) -> int:
    save_flow(SAYING, folder / "flow.json")
    json_table(folder / "rows.jsonl", [{"n": n, "review": f"r{n}"} for n in range(ROWS)])
    out = folder / "out.jsonl"
    words = [sys.executable, "-m", "patchbay.flows", "batch", str(folder / "flow.json")]
    words += ["--rows", str(folder / "rows.jsonl"), "--keep", "n", "--on", "slurm"]
    wrong = subprocess.run(
        [*words, "--nodes", "1", "-o", str(folder / "no.jsonl"), "--profile", "wrong"],
        env=_with_profile(env, folder), capture_output=True, text=True, check=False,
    )  # fmt: skip
    refused = "invalid partition" in wrong.stderr.lower()
    sys.stdout.write(
        f"an unknown partition is {'refused' if refused else 'NOT REFUSED'}: {wrong.stderr}"
    )
    process = subprocess.Popen([*words, "--nodes", str(TASKS), "-o", str(out)], env=env, text=True,
                               stderr=subprocess.PIPE)  # fmt: skip
    requeued = _requeue_one(env, process)
    save_flow(SAYING.with_params({"p": {"template": "Edited {x}"}}), folder / "flow.json")
    preempted = _preempt(env, process, Path(f"{out}.slurm"))
    _, said = process.communicate(timeout=900)
    found = lines_of(out) if out.exists() else []
    right = found == [{"n": n, "label": f"Say r{n}"} for n in range(ROWS)]
    sys.stdout.write(said)
    sys.stdout.write(
        f"{ROWS} rows in {TASKS} tasks, {requeued} requeued, {preempted} preempted: "
        f"{'every row once, in order' if right else 'WRONG'}\n"
    )
    return 0 if right and refused and requeued and preempted else 1


def _with_profile(env: dict[str, str], folder: Path) -> dict[str, str]:
    clusters = folder / "home" / "clusters"
    clusters.mkdir(parents=True, exist_ok=True)
    (clusters / "wrong.toml").write_text('partition = "nowhere"\n', encoding="utf-8")
    return env


def _requeue_one(env: dict[str, str], process: subprocess.Popen[str]) -> int:
    """Requeue one task that runs, as preemption does."""
    while process.poll() is None:
        seen = subprocess.run(
            ["squeue", "--noheader", "--array", "--states=RUNNING", "--format=%i"], env=env,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        for job in seen.stdout.split():
            if subprocess.run(["scontrol", "requeue", job], env=env, check=False).returncode == 0:
                return 1
        time.sleep(0.1)
    return 0


def _preempt(env: dict[str, str], process: subprocess.Popen[str], parts: Path) -> int:
    """Have a job of higher priority take all cores, once tasks have rows: how many it drove away,
    which Slurm puts back into the queue."""
    while process.poll() is None and not (_running(env) and look_at_parts(parts, 0).count):
        time.sleep(0.1)
    before = _restarts(env)
    words = ["sbatch", "--parsable", "--wait", "--partition=urgent", "--output=/dev/null",
             f"--cpus-per-task={os.cpu_count() or 1}", "--wrap=sleep 2"]  # fmt: skip
    urgent = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    sys.stdout.write(urgent.stderr)
    return _restarts(env) - before


def _running(env: dict[str, str]) -> int:
    """How many tasks work now."""
    words = ["squeue", "--noheader", "--array", "--states=RUNNING", "--format=%i"]
    seen = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    return len(seen.stdout.split())


def _restarts(env: dict[str, str]) -> int:
    """How often tasks of the batch were put back into the queue."""
    words = ["scontrol", "--oneliner", "show", "job"]
    seen = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    return sum(
        int(found[1])
        for line in seen.stdout.splitlines()
        if "JobName=patchbay " in line and (found := re.search(r"Restarts=(\d+)", line))
    )


if __name__ == "__main__":
    sys.exit(main())
