"""`python -m tests.cluster.ray_nodes`: two machines of a Ray, one of which has no weights.

Both are of this host, each with a folder of weights and a home of its own. The second one fetches
nothing from a network, and is the only one with room for the model: what it lacks is sent there,
fetched weights and a person's own, for models that live in processes of their own and for what the
workers open themselves.
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
from patchbay.flows.document.model import Flow
from patchbay.flows.runs.api import load
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.prepared import PreparedFlow
from patchbay.flows.runs.running import LoadedFlow
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.weights.resolve import resolve
from tests.cluster.ray_models import FLOW
from tests.flows.batch.kit import json_table, lines_of
from tests.flows.runs.harness import flow
from tests.nodes.encoders.networks import save_bert

ROWS = 8
MEGABYTE = 1_000_000


@contextmanager
def two_machines(folder: Path) -> Iterator[str]:
    """A Ray of two machines; its address. The weights of this process are those of the first."""
    weights = resolve(GgufModel().weights)
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    shutil.copy(weights, folder / "one")
    (folder / "home-one").mkdir()
    (folder / "home-two").mkdir()
    shutil.copy(weights, folder / "home-one" / "own.gguf")
    save_bert(folder / "home-one" / "bert")
    (folder / "token").write_text(secrets.token_hex(32), encoding="ascii")
    os.environ |= {
        "PATCHBAY_HOME": str(folder / "home"), "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"), "RAY_USAGE_STATS_ENABLED": "0",
    }  # fmt: skip
    from ray.cluster_utils import Cluster

    os.environ |= {"PATCHBAY_WEIGHTS": str(folder / "one"), "HOME": str(folder / "home-one")}
    small: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 200 * MEGABYTE}
    head = {**small, "memory": 50 * MEGABYTE, "include_dashboard": False}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    os.environ |= {
        "PATCHBAY_WEIGHTS": str(folder / "two"), "PATCHBAY_OFFLINE": "1",
        "HOME": str(folder / "home-two"),
    }  # fmt: skip
    cluster.add_node(**small, memory=3000 * MEGABYTE)
    os.environ |= {"PATCHBAY_WEIGHTS": str(folder / "one"), "HOME": str(folder / "home-one")}
    del os.environ["PATCHBAY_OFFLINE"]
    try:
        cluster.wait_for_nodes()
        yield str(cluster.address)
    finally:
        import ray

        ray.shutdown()
        cluster.shutdown()


def own_weights() -> Flow:
    """The model, and an encoder that workers open, by paths that only the first machine has."""
    return flow(
        {
            "i": ("io.input", {"name": "review"}),
            "m": ("model.gguf", {"weights": "~/own.gguf", "context": 512, "parallel": 2}),
            "a": ("model.ask", {"max_tokens": 4}),
            "f": ("text.fill_mask", {"weights": "~/bert"}),
            "o": ("io.output", {"name": "label"}),
            "p": ("io.output", {"name": "filled"}),
        },
        ["m.model > a.model", "i.value > a.prompt", "i.value > f.text", "a.text > o.value",
         "f.text > p.value"],
    )  # fmt: skip


async def over_both(
    folder: Path, address: str, document: LoadedFlow, text: str
) -> tuple[list[str], BatchResult]:
    """Where the model was, and what the batch gave."""
    rows = [{"n": n, "review": text.format(n)} for n in range(ROWS)]
    table = json_table(folder / "rows.jsonl", rows)
    os.environ["RAY_ADDRESS"] = address
    where: list[str] = []

    def make(flow: PreparedFlow, settings: BatchSettings) -> RowRunner:
        runner = RayRunner(flow, settings, workers=2, slots=2)
        where.extend(map(str, runner.models))
        return runner

    env = default_environment(use_cache=False, folder=document.folder)
    settings = BatchSettings(str(table), "", {}, {}, ("n",))
    output = str(folder / f"{document.flow.name}.jsonl")
    return where, await abatch(BatchOrder(document, settings, output, env, runner=make))


def main() -> int:
    """Run two batches, and say how they went."""
    document, whole = load(FLOW), True
    own = LoadedFlow(own_weights(), FLOW.parent)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with two_machines(folder) as address:
            for what, one, text in (
                ("fetched weights", document, "It was {}."), ("own weights", own, "the {} [MASK]"),
            ):  # fmt: skip
                where, result = asyncio.run(over_both(folder, address, one, text))
                found = lines_of(result.output)
                right = result.failed == 0 and [row["n"] for row in found] == list(range(ROWS))
                right = right and all("sent there" in one for one in where)
                right = right and all("[MASK]" not in row.get("filled", "") for row in found)
                said = f"{'; '.join(where)}\n{ROWS} rows on two machines, {what}: "
                sys.stdout.write(f"{said}{'right' if right else 'WRONG'}\n")
                if not right and result.failures:
                    sys.stdout.write(result.failures.read_text(encoding="utf-8"))
                whole = whole and right
        there = sorted(path.name for path in (folder / "two" / "sent").rglob("*.*")
                       if path.suffix in (".gguf", ".safetensors"))  # fmt: skip
    sys.stdout.write(f"sent to the second: {', '.join(there)}\n")
    return 0 if whole and there == ["model.safetensors", "own.gguf"] else 1


if __name__ == "__main__":
    sys.exit(main())
