"""Runs of flows as they are asked for at our own addresses: whole, in a stream, or behind."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from patchbay.flows.server.core.asked import RunRequest, read
from patchbay.flows.server.core.event_stream import PING, EventStream, event, unless_gone
from patchbay.flows.server.core.overrides import overridden
from patchbay.flows.server.core.refusals import RETRY_S
from patchbay.flows.server.core.requests import caller_of, service_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from patchbay.flows.server.core.served_run import ServedRun
    from patchbay.flows.server.core.service import FlowService
    from patchbay.flows.server.core.shelf import ServedFlow
    from patchbay.flows.server.core.told import SentEvent


async def run(request: Request) -> Response:
    """Run a flow: its outputs, a stream of its events, or a run in the background."""
    service, caller = service_of(request), caller_of(request)
    flow = service.shelf.get(request.path_params["name"], caller)
    id = service.owners.new_id(caller)
    asked = await read(request, flow, id)
    flow = _as_asked(service, flow, asked)
    if asked.stream:
        live = await service.begin(flow, caller, asked, run=id)
        return streamed(live)
    if asked.background:
        live = await service.begin(flow, caller, asked, run=id)
        where = f"/runs/{live.id}"
        return JSONResponse(
            {**live.as_dict(), "status_at": where, "events_at": events_at(service, live.id)},
            202,
            headers={"location": where, **live.headers},
        )
    live = await service.begin(flow, caller, asked, run=id, follow=flow.may_ask)
    return await whole(request, service, live)


def _as_asked(service: FlowService, flow: ServedFlow, asked: RunRequest) -> ServedFlow:
    try:
        return overridden(service, flow, asked.params)
    except BaseException:
        asked.forget()
        raise


async def whole(
    request: Request, service: FlowService, live: ServedRun, *, stop: bool = True
) -> Response:
    """Wait for a run and tell how it ended. With `stop` it is stopped when the caller leaves."""
    if not await unless_gone(request.receive, live.task):
        if stop:
            live.stop()
        return Response(status_code=499)
    return await ended(service, live)


async def ended(service: FlowService, live: ServedRun) -> Response:
    """How a run stands, with its questions where it waits for people."""
    told = live.as_dict()
    if live.status == "waiting":
        told["questions"] = await service.questions(live.id)
        told["answer_at"] = f"/runs/{live.id}/answer"
    headers = dict(live.headers)
    if live.status == "failed" and live.problem is not None and live.http_status == 503:
        headers["retry-after"] = str(RETRY_S)
    return JSONResponse(told, live.http_status, headers=headers)


def events_at(service: FlowService, run: str) -> str:
    """Where the events of a run can be read, with a ticket in place of a key."""
    return f"/runs/{run}/events?ticket={service.owners.ticket(run)}"


def streamed(live: ServedRun, last: str = "") -> EventStream:
    """The events of a run as a stream."""
    return EventStream(_pieces(live, read_to(live, last)), live.headers)


def read_to(live: ServedRun, last: str) -> int:
    """The number of the last event that a caller has read, by its id; 0 for one of elsewhere."""
    epoch, _, number = last.partition(".")
    return event_number(number) if epoch == live.epoch else 0


def event_number(text: str) -> int:
    """The number that an id of an event ends with; 0 where there is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


async def _pieces(live: ServedRun, after: int) -> AsyncGenerator[bytes, None]:
    reading = live.read(after)
    try:
        async for told in reading:
            yield PING if told is None else as_event(live.epoch, told)
    finally:
        await reading.aclose()


def as_event(epoch: str, told: SentEvent) -> bytes:
    """An event as it stands in a stream."""
    return event(told.data, told.type, f"{epoch}.{told.number}")
