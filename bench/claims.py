"""`make claims`: the lecture's claims about adapters, measured; for docs/training.md.

Each training is done in a process of its own, so that its peak of memory is its own; then the saved
flow `one_task` is tried as an experiment over the same settings. Minutes on a laptop.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bench.claims_rewards import hacking, rounds, tax, ways
from bench.claims_task import FLOW, cases, task_flow, wired
from bench.claims_unseen import unseen
from bench.peers import ROOT

METHODS: Mapping[str, dict[str, Any]] = {
    "LoRA, rank 8": {"method": "LoRA"},
    "QLoRA, rank 8": {"method": "QLoRA"},
    "IA3": {"method": "IA3"},
    "prompt tuning, 16 tokens": {"method": "prompt tuning"},
    "Houlsby, 8 wide": {"method": "Houlsby"},
    "all weights": {"method": "all weights"},
}
RANKS: Mapping[str, dict[str, Any]] = {f"LoRA, rank {n}": {"rank": n} for n in (1, 4, 16)}
PLACES: Mapping[str, dict[str, Any]] = {
    f"LoRA, rank 8, {where}": {"layers": where} for where in ("attention", "feed-forward")
}
ASKED = "The food was cold and the waiter was rude."


def main() -> None:
    """Measure what is asked for, and print it as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.claims", description=__doc__)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=CLAIMS, action="append")
    parser.add_argument(
        "--server",
        nargs=2,
        action="append",
        metavar=("ADDRESS", "MODEL"),
        help="one more for backends, such as http://127.0.0.1:8000/v1 smollm2",
    )
    parser.add_argument("--home", type=Path, help="a folder that is kept; else a temporary one")
    chosen = parser.parse_args()
    if chosen.one is not None:
        print(json.dumps(_trained(json.loads(chosen.one))))
        return
    SERVERS.extend(chosen.server or ())
    from patchbay.nodes.home import cache_dir, weights_dir

    os.environ["PATCHBAY_CACHE"] = str(cache_dir())  # weights and the like stay where they are
    os.environ["PATCHBAY_WEIGHTS"] = str(weights_dir())
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["PATCHBAY_HOME"] = str(chosen.home or scratch)
        for name in chosen.only or CLAIMS:
            for line in CLAIMS[name]():
                print(line, flush=True)


def methods() -> Iterator[str]:
    """One task by each method, rank and place: right answers, numbers, memory, bytes, seconds."""
    yield "| | right of 24 | numbers trained | peak of memory | kept | a step | an answer |"
    yield "|---|---|---|---|---|---|---|"
    for name, change in {**METHODS, **RANKS, **PLACES}.items():
        told = subprocess.run(
            [sys.executable, "-m", "bench.claims", "--one", json.dumps(change)],
            check=True, capture_output=True, text=True, cwd=ROOT,
        )  # fmt: skip
        found = json.loads(told.stdout.splitlines()[-1])
        right, seconds = _asked(change)
        yield (
            f"| {name} | {right} | {found['numbers']:,} | {found['peak'] / 1e9:.2f} GB | "
            f"{found['bytes'] / 1e6:.2f} MB | {found['step']:.2f} s | {seconds * 1000:.0f} ms |"
        )


def _trained(change: Mapping[str, Any]) -> dict[str, Any]:
    """Train in this process; its peak of memory, and what was made."""
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.supervised_node import TrainSupervised

    model, rows, params = wired(change)
    given = {"model": model, "data": rows["data"], "held_out": rows["held_out"]}
    out = run_node(TrainSupervised, params["train"], given)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    said = dict(out["report"].rows)
    folder = Path(str(said["folder"]))
    record = json.loads((folder.parent / "training.json").read_text("utf-8"))
    files = sorted(folder.glob("*.safetensors"))
    return {
        "peak": peak,
        "step": record["seconds"],
        "bytes": sum(path.stat().st_size for path in files),
        "numbers": sum(_numbers(path) for path in files),
    }


def _numbers(path: Path) -> int:
    from patchbay.nodes.models.transformers.anatomy import read_shapes

    return sum(math.prod(shape) for shape, _ in read_shapes(path).values())


def _asked(change: Mapping[str, Any]) -> tuple[int, float]:
    """How many of the cases are right, and the seconds of an answer (their median)."""
    from patchbay.flows import load, run
    from patchbay.flows.runs.defaults import default_environment
    from patchbay.flows.runs.running import LoadedFlow

    flow = LoadedFlow(task_flow(change), load(FLOW).folder)
    env = default_environment(folder=FLOW.parent)
    right, seconds = 0, []
    run(flow, {"remark": ASKED}, environment=env)  # opens the model
    for case in cases():
        began = time.perf_counter()
        said = run(flow, {"remark": case["remark"]}, environment=env).outputs["mood"]
        seconds.append(time.perf_counter() - began)
        right += str(said).strip() == case["expected"]
    env.pool.close()
    return right, statistics.median(seconds)


