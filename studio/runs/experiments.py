"""Experiments in the background: one at a time for each name, going on when the tab is closed."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from patchbay.flows.document.model import Flow
from patchbay.flows.experiments.grid import as_result, as_summary, grid_of
from patchbay.flows.experiments.keeping import ExperimentCell, KeptCells
from patchbay.flows.experiments.plan import SUMMARY
from patchbay.flows.experiments.running import Experiment
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.origins import Origin, origin_of
from patchbay.studio.runs.runner import Runner

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History

ExperimentState = Literal["running", "finished", "stopped", "failed"]
SHARE = 0.1
"""How much of the time may go into scoring the grid anew while cells end."""


@dataclass
class LiveExperiment:
    """An experiment of this process, and how far it is."""

    experiment: Experiment
    state: ExperimentState = "running"
    done: int = 0
    began: float = field(default_factory=time.monotonic)
    why: str = ""
    """Why it has failed."""
    future: Future[None] | None = None
    _seen: tuple[int, dict[str, Any]] | None = None
    _costs: float = 0.0
    _at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def summary(self) -> dict[str, Any]:
        """The grid as far as it is; scored anew where cells have ended, and not too often."""
        with self._lock:
            now, seen = time.monotonic(), self._seen
            early = self.state == "running" and now - self._at < self._costs / SHARE
            if seen is not None and (seen[0] == self.done or early):
                return seen[1]
            return self._score()

    def score(self) -> dict[str, Any]:
        """The grid, scored now."""
        with self._lock:
            return self._score()

    def _score(self) -> dict[str, Any]:
        begun, stamp = time.monotonic(), self.done
        found = as_summary(self.experiment, grid_of(self.experiment))
        self._at = time.monotonic()
        self._costs, self._seen = self._at - begun, (stamp, found)
        return found

    def seconds_left(self) -> float | None:
        """An estimate from those that have ended; None before the first."""
        if not self.done or self.state != "running":
            return None
        return (time.monotonic() - self.began) / self.done * (self.experiment.total - self.done)


def experiment_for(flow: str, person: str) -> KeptCells:
    """The experiment that a person begins, or goes on with, who tries variants of a flow. Where
    another one's has its name, it gets another.

    Raises:
        FlowError: the disk refuses.
    """
    kept = KeptCells(flow)
    if kept.owner in ("", person):
        return kept
    return KeptCells(f"{flow}-{hashlib.sha256(person.encode()).hexdigest()[:8]}")


def may_see(run: str, history: History, person: str) -> bool:
    """Whether a person may look at a run that is a cell of an experiment."""
    name = origin_of(history, run).experiment
    return not name or KeptCells(name).owner in ("", person)


class LiveExperiments:
    """Starts, stops and finds them.

    Args:
        runner: whose loop and environment they use.
        history: where the runs of their cells are recorded.
    """

    def __init__(self, runner: Runner, history: Callable[[], History]) -> None:
        self._runner, self._history = runner, history
        self._live: dict[str, LiveExperiment] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> LiveExperiment | None:
        """The one of this name that this process has, at work or ended."""
        with self._lock:
            return self._live.get(name)

    def start(self, experiment: Experiment, variables: str = "") -> LiveExperiment:
        """Run what is missing of it. One of the same name that is at work goes on instead."""
        name = experiment.kept.name
        with self._lock:
            before = self._live.get(name)
            if before is not None and before.state == "running":
                return before
            experiment.recorder = partial(self._recorded, name)
            live = LiveExperiment(experiment)
            self._live[name] = live
        env = replace(self._runner.environment(experiment.folder), variables=variables)
        live.future = self._runner.submit(self._drive(live, env))
        return live

    def stop(self, name: str) -> None:
        """Stop it; what has ended is kept, and it can be gone on with."""
        live = self.get(name)
        if live is not None and live.future is not None:
            live.future.cancel()

    def _recorded(self, name: str, env: Environment, run: str, flow: Flow) -> Environment:
        """Recorded, and without a desk: a run that asks a person is refused instead of waiting."""
        origin = Origin(experiment=name)
        sink = self._history().recorder(run, flow, env.folder, origin=origin)
        return replace(env, sinks=(*env.sinks, sink))

    async def _drive(self, live: LiveExperiment, env: Environment) -> None:
        def told(cell: ExperimentCell, done: int, total: int) -> None:
            live.done = done

        experiment = live.experiment
        try:
            await experiment.run(env, told)
            summary = await asyncio.to_thread(live.score)
            # Scoring takes its time, and the runs of everybody are on this loop.
            result = await asyncio.to_thread(
                lambda: as_result(grid_of(experiment), experiment.cases)
            )
            await asyncio.to_thread(experiment.kept.keep, result)
            await asyncio.to_thread(experiment.kept.write, SUMMARY, summary)
            live.state = "finished"
        except asyncio.CancelledError:
            try:
                summary = await asyncio.to_thread(live.score)
                await asyncio.to_thread(experiment.kept.write, SUMMARY, summary)
            finally:
                live.state = "stopped"
            raise
        except FlowError as error:
            live.state, live.why = "failed", str(error)
        except Exception as error:  # a defect of ours: say it, rather than run for ever
            live.state, live.why = "failed", f"{type(error).__name__}: {error}"
