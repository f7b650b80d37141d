"""Fair timing: the sides take turns, so that a slow moment of the machine hits all of them."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Side = Callable[[], float]
"""Runs one side once and returns its seconds."""

# A small process starts the measured one: a child begins with the memory of its parent, and the
# kernel's peak would otherwise be that of this benchmark.
_LAUNCHER = """
import json, os, sys, time
out = os.open(os.devnull, os.O_WRONLY)
began = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)])
_, status, usage = os.wait4(pid, 0)
seconds = time.perf_counter() - began
scale = 1 if sys.platform == "darwin" else 1024
processor = usage.ru_utime + usage.ru_stime
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, processor, usage.ru_maxrss * scale]))
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a whole process took."""

    seconds: float
    """Wall-clock seconds."""
    processor: float
    """Seconds of processors, in user and kernel mode. They hang little on what else runs."""
    peak: int
    """Peak resident bytes."""


def timed(work: Callable[[], object]) -> float:
    """The seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def interleave(sides: Mapping[str, Side], repeats: int, warm: int = 1) -> dict[str, float]:
    """The median seconds of each side. They take turns; the first `warm` rounds do not count."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides.items())
    for turn in range(warm + repeats):
        for name, side in order if turn % 2 else reversed(order):
            seconds = side()
            if turn >= warm:
                taken[name].append(seconds)
    return {name: statistics.median(values) for name, values in taken.items()}


def run_process(command: Sequence[str], cwd: Path | None = None) -> Usage:
    """Run a command to its end and measure it.

    Raises:
        RuntimeError: the command failed.
    """
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    done = subprocess.run(launcher, cwd=cwd, capture_output=True, text=True, check=True)
    code, seconds, processor, peak = json.loads(done.stdout)
    if code != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    return Usage(seconds, processor, peak)


def processes(
    commands: Mapping[str, Sequence[str]], repeats: int, cwd: Path | None = None
) -> dict[str, Usage]:
    """Whole processes that take turns: median seconds, and the least of processor and memory.

    What else runs on the machine only ever adds to the latter two. One round is to warm up.
    """
    seen: dict[str, list[Usage]] = {name: [] for name in commands}
    order = list(commands.items())
    for turn in range(1 + repeats):
        for name, command in order if turn % 2 else reversed(order):
            usage = run_process(command, cwd)
            if turn:
                seen[name].append(usage)
    return {
        name: Usage(
            statistics.median(u.seconds for u in usages),
            min(u.processor for u in usages),
            min(u.peak for u in usages),
        )
        for name, usages in seen.items()
    }
