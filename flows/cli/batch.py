"""`patchbay batch`."""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.cli import batch_options as own
from patchbay.flows.cli import say
from patchbay.flows.cli.arguments import (
    read_inputs,
    refuse_changed_since_sent,
    with_settings,
)
from patchbay.flows.cli.options import AnswerJson, Container, EnvName, Profile, Where
from patchbay.flows.cli.places import place
from patchbay.flows.cli.run import StoppedError, leave, until_stopped
from patchbay.nodes.units import duration

if TYPE_CHECKING:
    from patchbay.flows.batch.api import BatchOrder, BatchResult, MakeRunner
    from patchbay.flows.batch.clusters import Cluster
    from patchbay.flows.batch.manifest import BatchSettings
    from patchbay.flows.batch.progress import BatchProgress
    from patchbay.flows.batch.runner import RowRunner
    from patchbay.flows.runs.prepared import PreparedFlow


def batch(
    flow: own.BatchFlow = None,
    rows: own.BatchRows = "",
    output: own.BatchOutput = "",
    columns: own.Columns = None,
    inputs: own.Inputs = None,
    keep: own.Keep = None,
    query: own.Query = "",
    settings: own.Params = None,
    env_name: EnvName = "",
    at_once: own.AtOnce = 8,
    unordered: own.Unordered = False,
    retries: own.Retries = 0,
    limit: own.Limit = None,
    max_tokens: own.MostTokens = None,
    max_cost: own.MostMoney = None,
    stop_at_failure: own.StopAtFailure = False,
    resume: own.Resume = False,
    replay: own.Replay = None,
    anyway: own.Anyway = False,
    no_cache: own.AskAnew = False,
    where: Where = "here",
    workers: own.RayProcesses = 0,
    gpus: own.GpusEach = 0,
    nodes: own.Tasks = 0,
    job_time: own.TaskTime = "",
    container: Container = "",
    profile: Profile = "",
    print_only: own.PrintScripts = False,
    part: own.TaskPart = "0/1",
    go_on: own.GoOn = False,
    collected: own.Collected = None,
    as_json: AnswerJson = False,
    quiet: own.NoProgress = False,
) -> None:
    """Run a flow over the rows of a table, and write what it gives as columns."""
    given = locals().copy()
    if not output:
        raise say.usage("No output was named.", "-o labels.parquet")
    if replay is not None:
        what = "A batch is made again as its manifest says"
        _refuse_unheard(given, what, "output", "replay", "anyway", "resume", "at_once", "quiet")
        leave(_replayed(replay, output, anyway, resume, at_once))
    if collected is not None:
        what = "Parts are put together as they are"
        _refuse_unheard(given, what, "output", "collected", "as_json", "quiet")
        from patchbay.flows.batch.api import collect

        leave(_ended(collect(collected, output), as_json, quiet, part=True))
    refuse_changed_since_sent()
    if flow is None or not rows:
        fix = "patchbay batch FLOW.json --rows FILE -o OUT"
        raise say.usage("A flow and rows are needed.", fix)
    order = _order(flow, rows, output, columns or [], inputs or [], keep, query, settings or [],
                   env_name, use_cache=not no_cache)  # fmt: skip
    cluster = place(where, print_only, workers=workers, gpus=gpus, nodes=nodes, time=job_time,
                    container=container, profile=profile)  # fmt: skip
    if cluster.is_slurm:
        if workers:
            fix = "Leave it out: --nodes says how many jobs share the rows."
            raise say.usage("--workers is for Ray, and these are jobs without one.", fix)
        if unordered:
            raise say.usage("Slurm's parts are put together in order.", "Leave --unordered out.")
        from patchbay.flows.cli.slurm import on_slurm

        leave(on_slurm(cluster, order, print_only))
    shard = _shard(part)
    told = replace(
        order.settings, ordered=not unordered, retries=retries, limit_s=limit, shard=shard
    )
    order = replace(
        order, settings=told, slots=at_once, max_tokens=max_tokens, max_cost=max_cost,
        stop_at_failure=stop_at_failure, resume=resume, go_on=go_on,
        watch=None if quiet else _Shown(), runner=_elsewhere(cluster, at_once),
    )  # fmt: skip
    leave(asyncio.run(_run(order, as_json, quiet)))


def _refuse_unheard(given: dict[str, Any], what: str, *heard: str) -> None:
    """Refuse options that would be passed over: whoever gives them expects that they count."""
    defaults = inspect.signature(batch).parameters
    for name, value in given.items():
        if name in heard or value == defaults[name].default:
            continue
        said = _SAID.get(name, f"--{name.replace('_', '-')}")
        raise say.usage(f"{what}: {said} has no meaning here.", f"Leave {said} out.")


_SAID = {
    "flow": "the flow", "columns": "--map", "inputs": "--input", "settings": "--set",
    "env_name": "--env", "where": "--on", "job_time": "--time", "print_only": "--print",
    "as_json": "--json",
}  # fmt: skip
"""What options are called whose values have other names."""


