"""Recorded runs once more: the rest of one that stopped, or the whole with the same inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.node_work import PINNED
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.nodes.values import Value, decode

if TYPE_CHECKING:
    from patchbay.flows.runs.history import Claim, History, PastRun


def recorded_inputs(past: PastRun, types: Mapping[str, type[Value]]) -> dict[str, Any]:
    """The inputs of a recorded run, as values.

    Raises:
        ValueError: one is of a type that is no longer installed.
    """
    return {name: decode(value, types) for name, value in past.inputs.items()}


def resumed_run(history: History, past: PastRun, env: Environment, *, claimed: bool = False) -> Run:
    """The run that goes on where a recorded one stopped, under the same id.

    Args:
        history: where it was recorded, and will be.
        past: the run.
        env: what it gets besides; its results so far and its recorder are added.
        claimed: whether it is this process's already, by an answer.

    Raises:
        FlowError: it cannot be resumed.
    """
    from patchbay.flows.runs.history import Claim
    from patchbay.flows.runs.leases import this_process

    # Nothing of the record is read before the run is ours: another process might still add to it.
    was = Claim("waiting", this_process()) if claimed else _claim(history, past)
    try:
        return _going_on(history, past, env)
    except BaseException:
        history.give_back(past.id, was)
        raise


def _claim(history: History, past: PastRun) -> Claim:
    """Make the run this process's, and say what it was.

    Raises:
        FlowError: it has finished, or another process has it.
    """
    from patchbay.flows.runs.history import at_work, resumable

    resumable(past)
    if (was := history.claim(past.id)) is None:
        resumable(history.get(past.id))
        raise at_work(past.id)
    return was


def _going_on(history: History, past: PastRun, env: Environment) -> Run:
    """The run, which is this process's: what it reads of the record now, nobody else adds to."""
    from patchbay.flows.runs.desk import RecordedDesk
    from patchbay.flows.runs.origins import origin_of
    from patchbay.flows.runs.thread_runs import rejoin

    types = env.catalog.value_types
    flow = past.flow
    desk = RecordedDesk(history, past.id, types, again=True)
    stored = history.stored(past.id, types)
    origin = origin_of(history, past.id, types)
    # Those of the events too: a run of before this was kept knows its pins by them only.
    told = {node: kept.outputs for node, kept in stored.items() if kept.key == PINNED}
    pinned = {**told, **origin.pinned}
    env = replace(env, stored=stored, desk=desk, pinned=pinned)
    inputs = recorded_inputs(past, types)
    run = Run(LoadedFlow(flow, past.folder), inputs, env, past.only, run_id=past.id)
    hold = rejoin(run, past, history)
    ending, said = (None, None) if hold is None else (hold.ending, hold.said())
    journal = history.recorder(
        past.id, flow, past.folder, past.only, ending, past.document, said, origin
    )
    journal.types = types
    journal.load(history.steps(past.id))
    run.add_sink(journal)
    return run
