"""Runs on a background event loop, one per process. A run belongs to a flow and to a person.

The script thread of a page never runs a flow: a rerun would kill it. A run goes on when the tab is
closed, and whoever started it finds it again.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.answers import recorded
from patchbay.flows.runs.defaults import default_environment, default_pool
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event, RunEnd, RunWaiting, as_json
from patchbay.flows.runs.journal import PASSING
from patchbay.flows.runs.resume import recorded_inputs, resumed_run
from patchbay.flows.runs.running import LoadedFlow, Run, new_run_id
from patchbay.flows.runs.stopping import stop
from patchbay.flows.runs.thread_runs import InThread, turn_of
from patchbay.nodes.private import private_file, private_folder
from patchbay.nodes.threads import in_thread
from patchbay.studio.runs.known_runs import KnownRuns
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.runs.owners import owners_in

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History, PastRun

IDLE_S = 600.0
"""Seconds after which models are let go that no run has used."""
log = logging.getLogger("patchbay.studio")


class Runner(KnownRuns):
    """Starts, watches and stops runs.

    Args:
        history: gives the store that runs are recorded in.
        owners: the file that remembers who started which run.
        environment: what a run gets; the defaults unless given.
    """

    def __init__(
        self,
        history: Callable[[], History] | None = None,
        owners: Path | None = None,
        environment: Callable[[Path | None], Environment] | None = None,
    ) -> None:
        super().__init__()
        self._history, self._owners_file = history, owners
        self.environment = environment or (lambda folder: default_environment(folder=folder))
        """What a run of a flow of this folder gets."""
        self._shown_in: dict[str, str] = {}
        self._traces: Any = ...
        """What sends traces; None where nobody asked for it, `...` before it is looked at."""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._work, name="patchbay-runs", daemon=True).start()
        default_pool().let_idle_go(IDLE_S)

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    @property
    def records(self) -> bool:
        """Whether runs are recorded."""
        return self._history is not None

    def history(self) -> History:
        """The store that runs are recorded in.

        Raises:
            FlowError: they are not recorded.
        """
        if self._history is None:
            raise FlowError([Problem("history/none", "Runs are not recorded here.")])
        return self._history()

    def submit(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Have something else done where the runs are: they share what models have open."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def start(
        self,
        document: str,
        owner: str,
        flow: Flow,
        inputs: Mapping[str, Any],
        *,
        folder: Path | None = None,
        only: Collection[str] = (),
        fresh: str | None = None,
        path: Path | None = None,
        thread: InThread | None = None,
        pinned: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> LiveRun:
        """Start a run in the background.

        Args:
            document: the flow it belongs to.
            owner: the person it belongs to.
            flow: what to run.
            inputs: values of the flow's inputs.
            folder: where the flow lies.
            only: just these nodes and what they need.
            fresh: the id of a node that runs even where its result is known.
            path: the file of the flow.
            thread: that it is a turn of a conversation.
            pinned: what nodes give that are not run.

        Raises:
            FlowError: the flow has errors or the inputs do not fit, or the thread is in use.
                Nothing has been started.
        """
        run_id = new_run_id()
        environment = replace(self.environment(folder), pinned=pinned or {})
        if thread is not None and self.records:
            loaded = LoadedFlow(flow, folder, path)
            turning = turn_of(loaded, inputs, environment, thread, self.history(), run_id)
            run = turning.now()
            live = LiveRun(run_id, document, owner, flow, folder, dict(inputs), (), run)
            self._claim(run_id, owner)
            return self._launch(live)
        # The record is of the flow as it is drawn, not of the copy with one node made fresh.
        if self.records:
            environment = recorded(
                environment, self.history(), run_id, flow, folder, tuple(only), path
            )
        ran = without_cache(flow, fresh) if fresh else flow
        run = Run(LoadedFlow(ran, folder, path), inputs, environment, only, run_id)
        live = LiveRun(run_id, document, owner, flow, folder, dict(inputs), tuple(only), run)
        self._claim(run_id, owner)
        return self._launch(live)

    def again(self, past: PastRun, owner: str) -> LiveRun:
        """Start a recorded run anew: the flow as it was, with the inputs that it had.

        Raises:
            FlowError: like `start`, or what was recorded is not understood any more.
        """
        environment = self.environment(past.folder)
        try:
            inputs = recorded_inputs(past, environment.catalog.value_types)
        except ValueError as error:
            message = f"The inputs of this run cannot be read any more: {error}"
            raise FlowError([Problem("history/inputs", message, "Run the flow itself.")]) from error
        return self.start(
            f"run:{past.id}", owner, past.flow, inputs, folder=past.folder, only=past.only
        )

    def resume(self, past: PastRun, owner: str, *, claimed: bool = False) -> LiveRun:
        """Go on with a recorded run where it stopped, under its id and with its flow.

        It stays whose it was: one from the command line stays everybody's.

        Args:
            past: the run.
            owner: who goes on with it.
            claimed: whether it is this process's already, by an answer.

        Raises:
            FlowError: it has ended well or is under way, or `start` would refuse it.
        """
        history = self.history()
        before = self.get(past.id)
        if before and before.active:
            return before
        environment = self.environment(past.folder)
        run = resumed_run(history, past, environment, claimed=claimed)
        document = before.document if before else self._shown_in.get(past.id, f"run:{past.id}")
        live = LiveRun(past.id, document, owner, run.flow, past.folder, run.inputs, past.only, run)
        live.resumed = True
        return self._launch(live)

    def show_in(self, run_id: str, document: str) -> None:
        """Have a run that waits, and that no process has, belong to a document when it goes on."""
        self._shown_in[run_id] = document

    def catch_up(self, live: LiveRun) -> None:
        """What another process has made of a run that fell asleep here."""
        if not live.asleep or not self.records:
            return
        history = self.history()
        past, events = history.get(live.id), history.events(live.id)
        status = "elsewhere" if past.status == "running" else past.status
        with self._lock:
            if live.asleep:  # nobody has been faster
                live.progress.catch_up(status, events)

    def _launch(self, live: LiveRun) -> LiveRun:
        live.progress.begin(time.time(), [node.id for node in live.flow.nodes])
        self._enter(live)
        self._tell(live, {"reset": True, "run": live.progress.summary(live.id)})
        asyncio.run_coroutine_threadsafe(self._drive(live), self._loop)
        return live

    def stop(self, run_id: str) -> None:
        """Stop a run; its status changes when it has ended, within a second.

        One that waits for people is stopped at once, whichever process it ran in.

        Raises:
            FlowError: it waits no longer.
        """
        live = self.get(run_id)
        if live and live.active:
            live.run.cancel()
            if live.progress.status == "waiting":  # it said so while it was stopped in its sleep
                self._caught_up(live)
        elif self.records and (not live or live.asleep):
            stop(self.history(), run_id, wait_s=0)
            if live:
                self._caught_up(live)

    def _caught_up(self, live: LiveRun) -> None:
        self.catch_up(live)
        self._tell(live, {"run": live.progress.summary(live.id)})

    def _trace(self, live: LiveRun) -> Any:
        """The trace of a run, where the environment asks for traces."""
        from patchbay.flows.traces.sending import asked_for

        if self._traces is ...:
            try:
                self._traces = asked_for(None, False)
                if self._traces is not None:
                    atexit.register(self._traces.close)
            except FlowError as error:  # a run does not depend on who looks on
                log.warning("Runs are not traced: %s", error)
                self._traces = None
        return self._traces and self._traces.follow(live.run)

    async def _drive(self, live: LiveRun) -> None:
        trace = self._trace(live)
        try:
            await in_thread(live.run.make_room, self._beside(live))
            async with contextlib.aclosing(live.run.events()) as events:
                async for event in events:
                    self._take(live, event)
        except Exception as error:  # a defect of ours: say it, rather than run for ever
            live.progress.broke(f"{type(error).__name__}: {error}")
            self._tell(live, {"run": live.progress.summary(live.id)})
            with self._lock:
                self._heard(live, {"type": "run_failed", "problem": live.progress.problem})
        finally:
            if trace is not None:
                trace.end(live.progress.status)

    def _take(self, live: LiveRun, event: Event) -> None:
        with self._lock:
            message = live.progress.take(event)
            passing = type(event) in PASSING
            if not passing or live.hearers:
                self._heard(live, as_json(event), passing=passing)
        if message:
            self._tell(live, message)
        if isinstance(event, RunWaiting) and live.run.cancel_asked:
            self.catch_up(live)  # it was stopped while it said that it waits
        if isinstance(event, RunEnd):
            for path, node in live.progress.nodes.items():
                if node.status in ("cancelled", "asking"):
                    self._tell(live, node.message_of(path))
            self._tell(live, {"run": live.progress.summary(live.id)})

    def _claim(self, run_id: str, owner: str) -> None:
        if self._owners_file is None:
            return
        with contextlib.suppress(OSError):
            private_folder(self._owners_file.parent)
            with private_file(self._owners_file).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"run": run_id, "owner": owner}) + "\n")

    def owners(self) -> Mapping[str, str]:
        """Who started which run, of those that a studio started. Others belong to everybody."""
        return owners_in(self._owners_file)


def without_cache(flow: Flow, node_id: str) -> Flow:
    """The same flow, one node of which runs even where its result is known."""
    nodes = tuple(
        node.model_copy(update={"run": node.run.model_copy(update={"cache": "never"})})
        if node.id == node_id
        else node
        for node in flow.nodes
    )
    return flow.model_copy(update={"nodes": nodes})
