"""Run a flow over a table: the Python API.

from patchbay.flows.batch.api import batch
done = batch("classify.json", "reviews.csv", "labels.parquet", columns={"review": "text"})
print(done.rows, done.failed, done.failures)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from patchbay.flows.batch.beside import move_file, side_file, spool_folder, standing_in_the_way
from patchbay.flows.batch.databases import without_password
from patchbay.flows.batch.manifest import BatchSettings, file_hash, make_manifest, refuse_others
from patchbay.flows.batch.progress import BatchProgress
from patchbay.flows.batch.row_map import RowMap, make_row_map, refuse_first_row
from patchbay.flows.batch.rows import Rows, bad, open_rows
from patchbay.flows.batch.runner import HereRunner, RowRunner
from patchbay.flows.batch.spool import Spool
from patchbay.flows.batch.tables import check_output, write_output
from patchbay.flows.batch.work import BatchWork, Budget
from patchbay.flows.checks.memory import memory_plan
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.api import load
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Tokens
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.prepared import PreparedFlow
from patchbay.flows.runs.prices import read_prices
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.wording import listed
from patchbay.nodes.atomic import write_atomic

SLOTS = 8
"""Rows that are at work at once, unless said otherwise."""


@dataclass(frozen=True)
class BatchResult:
    """What a batch did.

    `output` is named without a password.

    `rows` gave something, `failed` did not; `failures` is the file that says why, None where there
    are none. `stopped` says why it ended before the last row: then `output` is not there yet, and
    the same call with `resume=True` goes on.
    """

    output: str
    rows: int
    failed: int
    failures: Path | None
    seconds: float
    tokens: Tokens
    cost: Mapping[str, float]
    stopped: Problem | None = None
    not_seen: tuple[str, ...] = ()
    """Columns that were to be kept, and that no row had; known of a batch that was not stopped."""


MakeRunner = Callable[[PreparedFlow, BatchSettings], RowRunner]
"""Makes what runs the rows, elsewhere than here."""


@dataclass(frozen=True)
class BatchOrder:
    """All that a batch is asked for.

    Args:
        flow: the flow.
        settings: how rows become runs.
        output: a file, or the address of a database with `#table`.
        env: everything from outside; the defaults unless given.
        slots: how many rows may be at work at once.
        max_tokens: how many tokens may be used.
        max_cost: how much money may be used, by the table of prices.
        stop_at_failure: whether the first row that fails ends it.
        resume: go on with what was begun.
        go_on: go on where it was begun, begin it where it was not, and leave it where it has ended.
        runner: runs the rows elsewhere.
        watch: is told how far it is, about four times a second.
    """

    flow: LoadedFlow
    settings: BatchSettings
    output: str
    env: Environment | None = None
    slots: int = SLOTS
    max_tokens: int | None = None
    max_cost: float | None = None
    stop_at_failure: bool = False
    resume: bool = False
    go_on: bool = False
    runner: MakeRunner | None = None
    watch: Callable[[BatchProgress], None] | None = None


async def abatch(order: BatchOrder) -> BatchResult:
    """Run a flow over rows. See `batch`."""
    budget = _checked(order)
    flow, manifest = _prepared(order)
    return await _batched(order, budget, flow, manifest)


def _checked(order: BatchOrder) -> Budget:
    check_output(order.output)
    if order.slots < 1:
        raise bad("batch/slots", "At least one row must be at work.", "Give 1 or more.")
    return _budget(order)


def _prepared(order: BatchOrder) -> tuple[PreparedFlow, dict[str, Any]]:
    """The flow, ready to be run, and what is known before the first row."""
    env = order.env or default_environment(folder=order.flow.folder)
    flow = PreparedFlow(order.flow, replace(env, keeps_quick=False))
    return flow, make_manifest(flow.prepared, order.settings, order.flow.folder)


async def _batched(
    order: BatchOrder, budget: Budget, flow: PreparedFlow, manifest: dict[str, Any]
) -> BatchResult:
    spool = Spool(order.output, spool_folder(order.output))
    not_seen: tuple[str, ...] = ()
    try:
        if order.go_on and not spool.begun and (done := _finished(order.output, manifest)):
            spool.remove()
            return done
        _begin(spool, manifest, order)
        if not spool.done.whole:
            begun_before = spool.done.begun
            work, row_map = await _worked(order, flow, spool, budget)
            if work.stopped is not None:
                return _result(spool, order.output, work.stopped)
            if not begun_before and spool.done.rows:
                not_seen = tuple(sorted(row_map.unseen))
        return replace(_finish(spool, order.output), not_seen=not_seen)
    finally:
        spool.close()


async def _worked(
    order: BatchOrder, flow: PreparedFlow, spool: Spool, budget: Budget
) -> tuple[BatchWork, RowMap]:
    settings = order.settings
    rows: Rows | None = None
    try:
        rows = open_rows(settings.rows, settings.query)
        row_map = make_row_map(
            flow.prepared.resolved, rows.columns, settings.columns, settings.shared, settings.keep
        )
        if not spool.done.begun:
            refuse_first_row(rows, row_map)
        if order.runner is not None:
            runner = order.runner(flow, settings)
        else:
            runner = HereRunner(flow, order.slots, settings.retries, settings.limit_s)
    except BaseException:
        if rows is not None:
            rows.close()
        if not spool.done.begun:
            spool.remove()  # nothing has been done: what was asked for does not fit
        raise
    work = BatchWork(
        rows, row_map, runner, spool, ordered=settings.ordered, shard=settings.shard,
        known=spool.manifest()["rows"]["sha256"] is not None,
        budget=budget, stop_at_failure=order.stop_at_failure, watch=order.watch,
    )  # fmt: skip
    with _keeping(order, flow):
        await work.run()
    return work, row_map


def _keeping(order: BatchOrder, flow: PreparedFlow) -> AbstractContextManager[None]:
    """Have its models stay open between rows, beside other runs of this process."""
    if order.runner is not None:
        return nullcontext()
    shares = memory_plan(flow.prepared.resolved, flow.env.folder).shares
    return flow.env.pool.keeping([share.spec for share in shares])


def _begin(spool: Spool, manifest: dict[str, Any], order: BatchOrder) -> None:
    if order.resume or (order.go_on and spool.begun):
        if not spool.begun:
            spool.remove()
            raise _nothing_to_resume(order.output)
        refuse_others(
            spool.manifest(), manifest, "Go on with what it was begun with, or begin anew."
        )
        return spool.go_on()
    if spool.begun:
        message = f"A batch into {without_password(order.output)} was begun and has not ended."
        fix = f"Go on with --resume, or remove {spool.folder}."
        raise bad("batch/begun", message, fix)
    if there := standing_in_the_way(order.output):
        spool.remove()
        raise bad("batch/there", there, "Name another output.")
    return spool.begin(manifest)


def _nothing_to_resume(output: str) -> FlowError:
    if "://" not in output and Path(output).exists():
        message = f"{output} is there already: there is nothing left to do for it."
        return bad("batch/there", message, "Leave --resume out, and name another output.")
    message = f"No batch into {without_password(output)} was begun."
    return bad("batch/not-begun", message, "Leave --resume out.")


def _finished(output: str, manifest: dict[str, Any]) -> BatchResult | None:
    from patchbay.flows.batch.finished import finished

    return finished(
        output, side_file(output, "manifest.json"), side_file(output, "failed.jsonl"), manifest
    )


def _budget(order: BatchOrder) -> Budget:
    prices = read_prices()
    if order.max_cost is not None and not prices:
        fix = "Write [prices.models] into settings.toml, or bound the tokens."
        raise bad("batch/prices", "What tokens cost is not known.", fix)
    if order.max_cost is not None and len(prices.currencies) > 1:
        fix = "Write all of [prices.models] in one currency, or bound the tokens."
        said = listed(prices.currencies, last="and")
        raise bad("batch/prices", f"Prices are in {said}, which one limit cannot hold.", fix)
    return Budget(order.max_tokens, order.max_cost, prices)


def collect(folder: Path, output: str) -> BatchResult:
    """Put the parts of a batch together that several machines did.

    Raises:
        FlowError: a part is missing, damaged or of another batch, or the output cannot be written.
    """
    from patchbay.flows.batch.collecting import collect_parts

    check_output(output)
    spool = Spool(output, spool_folder(output))
    try:
        collect_parts(folder, spool)
        return _finish(spool, output)
    except FlowError:
        if not spool.begun:
            spool.remove()
        raise
    finally:
        spool.close()


def _finish(spool: Spool, output: str) -> BatchResult:
    write_output(spool, output)
    failures = side_file(output, "failed.jsonl")
    if spool.done.failed and spool.failed_file.exists():
        move_file(spool.failed_file, failures)
    elif not spool.done.failed:
        failures.unlink(missing_ok=True)  # of an earlier batch into a file of this name
    result = _result(spool, output, None, failures if spool.done.failed else None)
    manifest = spool.manifest()
    manifest["output"] = {
        "file": without_password(output), "sha256": file_hash(output), "rows": result.rows,
        "failed": result.failed, "seconds": round(result.seconds, 3),
        "tokens": result.tokens.as_dict(), "cost": dict(result.cost),
    }  # fmt: skip
    write_atomic(side_file(output, "manifest.json"), json.dumps(manifest, indent=1))
    spool.remove()
    return result


def _result(
    spool: Spool, output: str, stopped: Problem | None, failures: Path | None = None
) -> BatchResult:
    done = spool.done
    if stopped is not None and done.failed:
        failures = spool.failed_file
    tokens = Tokens(done.prompt_tokens, done.completion_tokens)
    return BatchResult(
        without_password(output), done.rows, done.failed, failures, done.seconds, tokens,
        done.cost, stopped,
    )  # fmt: skip


def batch(
    flow: str | Path | LoadedFlow,
    rows: str | Path,
    output: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    inputs: Mapping[str, Any] | None = None,
    keep: Sequence[str] | None = None,
    query: str = "",
    ordered: bool = True,
    retries: int = 0,
    limit_s: float | None = None,
    **more: Any,
) -> BatchResult:
    """Run a flow over the rows of a table.

    Args:
        flow: the flow, or its file.
        rows: a CSV, JSON Lines, Parquet or Excel file, a folder, `-`, or a database's address.
        output: a .jsonl, .csv or .parquet file, or a database's address with `#table`.
        columns: input → column; others get the column of their name.
        inputs: input → a value for all rows.
        keep: columns to write beside the outputs; all unless given.
        query: the SQL that gives the rows of a database.
        ordered: whether the output has the order of the rows.
        retries: how often a row that failed is tried again.
        limit_s: how long a try may take, in seconds.
        **more: what else a `BatchOrder` has: `slots`, `max_tokens`, `resume`, `watch`, ….

    Raises:
        FlowError: the flow, the rows, the columns or the output do not fit; another batch is at it.
        OSError: the disk refuses; `resume=True` goes on.
    """
    found = flow if isinstance(flow, LoadedFlow) else load(flow)
    settings = BatchSettings(
        str(rows), query, dict(columns or {}), dict(inputs or {}),
        None if keep is None else tuple(keep), ordered, retries, limit_s,
    )  # fmt: skip
    return asyncio.run(abatch(BatchOrder(found, settings, str(output), **more)))


def replay(
    manifest: str | Path,
    output: str | Path,
    *,
    anyway: bool = False,
    resume: bool = False,
    slots: int = SLOTS,
) -> list[str]:
    """Make a batch again, as its manifest says, and say what differs from what it gave then.

    Args:
        manifest: the file beside the output of then.
        output: where it is written now.
        anyway: run although the flow, the rows, the weights or the versions are others.
        resume: go on with one that was begun.
        slots: how many rows may be at work at once.

    Returns:
        What differs, a sentence each; none where all is as it was.

    Raises:
        FlowError: something is not what it was; everything that is not, in words.
    """
    from patchbay.flows.batch.replaying import differing_rows, order_of, output_then, read_manifest

    path = Path(manifest)
    then = read_manifest(path)
    order = order_of(then, str(output), path)
    env = default_environment(use_cache=False, folder=order.flow.folder)
    order = replace(order, env=env, resume=resume, slots=slots)
    flow, now = _prepared(order)
    if not anyway:
        refuse_others(then, now, "Restore what has changed, or replay --anyway.")
    result = asyncio.run(_batched(order, _checked(order), flow, now))
    if result.stopped is not None:
        raise RunError(result.stopped)
    made = json.loads(side_file(order.output, "manifest.json").read_text(encoding="utf-8"))
    now_there = {**made["output"], "file": order.output}
    return differing_rows(output_then(then, path), now_there)


__all__ = ["BatchOrder", "BatchResult", "FlowError", "abatch", "batch", "replay"]
