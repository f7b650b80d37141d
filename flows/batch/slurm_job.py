"""One command as one job of Slurm; over several machines, with one Ray over them.

The command goes on where it was when it is preempted or requeued, since what it runs keeps what is
done. Its words, its answer and its exit status lie in a folder that all machines see.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path

from patchbay.flows.batch.clusters import Cluster
from patchbay.flows.batch.on_slurm import (
    SENT_FILE,
    as_sent,
    cancel,
    comes,
    in_queue,
    inside,
    job_head,
    log_option,
    refuse_passwords,
    send,
)
from patchbay.flows.batch.rows import bad
from patchbay.flows.batch.sent import JobReads, write_sent
from patchbay.flows.batch.slurm_batch import order_of

LOOK_S = 2.0

RAY_OVER_THE_JOB = """\
# One Ray over the machines of the job. Whoever speaks to it must know the token of this folder.
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH={folder}/ray_token
(umask 077; od -An -N32 -tx1 /dev/urandom | tr -d ' \\n' > "$RAY_AUTH_TOKEN_PATH")
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export RAY_ADDRESS="$head:$((20000 + SLURM_JOB_ID % 20000))"
srun --overlap --nodes=1 --ntasks=1 -w "$head" {ray} start --head --block \\
  --port="${{RAY_ADDRESS##*:}}" --disable-usage-stats --include-dashboard=false &
for _ in $(seq 120); do {ray} status >/dev/null 2>&1 && break; sleep 1; done
others=$((SLURM_JOB_NUM_NODES - 1))
if [ "$others" -gt 0 ]; then
  srun --overlap --nodes="$others" --ntasks="$others" --exclude="$head" {ray} start --block \\
    --address="$RAY_ADDRESS" --disable-usage-stats &
  for _ in $(seq 120); do
    [ "$({ray} status 2>/dev/null | grep -c '^ 1 node_')" -ge "$SLURM_JOB_NUM_NODES" ] && break
    sleep 1
  done
fi
"""


class SlurmJob:
    """A command of ours as a job.

    Args:
        cluster: what it gets. With workers, or more than one machine, one Ray is over them.
        name: the command, such as `run`.
        words: what stands behind it, without where it runs.
        folder: where what it says is kept.

    Raises:
        FlowError: a password would stand in the script, or there is no such profile.
    """

    def __init__(self, cluster: Cluster, name: str, words: list[str], folder: Path) -> None:
        refuse_passwords(words)
        self._folder, place = folder, shlex.quote(str(folder))
        order = order_of(cluster)
        self._ssh = order.profile.ssh
        over = cluster.workers > 0 or order.nodes > 1
        profile = order.profile
        told = [profile.command, name, *map(shlex.quote, words)]
        told += ["--on", "ray"] if over else []
        told += ["--workers", str(cluster.workers)] if cluster.workers else []
        head = job_head(
            order, f"patchbay-{name}", ("--requeue", log_option(folder, "job.log")),
            gpus=order.gpus, nodes=order.nodes,
        )  # fmt: skip
        ray = f"{profile.command.split()[0]} -m ray.scripts.scripts"
        if profile.command == "patchbay":
            ray = "ray"
        setup = f"{as_sent(folder)}\n"
        if over:
            setup += RAY_OVER_THE_JOB.format(folder=place, ray=inside(order, [ray]))
        run = f"{inside(order, told)} > {place}/answer.txt 2> {place}/said.txt"
        self.script = f"{head}\n{setup}{run}\necho $? > {place}/status\n"
        """What is sent."""
        self._job = ""

    def keep(self, asked: JobReads) -> None:
        """Lay what the job runs into its folder. Blocks: reads and hashes files.

        Raises:
            OSError: the disk refuses.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        fix = "Send it again: it then runs with what is there."
        write_sent(asked.as_dict(fix), self._folder / SENT_FILE)

    def run(self, tell: Callable[[str], None]) -> tuple[int, str]:
        """Send it, and wait for its end: its exit status, and what it answered.

        Args:
            tell: is told how it stands, and the last line that it said.

        Raises:
            FlowError: Slurm refuses, or the job ended without a status.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in ("status", "answer.txt", "said.txt"):
            (self._folder / name).unlink(missing_ok=True)
        self._job = send(self.script, self._folder / "job.sh", (), self._ssh)
        tell(f"Job {self._job}. What it says: {self._folder}")
        last = ""
        while (state := self._state()) != "":
            line = _last_line(self._folder / "said.txt")
            now = f"{state}{' · ' if line else ''}{line}"
            if now != last:
                tell(now)
                last = now
            time.sleep(LOOK_S)
        if comes(self._folder / "status"):
            status = (self._folder / "status").read_text(encoding="utf-8").strip()
            answer = (self._folder / "answer.txt").read_text(encoding="utf-8")
            return int(status or 1), answer
        said = _last_line(self._folder / "said.txt") or _last_line(self._folder / "job.log")
        message = f"The job ended without an answer. {said or 'It said nothing.'}"
        raise bad("slurm/failed", message, f"Look into {self._folder}.")

    def said(self) -> str:
        """What it said beside its answer."""
        path = self._folder / "said.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def cancel(self) -> None:
        """Have Slurm end it."""
        if self._job:
            cancel(self._job, ssh=self._ssh)

    def _state(self) -> str:
        lines = in_queue(self._job, "--format=%T", ssh=self._ssh)
        if lines is None:
            return "Slurm does not answer; it is asked again"
        return f"job {lines[0].lower()}" if lines else ""


def _last_line(path: Path) -> str:
    if not path.exists():
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
