"""Flows over tables, in the background: begun, stopped, gone on with, looked at, forgotten.

Each lies in a folder of its own below the home folder, with the rows, what was asked for, and what
the batch engine keeps. So what was stopped, by a person or by the end of the studio, goes on where
it was.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.flows.batch.clusters import Cluster, find_cluster
from patchbay.flows.document.reading import read_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.failures import about_file, explain
from patchbay.flows.runs.running import LoadedFlow, new_run_id
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import private_folder
from patchbay.studio.runs.table_run import TableOrder, TableRun, settings_of

if TYPE_CHECKING:
    from patchbay.flows.batch.api import BatchOrder
    from patchbay.flows.batch.progress import BatchProgress

ORDER = "order.json"
FORGOTTEN_S = 86_400.0
"""So long a table that was dropped, and never run over, is kept, in seconds."""


class TableRuns:
    """Those of this home folder.

    Args:
        folder: where they lie.
        environment: what flows get, by the folder of the flow.
    """

    def __init__(
        self, folder: Path, environment: Callable[[Path | None], Environment] | None = None
    ) -> None:
        self._folder = folder
        self._environment = environment or _environment
        self._live: dict[str, TableRun] = {}
        self._lock = threading.Lock()

    # --- tables that were dropped -----------------------------------------------------------------

    def take(self, name: str, data: bytes) -> Path:
        """Keep a table until it is run over. The same one twice is one file.

        Raises:
            OSError: it cannot be written.
        """
        folder = private_folder(self._folder / "dropped")
        for old in folder.iterdir():
            with suppress(OSError):
                if time.time() - old.stat().st_mtime > FORGOTTEN_S:
                    old.unlink()
        suffix = Path(name).suffix.lower()
        path = folder / f"{hashlib.sha256(data).hexdigest()[:32]}{suffix}"
        if not path.exists():
            write_atomic(path, data)
        return path

    # --- acting -----------------------------------------------------------------------------------

    def begin(self, order: TableOrder, table: Path) -> TableRun:
        """Run a flow over a table that was dropped.

        Raises:
            FlowError: the flow, the columns or the place do not fit; nothing has been begun.
            OSError: the disk refuses.
        """
        order = replace(order, begun_at=time.time())
        run_id = new_run_id()
        run = TableRun(run_id, private_folder(self._folder / run_id), order)
        try:
            shutil.copyfile(table, run.rows_file)
            self._check(run)
            write_atomic(run.folder / ORDER, json.dumps(asdict(order), ensure_ascii=False))
        except BaseException:
            shutil.rmtree(run.folder, ignore_errors=True)
            raise
        self._start(run)
        return run

    def resume(self, run_id: str) -> None:
        """Go on where it was; nothing happens where it is at work.

        Raises:
            FlowError: what it needs is no longer there.
        """
        run = self.get(run_id)
        if run is not None and not run.active:
            self._check(run)
            self._start(run)

    def stop(self, run_id: str) -> None:
        """Stop it. What is done is kept."""
        run = self._live.get(run_id)
        if run is not None and run.loop is not None and run.task is not None:
            with suppress(RuntimeError):  # it has just ended
                run.loop.call_soon_threadsafe(run.task.cancel)

    def delete(self, run_id: str) -> None:
        """Forget one that is not at work, with all that it gave."""
        run = self.get(run_id)
        if run is not None and not run.active:
            with self._lock:
                self._live.pop(run_id, None)
            shutil.rmtree(run.folder, ignore_errors=True)

    # --- looking ----------------------------------------------------------------------------------

    def get(self, run_id: str) -> TableRun | None:
        """One of them; None where there is none of that id."""
        if (live := self._live.get(run_id)) is not None:
            return live
        if not re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", run_id):
            return None
        try:
            said = json.loads((self._folder / run_id / ORDER).read_text(encoding="utf-8"))
            keep = said.pop("keep")
            order = TableOrder(**said, keep=None if keep is None else tuple(keep))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return TableRun(run_id, self._folder / run_id, order)

    def of(self, owner: str) -> list[TableRun]:
        """Those of a person's browser, the latest first."""
        if not self._folder.is_dir():
            return []
        names = sorted((path.name for path in self._folder.iterdir()), reverse=True)
        found = [run for name in names if (run := self.get(name)) is not None]
        return [run for run in found if run.order.owner == owner]

    # --- the work ---------------------------------------------------------------------------------

    def _check(self, run: TableRun) -> None:
        """That it can be begun: what would otherwise be known only in the background.

        Raises:
            FlowError: everything that does not fit.
        """
        from patchbay.flows.batch.row_map import make_row_map
        from patchbay.flows.batch.rows import open_rows
        from patchbay.flows.runs.prepared import PreparedFlow

        order = self._asked(run)
        find_cluster(run.order.where)
        settings = order.settings
        flow = PreparedFlow(order.flow, order.env)
        rows = open_rows(settings.rows)
        try:
            make_row_map(
                flow.prepared.resolved, rows.columns, settings.columns, settings.shared,
                settings.keep,
            )  # fmt: skip
        finally:
            rows.close()

    def _asked(self, run: TableRun) -> BatchOrder:
        from patchbay.flows.batch.api import BatchOrder

        order, path = run.order, Path(run.order.path)
        env = replace(self._environment(path.parent), variables=order.variables)

        def watch(progress: BatchProgress) -> None:
            run.words, run.share = progress.words(), progress.share()

        return BatchOrder(
            LoadedFlow(read_text(order.flow), path.parent, path), settings_of(run), str(run.output),
            env, order.slots, order.max_tokens, go_on=True, watch=watch,
        )  # fmt: skip

    def _start(self, run: TableRun) -> None:
        with self._lock:
            if (live := self._live.get(run.id)) is not None and live.active:
                return
            run.active, run.problem, run.words, run.share = True, None, "", None
            self._live[run.id] = run
        threading.Thread(
            target=lambda: asyncio.run(self._work(run)), name="patchbay-table", daemon=True
        ).start()

    async def _work(self, run: TableRun) -> None:
        run.loop, run.task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            await self._run(run)
        except asyncio.CancelledError:
            pass
        except FlowError as error:
            run.problem = error.problems[0]
        except OSError as error:
            message, fix = about_file(error)
            run.problem = Problem("batch/disk", message, fix)
        except Exception as error:
            run.problem = explain(error, "", self._environment(None).secrets)
        finally:
            run.task = None
            run.active = False

    async def _run(self, run: TableRun) -> None:
        from patchbay.flows.batch.api import abatch

        cluster = find_cluster(run.order.where)
        if cluster.is_slurm:
            await self._on_slurm(run, cluster)
            return
        order = self._asked(run)
        if not cluster.is_here:
            run.words = "Starting Ray's workers"
            order = replace(order, runner=cluster.runner(order.slots))
        result = await abatch(order)
        run.problem = result.stopped

    async def _on_slurm(self, run: TableRun, cluster: Cluster) -> None:
        from patchbay.flows.batch.command_words import command_words
        from patchbay.flows.batch.slurm_batch import SlurmBatch, asked_by

        def tell(words: str) -> None:
            run.words = words

        words = command_words(
            Path(run.order.path), settings_of(run), at_once=run.order.slots,
            max_tokens=run.order.max_tokens, env=run.order.variables or None,
        )  # fmt: skip
        asked = replace(
            asked_by(self._asked(run), run.order.variables),
            texts={Path(run.order.path): run.order.flow},
        )
        jobs = SlurmBatch(cluster, words, str(run.output), asked)
        try:
            await asyncio.to_thread(jobs.run, tell)
        except asyncio.CancelledError:
            jobs.cancel()
            raise


def _environment(folder: Path | None) -> Environment:
    from patchbay.flows.runs.defaults import default_environment

    return default_environment(folder=folder)
