"""What Ray costs and gives: a row more, a second worker, and Ray Data with the same model."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.batch import SAY
from bench.home import home_at
from bench.table import Row
from patchbay.flows.batch.manifest import BatchSettings
from patchbay.flows.batch.on_ray import RayRunner
from patchbay.flows.batch.runner import HereRunner, RowJob, RowRunner
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.prepared import PreparedFlow
from patchbay.flows.runs.running import LoadedFlow

OVERHEAD_MS = 0.1
"""Milliseconds of processors that a row may take more on Ray than in one process."""
TWO_OVER_ONE = 1.8
OF_RAY_DATA = 1.0

BURN = Flow(
    name="Burn",
    nodes=(
        NodeInstance(id="ask", kind="io.input", params={"name": "number", "kind": "number"}),
        NodeInstance(id="burn", kind="bench.burn"),
        NodeInstance(id="out", kind="io.output", params={"name": "sum"}),
    ),
    edges=(Edge(source="ask.value", target="burn.value"),
           Edge(source="burn.value", target="out.value")),
)  # fmt: skip

MODEL = {"weights": "smollm2-135m-instruct", "context": 1024, "parallel": 4, "temperature": 0}
MOST = 8
"""Tokens of an answer."""
ASKED = Flow(
    name="Asked",
    nodes=(
        NodeInstance(id="in", kind="io.input", params={"name": "text"}),
        NodeInstance(id="model", kind="model.gguf", params=MODEL),
        NodeInstance(id="ask", kind="model.ask", params={"max_tokens": MOST}),
        NodeInstance(id="out", kind="io.output", params={"name": "answer"}),
    ),
    edges=(Edge(source="in.value", target="ask.prompt"),
           Edge(source="model.model", target="ask.model"),
           Edge(source="ask.text", target="out.value")),
)  # fmt: skip


def measure(quick: bool = False) -> Iterator[Row]:
    """A row's way to a worker and back, two workers over one, and rows that ask a model."""
    with tempfile.TemporaryDirectory() as folder, home_at(folder), _burning(Path(folder)):
        yield _overhead(4_000 if quick else 20_000)
        yield _two(100 if quick else 400)
        yield _ray_data(24 if quick else 96)


@contextlib.contextmanager
def _burning(folder: Path) -> Iterator[None]:
    """Have the node that burns be known here and in workers, as one of a plugin."""
    plugin = folder / "plugin" / "patchbay_bench-1.0.dist-info"
    plugin.mkdir(parents=True)
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: patchbay-bench\nVersion: 1.0\n")
    (plugin / "entry_points.txt").write_text("[patchbay.nodes]\nburn = bench.nodes:Burn\n")
    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(plugin.parent), str(Path.cwd()), before])
    sys.path.insert(0, str(plugin.parent))
    try:
        yield
    finally:
        os.environ["PYTHONPATH"] = before
        sys.path.remove(str(plugin.parent))


async def _through(runner: RowRunner, rows: list[RowJob]) -> None:
    """All rows through a runner, as a batch hands them out."""
    queue = iter(rows)

    async def slot() -> None:
        while jobs := list(itertools.islice(queue, runner.chunk)):
            for result in await runner.run(jobs):
                if result.problem is not None:
                    raise RuntimeError(str(result.problem))

    async with asyncio.TaskGroup() as group:
        for _ in range(runner.slots):
            group.create_task(slot())


def _prepared(flow: Flow) -> PreparedFlow:
    return PreparedFlow(LoadedFlow(flow), default_environment(use_cache=False))


def _on_ray(flow: Flow, workers: int, slots: int = 1) -> RayRunner:
    settings = BatchSettings("", "", {}, {}, ())
    return RayRunner(_prepared(flow), settings, workers=workers, slots=slots)


