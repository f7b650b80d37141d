"""Training through a flow against the plain script of TRL; settings; what shares one base."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.home import home_at
from bench.table import Row
from bench.timing import interleave
from patchbay.flows import Run
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import RunFailed, RunFinished
from patchbay.flows.runs.resources import Pool
from patchbay.nodes.home import cache_dir

EIGHT = 8
SAID = "The food was cold and the waiter was rude."
NEAR = 1e-3
"""How far the loss of a setting in 32 bits may be from that of the first, in its last step."""

SETTINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "one thread": (("import datasets", "torch.set_num_threads(1)\nimport datasets"),),
    "rows padded to the limit": (("dataset_kwargs=", "pad_to_multiple_of=128, dataset_kwargs="),),
    "rows padded to a multiple of 8": (
        ("dataset_kwargs=", "pad_to_multiple_of=8, dataset_kwargs="),
    ),
    "checkpointing": (("gradient_checkpointing=False", "gradient_checkpointing=True"),),
    "bf16": (("bf16=False", "bf16=True"),),
}
"""What is changed in the script that a training exports."""
EXACT = (
    "one thread",
    "rows padded to the limit",
    "rows padded to a multiple of 8",
    "checkpointing",
)
"""Those that compute with 32 bits, so that their losses are the same."""


def measure(quick: bool = False) -> Iterator[Row]:
    """Processor time of whole trainings, in this process; both sides take turns."""
    with tempfile.TemporaryDirectory() as folder, _own_home(Path(folder)):
        yield _eight_answers(1 if quick else 3)
        yield from _trainings(4 if quick else 24, 1 if quick else 3)
        yield _eight_trainings(3 if quick else 24)
        yield from _settings(3 if quick else 12, 1 if quick else 3)


@contextlib.contextmanager
def _own_home(folder: Path) -> Iterator[None]:
    """Trainings are known by their content: in a new home none is. What was dequantized is kept."""
    os.environ.setdefault("PATCHBAY_CACHE", str(cache_dir()))
    before = Path.cwd()
    with home_at(folder):
        os.chdir(folder)  # the script leaves its states where it runs
        try:
            yield
        finally:
            os.chdir(before)


# --- one training ---------------------------------------------------------------------------------


def _trainings(steps: int, repeats: int) -> Iterator[Row]:
    seeds = {"flow": itertools.count(1), "script": itertools.count(1)}
    script = _run(_flow([0], 1))["script"]
    losses: dict[str, float] = {}

    def flow() -> None:
        out = _run(_flow([next(seeds["flow"])], steps))
        losses["flow"] = out["curve"].rows[-1]["loss"]

    def plain() -> None:
        seed = next(seeds["script"])
        losses["script"] = _by_script(_with(script, seed, steps), save=True)[-1]

    walls: dict[str, list[float]] = {"flow": [], "script": []}
    seconds = interleave(
        {name: _sided(work, walls[name]) for name, work in (("flow", flow), ("script", plain))},
        repeats,
    )
    apart = abs(losses["flow"] - losses["script"])
    yield Row(f"a training of {steps} steps through a flow", seconds["flow"], "s", 1.03,
              on="ratio", against="TRL's script, processor time",
              other=seconds["script"])  # fmt: skip
    yield Row("  its time", min(walls["flow"][1:]), "s", against="TRL's script",
              other=min(walls["script"][1:]))  # fmt: skip
    yield Row("  its last loss is apart by", apart, "", 1e-5)


def _settings(steps: int, repeats: int) -> Iterator[Row]:
    """Each setting in turn; the one that trainings have should be the quickest of the exact."""
    script = _run(_flow([0], 1))["script"]
    losses: dict[str, list[float]] = {}
    import torch

    threads = torch.get_num_threads()

    def side(name: str, changes: Sequence[tuple[str, str]]) -> Callable[[], float]:
        changed = _with(script, 1, steps)
        for old, new in changes:
            if old not in changed:
                raise RuntimeError(f"the script has no {old!r} any more")
            changed = changed.replace(old, new)

        def timed() -> float:
            began = time.perf_counter()
            losses[name] = _by_script(changed)
            torch.set_num_threads(threads)
            return time.perf_counter() - began

        return timed

    chosen = {"as it is": ()} | {
        name: change for name, change in SETTINGS.items() if name != "bf16" or _has_bf16()
    }
    seconds = interleave({name: side(name, how) for name, how in chosen.items()}, repeats)
    ours = seconds["as it is"]
    for name in chosen:
        if name != "as it is":
            apart = abs(losses[name][-1] - losses["as it is"][-1])
            yield Row(f"  {name}", seconds[name] / steps, "s a step", against="as trainings are",
                      other=ours / steps)  # fmt: skip
            if name in EXACT:
                yield Row("    its last loss is apart by", apart, "", NEAR)
    best = min(seconds[name] for name in ("as it is", *EXACT))
    yield Row("the settings that trainings have", ours / steps, "s a step", 1.03, on="ratio",
              against="the best of those in 32 bits", other=best / steps)  # fmt: skip


def _has_bf16() -> bool:
    known = Path("/proc/cpuinfo")
    flags = known.read_text("utf-8") if known.is_file() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags or "asimd bf16" in flags


# --- eight on one base ----------------------------------------------------------------------------


def _eight_trainings(steps: int) -> Row:
    """All that eight trainings of one flow take, over the steps that they make."""
    before = {path.parent for path in _records()}
    began = time.perf_counter()
    _run(_flow(range(100, 100 + EIGHT), steps))
    seconds = time.perf_counter() - began
    made = [json.loads(path.read_text("utf-8")) for path in _records() if path.parent not in before]
    if len(made) != EIGHT:
        raise RuntimeError(f"{len(made)} trainings were made, not {EIGHT}")
    return Row(f"eight trainings of {steps} steps in one flow", seconds, "s", 1.02, on="ratio",
               against="their steps", other=sum(one["worked"] for one in made))  # fmt: skip


def _eight_answers(repeats: int) -> Row:
    """Eight adapters on one base, asked by one flow, and by eight runs that each open the base."""
    whole = _asking(range(EIGHT))
    alone = [_asking([number]) for number in range(EIGHT)]
    walls: dict[str, list[float]] = {"one": [], "eight": []}
    seconds = interleave(
        {
            "one": _sided(lambda: _run(whole), walls["one"]),
            "eight": _sided(lambda: [_run(flow) for flow in alone], walls["eight"]),
        },
        repeats,
    )
    return Row("eight adapters on one base answer", seconds["one"], "s", 0.5, on="ratio",
               against="eight separate runs, processor time", other=seconds["eight"])  # fmt: skip


# --- one side -------------------------------------------------------------------------------------


def _sided(work: Callable[[], object], walls: list[float]) -> Callable[[], float]:
    """Processor seconds of all threads, which hang little on what else runs."""

    def side() -> float:
        gc.collect()
        wall, began = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        return time.process_time() - began

    return side


def _records() -> list[Path]:
    return sorted((Path(os.environ["PATCHBAY_HOME"]) / "trainings").glob("*/training.json"))


def _flow(seeds: Sequence[int], steps: int) -> Flow:
    """The base and the rows, and a training for each seed."""
    params = {"steps": steps, "batch": 4, "limit": 128, "rate": 0.003}
    trained = [
        NodeInstance(id=f"train{n}", kind="train.supervised", params={**params, "seed": seed})
        for n, seed in enumerate(seeds)
    ]
    shown = [
        NodeInstance(id=f"out{port}", kind="io.output", params={"name": port})
        for port in ("script", "curve")
    ]
    return Flow(
        name="Trained",
        nodes=(_BASE, NodeInstance(id="rows", kind="train.instruction_data",
                                   params={"ready": "sentiment"}), *trained, *shown),
        edges=(
            *(Edge(source="model.model", target=f"{node.id}.model") for node in trained),
            *(Edge(source="rows.data", target=f"{node.id}.data") for node in trained),
            Edge(source="train0.script", target="outscript.value"),
            Edge(source="train0.curve", target="outcurve.value"),
        ),
    )  # fmt: skip


_BASE = NodeInstance(
    id="model", kind="model.transformers",
    params={"weights": "smollm2-135m-instruct", "context": 256, "parallel": EIGHT,
            "temperature": 0},
)  # fmt: skip


def _asking(numbers: Sequence[int]) -> Flow:
    """The two adapters that ship at several strengths, each asked the same."""
    nodes, edges = [_BASE], []
    for n in numbers:
        params = {"adapter": ("pirate", "sentiment")[n % 2], "scale": 1 - n / 100}
        nodes += [
            NodeInstance(id=f"lora{n}", kind="model.lora", params=params),
            NodeInstance(id=f"ask{n}", kind="model.ask", params={"max_tokens": 32}),
            NodeInstance(id=f"said{n}", kind="io.value", params={"value": SAID}),
            NodeInstance(id=f"out{n}", kind="io.output", params={"name": f"answer_{n}"}),
        ]
        edges += [
            Edge(source="model.model", target=f"lora{n}.model"),
            Edge(source=f"lora{n}.model", target=f"ask{n}.model"),
            Edge(source=f"said{n}.value", target=f"ask{n}.prompt"),
            Edge(source=f"ask{n}.text", target=f"out{n}.value"),
        ]
    return Flow(name="Asked", nodes=tuple(nodes), edges=tuple(edges))


def _run(flow: Flow) -> dict[str, Any]:
    """A run of its own: nothing is open before or after."""

    async def ran() -> dict[str, Any]:
        async for event in Run(flow, {}, env).events():
            if isinstance(event, RunFailed):
                raise RuntimeError(event.problem.message)
            if isinstance(event, RunFinished):
                return event.outputs
        raise RuntimeError("it did not end")

    env = Environment(default_catalog(), Pool())
    try:
        return asyncio.run(ran())
    finally:
        env.pool.close()


def _with(script: str, seed: int, steps: int) -> str:
    """The script that a training of seed 0 and one step exported, for others."""
    changed = script.replace("max_steps=1,", f"max_steps={steps},")
    changed = changed.replace("set_seed(0)", f"set_seed({seed})")
    return changed.replace("seed=0,", f"seed={seed},")


def _by_script(script: str, save: bool = False) -> list[float]:
    """Run the script here; its losses."""
    names: dict[str, Any] = {"__name__": "bench"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(script, "script.py", "exec"), names)
        if save:
            names["trainer"].save_model("trained")
    return list(names["losses"])
