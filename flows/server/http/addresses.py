"""Our own addresses: flows, their runs, questions, and threads."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from patchbay.flows.problems import FlowError
from patchbay.flows.server.core.asked import json_of, takes_events, yes
from patchbay.flows.server.core.event_stream import EventStream, event
from patchbay.flows.server.core.example import example_inputs
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.core.told import shown, shows_models
from patchbay.flows.server.http.running import (
    event_number,
    events_at,
    read_to,
    run,
    streamed,
    whole,
)
from patchbay.nodes.threads import in_thread
from patchbay.nodes.values import encode

if TYPE_CHECKING:
    from patchbay.flows.runs.history import PastRun


# --- flows ----------------------------------------------------------------------------------------


def described(flow: ServedFlow) -> dict[str, Any]:
    """A flow, as JSON."""
    return {
        "name": flow.name,
        "title": flow.title,
        "description": flow.description,
        "inputs": [
            {
                "name": asks.name,
                "kind": asks.kind,
                "required": asks.required,
                "description": asks.description,
                **({"choices": list(asks.choices)} if asks.choices else {}),
                **({} if asks.required else {"default": encode(asks.default)}),
            }
            for asks in flow.inputs.values()
        ],
        "outputs": [{"name": n, "description": text} for n, text in flow.outputs.items()],
        "asks_people": flow.may_ask,
        "talk": talk_of(flow),
        "example": example_inputs(flow),
        "run": f"/flows/{flow.in_address}/run",
        "chat": f"/chat/{flow.in_address}",
    }


def talk_of(flow: ServedFlow) -> dict[str, Any] | None:
    """The input that a message goes to; None where the flow cannot be talked to."""
    from patchbay.flows.runs.thread_runs import talked_to

    try:
        asks = talked_to(flow.prepared.resolved)
    except FlowError:
        return None
    return {"input": asks.name, "kind": asks.kind, "description": asks.description}


async def flows(request: Request) -> Response:
    """The flows that the caller may use."""
    shelf, caller = service_of(request).shelf, caller_of(request)
    told: dict[str, Any] = {"flows": [described(flow) for flow in shelf.all(caller)]}
    problems = {n: found for n, found in shelf.problems.items() if caller.may(n[: -len(".json")])}
    if problems:
        told["not_served"] = {
            name: [problem.as_dict() for problem in found] for name, found in problems.items()
        }
    return JSONResponse(told)


async def one_flow(request: Request) -> Response:
    """One flow."""
    shelf = service_of(request).shelf
    return JSONResponse(described(shelf.get(request.path_params["name"], caller_of(request))))


# --- runs -----------------------------------------------------------------------------------------


async def status(request: Request) -> Response:
    """How a run stands."""
    service, id = service_of(request), request.path_params["run"]
    service.mine(id, caller_of(request))
    live, asked = await _here(service, id)
    told = live.as_dict() if live is not None else past_as_dict(await service.past(id))
    if told["status"] == "waiting":
        told["questions"] = asked or await service.questions(id)
        told["answer_at"] = f"/runs/{id}/answer"
    return JSONResponse({**told, "events_at": events_at(service, id)})


async def _here(service: FlowService, run: str) -> tuple[ServedRun | None, list[dict[str, Any]]]:
    """A run as this process has it, with its open questions where it waits. None where it does not,
    or where somebody answered by way of another process, which goes on with it: then what is
    recorded is newer."""
    live = service.live.get(run)
    if live is None or live.status != "waiting":
        return live, []
    asked = await service.questions(run)
    if not asked and live.status == "waiting":  # else it has gone on here meanwhile
        return None, []
    return live, asked


def past_as_dict(past: PastRun) -> dict[str, Any]:
    """A recorded run as JSON."""
    told: dict[str, Any] = {"run": past.id, "flow": past.name, "status": past.status}
    if past.status == "finished":
        told["outputs"] = past.outputs
    if past.problem is not None:
        told["error"] = past.problem
    if past.status == "interrupted":
        told["resume_at"] = f"/runs/{past.id}/resume"
    return {**told, "seconds": past.seconds, "started_at": past.started_at}


async def events(request: Request) -> Response:
    """The events of a run, from where the caller has read to."""
    service, id = service_of(request), request.path_params["run"]
    ticket = request.query_params.get("ticket", "")
    if not (ticket and service.owners.admits(ticket, id)):
        service.mine(id, caller_of(request))
    live, _ = await _here(service, id)
    last = request.headers.get("last-event-id") or request.query_params.get("after", "")
    if live is not None and live.follow:
        if live.status in _OVER and read_to(live, last) >= len(live.events):
            return Response(status_code=204)
        return streamed(live, last)
    return await _recorded(service, id, last)


_OVER = ("finished", "failed", "cancelled")
"""How a run stands of which nothing more is heard. A browser that has read all of it is told so
with 204, which ends its asking again (WHATWG HTML, section 9.2.3)."""
_RECORDED = "recorded."
"""Begins the ids of events that are read from the history."""


async def _recorded(service: FlowService, id: str, last: str) -> Response:
    """The events of a run of before, as far as they are recorded: without the pieces of texts."""
    past = await service.past(id)
    history = await service.history()
    found = await in_thread(history.events, id)
    after = event_number(last.removeprefix(_RECORDED)) if last.startswith(_RECORDED) else 0
    if past.status in _OVER and after >= len(found):
        return Response(status_code=204)

    async def pieces() -> AsyncGenerator[bytes, None]:
        for number, data in enumerate(found[after:], after + 1):
            told = shown(data, service.settings.values)
            yield event(told, str(data["type"]), f"{_RECORDED}{number}")

    return EventStream(pieces(), {"x-run-id": id})


async def cancel(request: Request) -> Response:
    """Stop a run."""
    service, id = service_of(request), request.path_params["run"]
    await service.cancel(id, caller_of(request))
    return JSONResponse({"run": id, "status": "cancelled"})


async def answer(request: Request) -> Response:
    """Answer a question of a run, and go on with it: to its end, in a stream, or behind."""
    service, id = service_of(request), request.path_params["run"]
    caller, given = caller_of(request), json_of(await request.body())
    if not isinstance(given, dict):
        raise refused(400, "serve/not-json", "The body is not a JSON object.")
    stream = yes("stream", given.pop("stream", takes_events(request)))
    behind = yes("background", given.pop("background", False))
    before = service.live.get(id)
    read = "" if before is None else f"{before.epoch}.{len(before.events)}"
    live = await service.answer(id, caller, given)
    if live is None:
        return JSONResponse({"run": id, "status": "running"}, 202)
    if stream:
        return streamed(live, read)
    if behind:
        return JSONResponse({**live.as_dict(), "events_at": events_at(service, id)}, 202)
    return await whole(request, service, live, stop=False)


async def resume(request: Request) -> Response:
    """Go on with a recorded run that was interrupted, stopped, or failed."""
    service, id = service_of(request), request.path_params["run"]
    live = await service.resume(id, caller_of(request))
    return JSONResponse({**live.as_dict(), "events_at": events_at(service, id)}, 202)


async def feedback(request: Request) -> Response:
    """Keep what somebody thought of the answer of a run."""
    service, caller, id = service_of(request), caller_of(request), request.path_params["run"]
    service.mine(id, caller)
    given = json_of(await request.body())
    if not isinstance(given, dict):
        raise refused(400, "serve/not-json", "The body is not a JSON object.")
    await service.feedback.keep(id, caller.name, given.get("rating"), given.get("comment"))
    return JSONResponse({"run": id, "rating": given.get("rating")})


async def all_feedback(request: Request) -> Response:
    """What was thought of the caller's runs."""
    caller = caller_of(request)
    return JSONResponse({"feedback": await service_of(request).feedback.listed(caller.name)})


