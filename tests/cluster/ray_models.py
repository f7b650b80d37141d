"""`python -m tests.cluster.ray_models [--rows N] [--kills N]`: lose the process of a model on Ray.

A batch over a local model runs on a local Ray of two workers, while the process that the model
lives in is killed again and again. Requests that were in it run again; every row is there once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from patchbay.flows.batch.api import BatchOrder, BatchResult, abatch
from patchbay.flows.batch.manifest import BatchSettings
from patchbay.flows.batch.on_ray import RayRunner
from patchbay.flows.batch.runner import RowRunner
from patchbay.flows.runs.api import load
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.prepared import PreparedFlow
from tests.flows.batch.kit import json_table, lines_of
from tests.paths import ROOT

FLOW = ROOT / "flows" / "saved" / "classify.json"


async def lost_models(folder: Path, rows: int, kills: int) -> tuple[int, BatchResult]:
    """How often the model was killed, and what the batch gave."""
    table = json_table(
        folder / "rows.jsonl", [{"n": n, "review": f"It was {n}."} for n in range(rows)]
    )
    made: list[RayRunner] = []
    killed = 0

    def make(flow: PreparedFlow, settings: BatchSettings) -> RowRunner:
        made.append(RayRunner(flow, settings, workers=2, slots=2))
        sys.stdout.write(f"{made[0].models[0]}\n")
        return made[0]

    async def kill() -> None:
        nonlocal killed
        while killed < kills:
            await asyncio.sleep(2.0)
            if made:
                with suppress(ProcessLookupError, made[0].died):
                    os.kill((await made[0].model_processes())[0], signal.SIGKILL)
                    killed += 1

    env = default_environment(use_cache=False, folder=FLOW.parent)
    settings = BatchSettings(str(table), "", {}, {}, ("n",))
    killer = asyncio.create_task(kill())
    order = BatchOrder(load(FLOW), settings, str(folder / "out.jsonl"), env, runner=make)
    result = await abatch(order)
    killer.cancel()
    return killed, result


def main() -> int:
    """Run one batch, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.ray_models", description=__doc__)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--kills", type=int, default=3)
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PATCHBAY_HOME"] = f"{folder}/home"
        killed, result = asyncio.run(lost_models(Path(folder), asked.rows, asked.kills))
        found = lines_of(result.output)
    right = result.failed == 0 and [row["n"] for row in found] == list(range(asked.rows))
    right = right and all(row["label"].strip() for row in found)
    sys.stdout.write(
        f"{asked.rows} rows, the model killed {killed} times: "
        f"{'every row once' if right else 'WRONG'}, {time.monotonic() - began:.0f} s\n"
    )
    return 0 if right and killed >= asked.kills else 1


if __name__ == "__main__":
    sys.exit(main())
