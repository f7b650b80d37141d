"""Runs of flows that never wait: done within the request that asks, without a task of their own.

What a flow without models, files and servers takes is well below a thousandth of a second, and a
task, a list of events and a place among the runs that can be looked up cost more than that. Nobody
could look it up anyway: its id is told when it has ended.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from patchbay.flows.runs.at_once import TURN
from patchbay.flows.runs.failures import RunError
from patchbay.flows.server.core.refusals import too_long

if TYPE_CHECKING:
    from patchbay.flows.server.core.admission import RunPlace
    from patchbay.flows.server.core.asked import RunRequest
    from patchbay.flows.server.core.served_run import ServedRun
    from patchbay.flows.server.core.service import FlowService


def goes_at_once(service: FlowService, live: ServedRun, asked: RunRequest) -> bool:
    """Whether a run can be done so: nobody reads along, records it, or follows it."""
    followed = asked.stream or asked.background or live.record or live.follow
    kept = service.traces is not None or service.environment.cache is not None
    return live.flow.instant and not followed and not kept and live.hear is None


async def run_at_once(
    service: FlowService, live: ServedRun, asked: RunRequest, turn: RunPlace
) -> None:
    """Do a run whose turn has come, to its end.

    Raises:
        FlowError: the inputs do not fit. Nothing has been run.
    """
    ready = live.flow.ready(service.environment, live.caller.person)
    given = ready.accept(asked.inputs)
    begun = time.perf_counter()
    limit = service.settings.timeout_s
    live.status = "running"
    TURN.begin()  # the loop has just come to this request
    try:
        async with asyncio.timeout(limit):
            result = await ready.run_accepted(given, live.heed, quiet=True)
        live.outputs, live.status = result.outputs, "finished"
    except RunError as error:
        live.problem, live.status = error.problem, "failed"
    except TimeoutError:
        live.problem, live.status = too_long(limit), "failed"
    finally:
        if live.status == "running":  # the server breaks off
            live.status = "cancelled"
        live.seconds = time.perf_counter() - begun
        live.ended_at = time.time()
        turn.leave()
        asked.forget()
        service.over(live, live.begun_at)