# --- threads --------------------------------------------------------------------------------------


async def threads(request: Request) -> Response:
    """The caller's conversations, the last first."""
    from patchbay.flows.runs.threads import Threads

    caller = caller_of(request)
    history = await service_of(request).history()
    search = request.query_params.get("search", "")
    found = await in_thread(Threads(history).listed, search, people=[caller.person], limit=200)
    return JSONResponse({"threads": [_thread(one) for one in found]})


async def thread(request: Request) -> Response:
    """One conversation with its turns."""
    from patchbay.flows.runs.threads import Threads

    caller, id = caller_of(request), request.path_params["thread"]
    held = Threads(await service_of(request).history())
    found = await in_thread(held.find, id)
    if found is None or found.person != caller.person:
        raise refused(404, "thread/unknown", f'There is no thread "{id[:64]}".')
    turns = await in_thread(held.turns, id)
    told = [
        {"number": turn.number, "asked": turn.asked, "answer": turn.answer, "run": turn.run}
        for turn in turns
    ]
    return JSONResponse({**_thread(found), "turns": told})


def _thread(found: Any) -> dict[str, Any]:
    said = asdict(found)
    return {name: said[name] for name in ("id", "title", "flow", "created_at", "updated_at")}


# --- the rest -------------------------------------------------------------------------------------


async def health(request: Request) -> Response:
    """Whether the server takes runs, for whoever watches it. Needs no key."""
    slots = service_of(request).slots
    return JSONResponse(
        {"status": "ending" if slots.closed else "ok"}, 503 if slots.closed else 200
    )


async def metrics(request: Request) -> Response:
    """The figures, for Prometheus."""
    caller, service = caller_of(request), service_of(request)
    kind = "text/plain; version=0.0.4; charset=utf-8"
    figures, slots = await service.admission.figures()
    models = shows_models(caller, service.settings)
    return PlainTextResponse(figures.text(slots, caller.may, models=models), media_type=kind)


ROUTES = [
    Route("/flows/{name}/run", run, methods=["POST"]),  # what is called most comes first
    Route("/health", health),
    Route("/flows", flows),
    Route("/flows/{name}", one_flow),
    Route("/runs/{run}", status),
    Route("/runs/{run}/events", events),
    Route("/runs/{run}/cancel", cancel, methods=["POST"]),
    Route("/runs/{run}/answer", answer, methods=["POST"]),
    Route("/runs/{run}/resume", resume, methods=["POST"]),
    Route("/runs/{run}/feedback", feedback, methods=["POST"]),
    Route("/feedback", all_feedback),
    Route("/threads", threads),
    Route("/threads/{thread}", thread),
    Route("/metrics", metrics),
]