def _order(
    path: Path,
    rows: str,
    output: str,
    columns: list[str],
    inputs: list[str],
    keep: list[str] | None,
    query: str,
    settings: list[str],
    env_name: str,
    use_cache: bool,
) -> BatchOrder:
    from patchbay.flows.batch.api import BatchOrder
    from patchbay.flows.batch.databases import with_password
    from patchbay.flows.batch.manifest import BatchSettings
    from patchbay.flows.batch.row_map import read_map
    from patchbay.flows.checks.resolve import resolve_once
    from patchbay.flows.document.reading import read_flow
    from patchbay.flows.runs.defaults import default_environment
    from patchbay.flows.runs.running import LoadedFlow, settled
    from patchbay.flows.runs.secrets import Secrets

    rows = with_password(rows, Secrets())
    flow = with_settings(read_flow(path), settings)
    folder = path.resolve().parent
    env = replace(default_environment(use_cache=use_cache, folder=folder), variables=env_name)
    if flow.variables or env_name:
        flow = settled(flow, env_name)
    shared = read_inputs(inputs, resolve_once(flow, env.catalog))
    mapped = read_map(columns)
    for name in (one for one in mapped if one in shared):
        what = f'"{name}" is given twice: by the column "{mapped[name]}" and for all rows.'
        raise say.usage(what, f"Leave --map {name}=… or --input {name}=… out.")
    asked = BatchSettings(rows, query, mapped, shared, None if keep is None else tuple(keep))
    return BatchOrder(LoadedFlow(flow, folder, path.resolve()), asked, output, env)


def _elsewhere(cluster: Cluster, slots: int) -> MakeRunner | None:
    """What makes the runner of rows that is asked for; None for this process."""
    if cluster.is_here:
        return None
    runner = cluster.runner(slots)

    def make(flow: PreparedFlow, settings: BatchSettings) -> RowRunner:
        say.err("Starting Ray's workers; this takes some seconds.")
        made = runner(flow, settings)
        for where in getattr(made, "models", ()):
            say.err(str(where))
        return made

    return make


async def _run(order: BatchOrder, as_json: bool, quiet: bool) -> int:
    from patchbay.flows.batch.api import abatch

    try:
        result = await until_stopped(abatch(order))
    except StoppedError as stopped:
        _end_line(order)
        say.err("Stopped. What is done is kept: go on with --resume.")
        return stopped.code
    except OSError as error:
        _end_line(order)
        from patchbay.flows.problems import FlowError, Problem
        from patchbay.flows.runs.failures import about_file

        message, fix = about_file(error)
        fix = f"{fix} What is done is kept: go on with --resume."
        raise FlowError([Problem("batch/disk", message, fix)]) from None
    _end_line(order)
    return _ended(result, as_json, quiet, part=order.go_on)


def _shard(part: str) -> tuple[int, int]:
    index, slash, parts = part.partition("/")
    if not (slash and index.isdigit() and parts.isdigit() and int(index) < int(parts)):
        raise say.usage(f"--part {part} is no part.", "--part 0/4 is the first of four.")
    return int(index), int(parts)


def _ended(result: BatchResult, as_json: bool, quiet: bool, part: bool = False) -> int:
    """Say what was done. The exit status; a part tells rows that failed from all else by it."""
    if as_json:
        say.out(json.dumps(_plain(result), ensure_ascii=False))
    if not quiet:
        _tell(result)
    if result.stopped is not None:
        say.problems([result.stopped])
    elif part and result.failed:
        from patchbay.flows.batch.on_slurm import SOME_FAILED

        return SOME_FAILED
    return say.EXIT_PROBLEM if result.stopped is not None or result.failed else 0


def _tell(result: BatchResult) -> None:
    where = f"into {result.output}" if result.stopped is None else "so far"
    said = [f"{result.rows:,} rows {where}", duration(result.seconds), say.tokens(result.tokens)]
    said += [f"{amount:.4g} {name}" for name, amount in sorted(result.cost.items())]
    say.err(" · ".join(one for one in said if one))
    if result.failed:
        say.err(f"{result.failed:,} rows failed: {result.failures} says why")
    for column in result.not_seen:
        say.err(f'No row has a column "{column}", which --keep names: it is empty.')


def _plain(result: BatchResult) -> dict[str, Any]:
    return {
        "output": result.output, "rows": result.rows, "failed": result.failed,
        "failures": str(result.failures) if result.failures else None,
        "seconds": round(result.seconds, 3), "tokens": result.tokens.as_dict(),
        "cost": dict(result.cost),
        "stopped": result.stopped.as_dict() if result.stopped else None,
    }  # fmt: skip


def _replayed(manifest: Path, output: str, anyway: bool, resume: bool, slots: int) -> int:
    from patchbay.flows.batch.api import replay

    found = replay(manifest, output, anyway=anyway, resume=resume, slots=slots)
    for line in found:
        say.out(line)
    say.err("Nothing differs." if not found else f"{len(found)} things differ.")
    return say.EXIT_PROBLEM if found else 0


class _Shown:
    """Shows how far a batch is: a line that stays in its place, or one now and then."""

    def __init__(self) -> None:
        self._line = sys.stderr is not None and sys.stderr.isatty()
        self._last = 0.0 if self._line else time.monotonic()
        self.shown = False

    def __call__(self, progress: BatchProgress) -> None:
        now = time.monotonic()
        if now - self._last < (0.2 if self._line else 30.0):
            return
        self._last = now
        if self._line:
            sys.stderr.write(f"\r\x1b[K{progress.words()}")
            sys.stderr.flush()
            self.shown = True
        elif progress.count:
            say.err(progress.words())


def _end_line(order: BatchOrder) -> None:
    if isinstance(order.watch, _Shown) and order.watch.shown:
        sys.stderr.write("\n")
