"""What a round of a loop adds to its body, and what SQL over a file adds to DuckDB."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.table import Row
from bench.timing import interleave, processes
from patchbay.flows import Run, load
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import RunFinished
from patchbay.flows.runs.resources import Pool
from patchbay.nodes.catalog import Catalog, load_catalog
from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, SubflowUse

PER_STEP_US = 45
"""Microseconds that a step of switch and loop may add to the body: half of a for-each item's 90."""
OVER_DUCKDB = 1.1
FLAT = 1.5
"""Ten times the rows take at most this many times the memory."""
ROUNDS = 2000
ROWS = 1_000_000

STEP = {
    "format": 1, "name": "step",
    "nodes": [
        {"id": "n", "kind": "io.input", "params": {"name": "n", "kind": "number"}},
        {"id": "way", "kind": "logic.switch", "params": {
            "carries": "number", "cases": [{"name": "over", "test": ">", "operand": 10 ** 9}]}},
        {"id": "out", "kind": "io.output", "params": {"name": "n"}},
        {"id": "done", "kind": "io.output", "params": {"name": "done"}},
    ],
    "edges": [
        {"from": "n.value", "to": "way.value"},
        {"from": "way.otherwise", "to": "out.value"},
        {"from": "way.over", "to": "done.value"},
    ],
}  # fmt: skip


class Again(Node):
    """The floor: the same flow, called as often by a node that does nothing else."""

    kind, title, family = "bench.again", "Again", "Bench"

    class Params(NodeParams):
        times: int = Field(1)

    class Outputs(Ports):
        n: float

    @classmethod
    def subflows(cls, params: Params) -> tuple[SubflowUse, ...]:
        return (SubflowUse("step", ("n",), ("n",)),)

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        given: Mapping[str, Any] = {"n": 0.0}
        for _ in range(params.times):
            given = await ctx.run_flow("step", given)
        return self.Outputs(n=given["n"])


def measure(quick: bool = False) -> Iterator[Row]:
    """A round of a loop whose body is a switch; a query over a million rows."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _loop(Path(folder), quick)
        yield from _sql(Path(folder), quick)


def _loop(folder: Path, quick: bool) -> Iterator[Row]:
    (folder / "step.json").write_text(json.dumps(STEP))
    catalog = load_catalog().extended([Again])
    looped = {
        "flow": "step", "state": {"n": "number"}, "most": ROUNDS, "at_most": "go on",
    }  # fmt: skip
    sides = {
        "loop": _side(folder, catalog, "logic.loop", looped, {"n": 0.0}),
        "body": _side(folder, catalog, "bench.again", {"times": ROUNDS}, {}),
    }
    each = {k: s / ROUNDS * 1e6 for k, s in interleave(sides, 3 if quick else 7).items()}
    added = max(0.0, each["loop"] - each["body"])
    yield Row("a round of a loop with a switch, over its body, processor", added, "µs", PER_STEP_US,
              note=f"the body takes {each['body']:.0f} µs")  # fmt: skip


def _side(
    folder: Path, catalog: Catalog, kind: str, params: dict[str, Any], given: dict[str, float]
) -> Callable[[], float]:
    nodes = [
        {"id": "x", "kind": kind, "params": params},
        {"id": "out", "kind": "io.output", "params": {"name": "result"}},
    ]
    edges = [{"from": "x.n", "to": "out.value"}]
    for name, value in given.items():
        nodes.append({"id": name, "kind": "io.input",
                      "params": {"name": name, "kind": "number", "default": value}})  # fmt: skip
        edges.append({"from": f"{name}.value", "to": f"x.{name}"})
    file = folder / f"{kind}.json"
    file.write_text(json.dumps({"format": 1, "name": "b", "nodes": nodes, "edges": edges}))
    loaded = load(file)

    def side() -> float:
        async def consume() -> float:
            run = Run(loaded, {}, Environment(catalog, Pool()))
            began = time.process_time()  # what else the machine does is no part of it
            async for event in run.events():
                last = event
            if not isinstance(last, RunFinished):
                raise RuntimeError(f"the run ended with {last}")
            return time.process_time() - began

        return asyncio.run(consume())

    return side


_QUERY = "SELECT g, count(*), avg(x), min(name), max(name) FROM t GROUP BY g ORDER BY g"
_ALONE = """
import sys
from pathlib import Path
from patchbay.nodes.records.duck import DuckTables
from patchbay.nodes.records.sql_source import SqlLimits
duck = DuckTables({"t": Path(sys.argv[1])})
duck.ask(sys.argv[2], {}, SqlLimits(1000, 10**7, 600, lambda: False))
"""


def _sql(folder: Path, quick: bool) -> Iterator[Row]:
    small, large = _csv(folder / "small.csv", ROWS // 10), _csv(folder / "large.csv", ROWS)
    sides = {"ours": lambda: _ours(large), "duckdb": lambda: _duckdb(large)}
    seconds = interleave(sides, 3 if quick else 7)
    yield Row("SQL over a CSV of a million rows, processor", seconds["ours"], "s", OVER_DUCKDB,
              on="ratio", against="DuckDB alone", other=seconds["duckdb"])  # fmt: skip
    command = [sys.executable, "-c", _ALONE]
    usage = processes(
        {n: [*command, str(f), _QUERY] for n, f in (("small", small), ("large", large))}, 2
    )
    yield Row("  flat: its memory", usage["large"].peak / 1e6, "MB", FLAT, on="ratio",
              against="a tenth of the rows", other=usage["small"].peak / 1e6)  # fmt: skip


def _csv(file: Path, rows: int) -> Path:
    with file.open("w") as out:
        out.write("id,g,x,name\n")
        for start in range(0, rows, 1000):
            some = range(start, start + 1000)
            out.write("".join(f"{i},{i % 100},{i * 0.5},name {i}\n" for i in some))
    return file


def _ours(file: Path) -> float:
    from patchbay.nodes.records.duck import DuckTables
    from patchbay.nodes.records.sql_source import SqlLimits

    began = time.process_time()
    duck = DuckTables({"t": file})
    got = duck.ask(_QUERY, {}, SqlLimits(1000, 10**7, 600, lambda: False))
    duck.close()
    if len(got.rows) != 100:
        raise RuntimeError("the query went wrong")
    return time.process_time() - began


def _duckdb(file: Path) -> float:
    import duckdb

    began = time.process_time()
    with duckdb.connect() as con:
        con.execute(f"CREATE VIEW t AS SELECT * FROM read_csv('{file}')")
        con.execute(_QUERY).fetchall()
    return time.process_time() - began
