"""What begins a run: alone, recorded, or as the turn of a thread."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.far_run import FarRun
from patchbay.flows.runs.running import Run
from patchbay.flows.server.core.asked import RunRequest
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.core.served_run import Begin, ServedRun
from patchbay.flows.wording import printable
from patchbay.nodes.threads import in_thread

if TYPE_CHECKING:
    from patchbay.flows.server.core.service import FlowService


async def beginning(service: FlowService, live: ServedRun, asked: RunRequest) -> Begin:
    """What begins a run when its turn has come. The inputs are checked at once."""
    env = replace(service.environment, folder=live.flow.loaded.folder, person=live.caller.person,
                  trace=live.trace)  # fmt: skip
    if env.elsewhere is not None:
        await env.elsewhere.get_ready(live.flow.prepared, live.flow.digest)
        if goes_elsewhere(live, asked):
            return _far(live, asked, env)
    if asked.thread is not None:
        return await _turn_of(service, live, asked, env)
    if not live.record:
        run = _run(live, asked, env)
    else:
        from patchbay.flows.runs.answers import recorded

        history = await service.history()
        flow = live.flow.loaded
        env = recorded(env, history, live.id, flow.flow, flow.folder, file=flow.path)
        run = _run(live, asked, env)
        if asked.background:
            await in_thread(history.announce, live.id, flow.flow, flow.folder, run.inputs)

    async def begin() -> Run:
        return run

    return begin


def goes_elsewhere(live: ServedRun, asked: RunRequest) -> bool:
    """Whether the whole run can be made elsewhere: nobody reads along, records or traces it."""
    watched = asked.stream or asked.background or asked.thread is not None or live.follow
    return not (watched or live.record or live.trace is not None)


def _far(live: ServedRun, asked: RunRequest, env: Environment) -> Begin:
    flow = live.flow
    run = FarRun(flow.loaded, flow.digest, asked.inputs, env, live.id, flow.prepared)

    async def begin() -> FarRun:
        return run

    return begin


def _run(live: ServedRun, asked: RunRequest, env: Environment) -> Run:
    return Run(
        live.flow.loaded,
        asked.inputs,
        env,
        run_id=live.id,
        prepared=live.flow.prepared,
        from_person=False,
    )


async def _turn_of(
    service: FlowService, live: ServedRun, asked: RunRequest, env: Environment
) -> Begin:
    from patchbay.flows.runs.thread_runs import InThread, turn_of
    from patchbay.flows.runs.threads import Threads, checked_id

    history, person, thread = await service.history(), live.caller.person, asked.thread or ""
    found = await in_thread(Threads(history).find, checked_id(thread))
    if found is not None and found.person != person:
        raise refused(
            409,
            "thread/exists",
            f'The thread "{printable(thread)}" is of another caller.',
            "Choose another id.",
        )
    use = InThread(thread, when_busy="refuse", person=person)  # the slot is not to wait with it
    turning = await in_thread(
        turn_of, live.flow.loaded, asked.inputs, env, use, history, live.id,
        prepared=live.flow.prepared,
    )  # fmt: skip

    async def begin() -> Run:
        return await turning.when_free()

    return begin