def merging() -> Iterator[str]:
    """Milliseconds of a token: the base, an adapter that hangs on it, and merged; and swapping."""
    from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse
    from patchbay.nodes.models.transformers.spec import TransformersModel

    base = TransformersModel(context=512, parallel=1)
    use = (LoraUse(weights="pirate"),)
    models = {
        "the base": base,
        "an adapter beside it": LoraModel(base=base, adapters=use),
        "merged": LoraModel(base=base, adapters=use, merge=True),
    }
    yield "| | a token |"
    yield "|---|---|"
    answers = {}
    for name, model in models.items():
        answers[name], each = asyncio.run(_token(model))
        yield f"| {name} | {each * 1000:.1f} ms |"
    same = answers["merged"] == answers["an adapter beside it"]
    yield f"\nMerged and beside it say {'the same' if same else 'other words'}."
    yield from _swapped(base)


async def _token(model: Any, tokens: int = 48) -> tuple[str, float]:
    from patchbay.flows.runs.resources import Pool
    from patchbay.flows.testing import PooledContext, user
    from patchbay.nodes.models.asking import ask

    ctx = PooledContext()
    ctx.pool = Pool()
    try:
        took, said = [], ""
        for _ in range(5):
            options = model.call_options(temperature=0, max_tokens=tokens)
            answer = await ask(ctx, model, user("Tell me about the sea."), port=None, **options)
            said = answer.text
            took.append(answer.generating_s / max(1, answer.answer_tokens - 1))
        return said, min(took)
    finally:
        ctx.pool.close()


def backends() -> Iterator[str]:
    """The same weights by Transformers and by llama.cpp, and by the servers that are named with
    `--server`: a token, memory, and whether the words agree."""
    from patchbay.nodes.models.compare import total_memory
    from patchbay.nodes.models.llama.spec import GgufModel
    from patchbay.nodes.models.servers.openai.spec import OpenAiModel
    from patchbay.nodes.models.transformers.spec import TransformersModel

    models: dict[str, Any] = {
        "Transformers, 32 bits": TransformersModel(context=512, parallel=1),
        "llama.cpp, as in the file": GgufModel(context=512, parallel=1),
    }
    for address, name in SERVERS:
        models[f"{name} at {address}"] = OpenAiModel(base_url=address, model=name)
    yield "| | a token | memory (estimated) | the first words that differ |"
    yield "|---|---|---|---|"
    first = ""
    for name, model in models.items():
        said, each = asyncio.run(_token(model))
        first = first or said
        memory = total_memory(model)
        held = "" if memory is None else f"{memory / 1e9:.2f} GB"
        yield f"| {name} | {each * 1000:.1f} ms | {held} | {_apart(first, said)} |"


def _apart(one: str, other: str) -> str:
    """Where two texts part, in words."""
    ours, theirs = one.split(), other.split()
    for number, (a, b) in enumerate(zip_longest(ours, theirs, fillvalue="(end)"), 1):
        if a != b:
            return f"word {number}: {a}, {b}"
    return "none"


def _swapped(base: Any) -> Iterator[str]:
    """W + BA - BA + B'A' against W + B'A'."""
    import torch

    from patchbay.nodes.models.transformers.attach import merged
    from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse
    from patchbay.nodes.training.base import network_of
    from patchbay.nodes.training.doing import BaseOpening

    how = BaseOpening(lambda *_: None)
    network, _ = network_of(base, "float32", None, how)
    start = {name: value.clone() for name, value in network.state_dict().items()}

    def added(name: str, scale: float) -> float:
        spec = LoraModel(base=base, adapters=(LoraUse(weights=name, scale=scale),), merge=True)
        began = time.perf_counter()
        merged(network, spec, how)
        return time.perf_counter() - began

    def apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
        return max(float((one[k] - other[k]).abs().max()) for k in one)

    added("pirate", 1.0)
    changed = apart(network.state_dict(), start)
    took = added("pirate", -1.0)
    back = apart(network.state_dict(), start)
    took += added("sentiment", 1.0)
    other, _ = network_of(base, "float32", None, how)
    with torch.no_grad():
        spec = LoraModel(base=base, adapters=(LoraUse(weights="sentiment"),), merge=True)
        merged(other, spec, how)
    left = apart(network.state_dict(), other.state_dict())
    yield (
        f"\nAdding BA moves a weight by {changed:.2g} at the most; after subtracting it again "
        f"{back:.1g} is left, and after adding B'A' {left:.1g} from a network that had only that. "
        f"A swap takes {took:.2f} s."
    )


SERVERS: list[tuple[str, str]] = []
"""Addresses and models of servers that have the same weights."""

CLAIMS = {
    "methods": methods, "merging": merging, "backends": backends, "unseen": unseen, "tax": tax,
    "hacking": hacking, "ways": ways, "rounds": rounds,
}  # fmt: skip
"""By the words of `--only`."""

if __name__ == "__main__":
    main()
