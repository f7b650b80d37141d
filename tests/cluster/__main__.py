"""`python -m tests.cluster [--rows N] [--kills N] [--workers N]`: lose workers of a real Ray.

A batch runs on a local Ray while its workers are killed at random moments. In the end every row is
in the output exactly once, compared by content.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from patchbay.flows.batch.api import BatchOrder, abatch
from patchbay.flows.batch.manifest import BatchSettings
from patchbay.flows.batch.on_ray import RayRunner
from patchbay.flows.batch.runner import RowRunner
from patchbay.flows.document.writing import save_flow
from patchbay.flows.runs.api import load
from patchbay.flows.runs.prepared import PreparedFlow
from tests.flows.batch.kit import json_table, lines_of
from tests.flows.runs.harness import flow

SAYING = flow(
    {
        "i": ("io.input", {"name": "review"}),
        "p": ("prompt.template", {"template": "Say {x}"}),
        "o": ("io.output", {"name": "label"}),
    },
    ["i.value > p.x", "p.text > o.value"],
    name="Saying",
)


def main() -> int:
    """Run one batch, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PATCHBAY_HOME"] = f"{folder}/home"
        killed, found = asyncio.run(lost_workers(Path(folder), asked))
    wanted = [{"n": n, "label": f"Say r{n}"} for n in range(asked.rows)]
    right = found == wanted
    sys.stdout.write(
        f"{asked.rows} rows, {asked.workers} workers, {killed} killed: "
        f"{'every row once' if right else 'WRONG'}\n"
    )
    for a, b in zip(found, wanted, strict=False):
        if a != b:
            sys.stdout.write(f"first difference: {a}, not {b}\n")
            break
    return 0 if right and killed >= asked.kills else 1


async def lost_workers(folder: Path, asked: Any) -> tuple[int, list[Any]]:
    """How many workers were killed, and the rows of the output."""
    save_flow(SAYING, folder / "flow.json")
    rows = json_table(
        folder / "rows.jsonl", [{"n": n, "review": f"r{n}"} for n in range(asked.rows)]
    )
    dice, killed = random.Random(asked.seed), 0
    runner: list[Slowed] = []

    def make(flow: PreparedFlow, settings: BatchSettings) -> RowRunner:
        made = Slowed(flow, settings, workers=asked.workers)
        made.share = asked.rows / (asked.kills + 1)
        runner.append(made)
        return made

    async def kill() -> None:
        nonlocal killed
        while not runner:
            await asyncio.sleep(0.1)
        while killed < asked.kills:
            victim = dice.randrange(asked.workers)
            try:
                process = (await runner[0].processes())[victim]
                os.kill(process, signal.SIGKILL)
                killed += 1
                runner[0].share = asked.rows * (killed + 1) / (asked.kills + 1)
            except (ProcessLookupError, runner[0].died):
                continue
            await asyncio.sleep(dice.uniform(0.0, 1.0))
        runner[0].hurry()

    settings = BatchSettings(str(rows), "", {}, {}, ("n",))
    out = str(folder / "out.jsonl")
    killer = asyncio.create_task(kill())
    await abatch(BatchOrder(load(folder / "flow.json"), settings, out, runner=make))
    killer.cancel()
    return killed, lines_of(out)


class Slowed(RayRunner):
    """Gives out few rows at a time, so that kills hit rows at work, until all kills are done."""

    hurried = False
    given = 0
    share = 0.0
    """So many rows may be given out before the next kill."""

    async def run(self, rows: Any) -> Any:
        """See `RayRunner`; not faster than the kills come."""
        self.given += len(rows)
        while not self.hurried and self.given > self.share:
            await asyncio.sleep(0.05)
        if not self.hurried:
            self.chunk = 4
        return await super().run(rows)

    def hurry(self) -> None:
        """No more kills come."""
        self.hurried, self.chunk = True, 64


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    sys.exit(code)
