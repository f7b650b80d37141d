"""`make test-crash`: 20,000 runs killed in process at every kind of moment, then 300 real kills.

`python -m tests.crash [--scenarios N] [--kills N] [--seed N] [--from N] [--jobs N]`. Prints how
many there were of each flow, and ends with 1 at the first run that ends wrong or does something
twice, with the number of the scenario: `--from N --scenarios N` makes that one again. Each scenario
has a seed of its own, so that work goes on at any number, and is shared by several processes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from patchbay.flows.runs.history import History
from tests.crash.processes import kill_processes
from tests.crash.scenarios import Scenarios

SHARES = {
    "steps": 16, "asks": 15, "samples": 10, "agent": 10, "loop": 12, "crew": 1,
    "questions": 15, "asked_loop": 10, "asked_agent": 10, "asked_crew": 1,
}  # fmt: skip
"""Of a hundred scenarios, how many are of each flow. CrewAI's take ten times as long."""


def main() -> int:
    """Kill and count."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--scenarios", type=int, default=20_000, help="the last one's number")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first one's number")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes for the scenarios")
    parser.add_argument("--only", default="", help="kills: only these flows, with commas")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    if chosen.scenarios >= chosen.first and (chosen.kills or chosen.jobs > 1):
        if not _shared(chosen):  # processes of their own: what is forked afterwards has no threads
            return 1
        chosen.scenarios = 0
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as name:
        os.environ["PATCHBAY_HOME"] = name
        if chosen.scenarios >= chosen.first:
            asyncio.run(_in_process(Path(name), chosen))
        if chosen.kills:
            only = chosen.only.split(",") if chosen.only else ()
            kill_processes(Path(name), chosen.kills, random.Random(chosen.seed), only)
    return 0


def _shared(chosen: argparse.Namespace) -> bool:
    """The scenarios in several processes; whether all of them ended well."""
    each = -(-(chosen.scenarios - chosen.first + 1) // chosen.jobs)
    started = []
    for start in range(chosen.first, chosen.scenarios + 1, each):
        last = min(start + each - 1, chosen.scenarios)
        words = ["--from", str(start), "--scenarios", str(last), "--seed", str(chosen.seed)]
        command = [sys.executable, "-m", "tests.crash", "--kills", "0", *words]
        started.append(subprocess.Popen(command))
    ended = [process.wait() for process in started]
    return not any(ended)


async def _in_process(folder: Path, chosen: argparse.Namespace) -> None:
    history = History(f"sqlite:///{folder / 'history.sqlite'}")
    scenarios = Scenarios.over(history, folder)
    began = time.monotonic()
    names, weights = list(SHARES), list(SHARES.values())
    for number in range(chosen.first, chosen.scenarios + 1):
        chance = random.Random(f"{chosen.seed}/{number}")
        name = chance.choices(names, weights)[0]
        try:
            await scenarios.one(name, chance)
        except BaseException:
            print(f"scenario {number} of seed {chosen.seed} ({name}) ended wrong", flush=True)
            raise
        if number % 100 == 0 or number == chosen.scenarios:
            done, left = number - chosen.first + 1, chosen.scenarios - number
            minutes = (time.monotonic() - began) / done * left / 60
            print(f"{number:,} of {chosen.scenarios:,}: {scenarios.kills:,} kills, "
                  f"{scenarios.answers:,} answers, {minutes:.0f} min left · {scenarios.made}",
                  flush=True)  # fmt: skip
    history.close()


if __name__ == "__main__":
    sys.exit(main())