def _overhead(count: int) -> Row:
    import psutil

    rows: list[RowJob] = [(n, {"review": f"a review, number {n}"}) for n in range(count)]

    async def here() -> float:
        runner = HereRunner(_prepared(SAY), 1)
        await _through(runner, rows[:1000])
        began = time.process_time()
        await _through(runner, rows)
        return time.process_time() - began

    async def there() -> float:
        runner = _on_ray(SAY, 1)
        try:
            await _through(runner, rows[:1000])
            workers = [psutil.Process(pid) for pid in await runner.processes()]

            def used() -> float:
                times = [worker.cpu_times() for worker in workers]
                return time.process_time() + float(sum(one.user + one.system for one in times))

            began = used()
            await _through(runner, rows)
            return used() - began
        finally:
            await runner.close()

    own, far = asyncio.run(here()), asyncio.run(there())
    more = (far - own) / count * 1e3
    return Row("a row on Ray over one process, processor", more, "ms", OVERHEAD_MS,
               note=f"{own / count * 1e6:.0f} µs here, {far / count * 1e6:.0f} there")  # fmt: skip


def _two(count: int) -> Row:
    rows: list[RowJob] = [(n, {"number": n}) for n in range(count)]

    async def taken(workers: int) -> float:
        runner = _on_ray(BURN, workers)
        try:
            await _through(runner, rows[: 8 * workers])
            runner.chunk = 8
            began = time.perf_counter()
            await _through(runner, rows)
            return time.perf_counter() - began
        finally:
            await runner.close()

    one, two = asyncio.run(taken(1)), asyncio.run(taken(2))
    return Row("processor-bound rows, two workers of Ray", count / two, "rows/s", TWO_OVER_ONE,
               "at least", "ratio", "one worker", count / one)  # fmt: skip


def _texts(count: int, round_: int) -> list[str]:
    return [f"Round {round_}, item {n}: name a colour that goes with number {n}."
            for n in range(count)]  # fmt: skip


def _ray_data(count: int) -> Row:
    async def ours() -> float:
        runner = _on_ray(ASKED, 1, slots=4)
        try:
            await _through(runner, list(enumerate({"text": t} for t in _texts(4, 0))))
            rows = list(enumerate({"text": text} for text in _texts(count, 1)))
            began = time.perf_counter()
            await _through(runner, rows)
            return time.perf_counter() - began
        finally:
            await runner.close()

    seconds, peer = asyncio.run(ours()), _by_ray_data(_texts(count, 2))
    return Row("rows that ask a model, on Ray", count / seconds, "rows/s", OF_RAY_DATA,
               "at least", "ratio", "Ray Data's map_batches", count / peer)  # fmt: skip


class Asking:
    """The same model as a class of Ray Data's: opened once, its four slots full."""

    def __init__(self) -> None:
        from patchbay.flows.runs.resources import Pool
        from patchbay.flows.runs.secrets import Secrets
        from patchbay.flows.runs.unwatched import Unwatched
        from patchbay.nodes.models.llama.spec import GgufModel

        async def opened() -> Any:
            watcher = Unwatched(Secrets(env={}, files=()))
            async with Pool().use(GgufModel(**MODEL), watcher, slot=False) as model:
                return model

        self._model = asyncio.run(opened())
        self._model.invoke("Hello.", max_tokens=MOST)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The answers of a batch, and between when it was at work."""
        began = time.time()

        async def all_of_them() -> list[str]:
            room = asyncio.Semaphore(4)

            async def one(text: str) -> str:
                async with room:
                    return str((await self._model.ainvoke(text, max_tokens=MOST)).content)

            return await asyncio.gather(*(one(str(text)) for text in batch["text"]))

        answers = asyncio.run(all_of_them())
        ended = [time.time()] * len(answers)
        return {"answer": answers, "began": [began] * len(answers), "ended": ended}


def _by_ray_data(texts: list[str]) -> float:
    """Seconds from when its first batch came to the model to the end of the last one."""
    import ray
    from ray import data

    from patchbay.flows.cluster.connection import connect

    connection = connect(workers=2)
    try:
        data.DataContext.get_current().enable_progress_bars = False
        table = data.from_items([{"text": text} for text in texts])
        asked = table.repartition(1).map_batches(
            Asking, batch_size=16, compute=ray.data.ActorPoolStrategy(size=1)
        )
        rows = asked.take_all()
        if len(rows) != len(texts):
            raise RuntimeError(f"{len(rows)} rows came back of {len(texts)}")
        return float(max(row["ended"] for row in rows) - min(row["began"] for row in rows))
    finally:
        connection.close()
