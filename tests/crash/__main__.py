"""`make test-crash`: 20,000 runs killed in process at every kind of moment, then 300 real kills.

`python -m tests.crash [--scenarios N] [--kills N] [--seed N]`. Prints how many there were of each
flow, and ends with 1 at the first run that ends wrong or does something twice.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
import warnings
from pathlib import Path

from patchbay.flows.runs.history import History
from tests.crash.processes import kill_processes
from tests.crash.scenarios import Scenarios

SHARES = {"steps": 30, "asks": 25, "samples": 15, "agent": 10, "loop": 18, "crew": 2}
"""Of a hundred scenarios, how many are of each flow. CrewAI's take ten times as long."""


def main() -> int:
    """Kill and count."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--scenarios", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as name:
        os.environ["PATCHBAY_HOME"] = name
        asyncio.run(_in_process(Path(name), chosen.scenarios, random.Random(chosen.seed)))
        kill_processes(Path(name), chosen.kills, random.Random(chosen.seed))
    return 0


async def _in_process(folder: Path, wanted: int, chance: random.Random) -> None:
    history = History(f"sqlite:///{folder / 'history.sqlite'}")
    scenarios = Scenarios.over(history, folder)
    began = time.monotonic()
    names, weights = list(SHARES), list(SHARES.values())
    for number in range(1, wanted + 1):
        await scenarios.one(chance.choices(names, weights)[0], chance)
        if number % 100 == 0 or number == wanted:
            left = (time.monotonic() - began) / number * (wanted - number)
            print(f"{number:,} of {wanted:,}: {scenarios.kills:,} kills, {left / 60:.0f} min left "
                  f"· {scenarios.made}", flush=True)  # fmt: skip
    history.close()


if __name__ == "__main__":
    sys.exit(main())
