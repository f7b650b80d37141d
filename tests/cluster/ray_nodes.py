"""`python -m tests.cluster.ray_nodes`: two machines of a Ray, one of which has no weights.

Both are of this host, each with a folder of weights of its own. The second one fetches nothing from
a network, and is the only one with room for the model: what it lacks is sent there.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from patchbay.flows.batch.api import BatchOrder, BatchResult, abatch
from patchbay.flows.batch.manifest import BatchSettings
from patchbay.flows.batch.on_ray import RayRunner
from patchbay.flows.batch.runner import RowRunner
from patchbay.flows.runs.api import load
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.prepared import PreparedFlow
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.weights.resolve import resolve
from tests.cluster.ray_models import FLOW
from tests.flows.batch.kit import json_table, lines_of

ROWS = 8
MEGABYTE = 1_000_000


@contextmanager
def two_machines(folder: Path) -> Iterator[str]:
    """A Ray of two machines; its address. The weights of this process are those of the first."""
    weights = resolve(GgufModel().weights)
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    shutil.copy(weights, folder / "one")
    (folder / "token").write_text(secrets.token_hex(32), encoding="ascii")
    os.environ |= {
        "PATCHBAY_HOME": str(folder / "home"), "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"), "RAY_USAGE_STATS_ENABLED": "0",
    }  # fmt: skip
    from ray.cluster_utils import Cluster

    os.environ["PATCHBAY_WEIGHTS"] = str(folder / "one")
    small: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 200 * MEGABYTE}
    head = {**small, "memory": 50 * MEGABYTE, "include_dashboard": False}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    os.environ |= {"PATCHBAY_WEIGHTS": str(folder / "two"), "PATCHBAY_OFFLINE": "1"}
    cluster.add_node(**small, memory=3000 * MEGABYTE)
    os.environ["PATCHBAY_WEIGHTS"] = str(folder / "one")
    del os.environ["PATCHBAY_OFFLINE"]
    try:
        cluster.wait_for_nodes()
        yield str(cluster.address)
    finally:
        import ray

        ray.shutdown()
        cluster.shutdown()


async def over_both(folder: Path, address: str) -> tuple[list[str], BatchResult]:
    """Where the model was, and what the batch gave."""
    rows = [{"n": n, "review": f"It was {n}."} for n in range(ROWS)]
    table = json_table(folder / "rows.jsonl", rows)
    os.environ["RAY_ADDRESS"] = address
    where: list[str] = []

    def make(flow: PreparedFlow, settings: BatchSettings) -> RowRunner:
        runner = RayRunner(flow, settings, workers=2, slots=2)
        where.extend(map(str, runner.models))
        return runner

    env = default_environment(use_cache=False, folder=FLOW.parent)
    settings = BatchSettings(str(table), "", {}, {}, ("n",))
    order = BatchOrder(load(FLOW), settings, str(folder / "out.jsonl"), env, runner=make)
    return where, await abatch(order)


def main() -> int:
    """Run one batch, and say how it went."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with two_machines(folder) as address:
            where, result = asyncio.run(over_both(folder, address))
        there = {path.name for path in (folder / "two").rglob("*.gguf")}
        found = lines_of(result.output)
    sys.stdout.write(f"{'; '.join(where)}\n")
    right = result.failed == 0 and [row["n"] for row in found] == list(range(ROWS))
    right = right and bool(there) and all("sent there" in one for one in where)
    sys.stdout.write(f"{ROWS} rows on two machines: {'right' if right else 'WRONG'}\n")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
