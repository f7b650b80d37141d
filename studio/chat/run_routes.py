"""The open flow and its runs, as the chat asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patchbay.studio.chat.guarded import json_in
from patchbay.studio.server.json_answer import as_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from patchbay.studio.documents.document import FlowDocument


async def flow(request: Request, document: FlowDocument, browser: str) -> Response:
    """`GET /flows/{name}`: the open flow."""
    from starlette.concurrency import run_in_threadpool

    from patchbay.studio.chat.telling import flow_told

    return as_json(await run_in_threadpool(flow_told, document))


async def run(request: Request, document: FlowDocument, browser: str) -> Response:
    """`POST /flows/{name}/run?thread=…&again=…` with what is said; answers with its events."""
    from starlette.concurrency import run_in_threadpool

    from patchbay.flows.server.core.event_stream import EventStream
    from patchbay.studio.chat.starting import start_turn
    from patchbay.studio.chat.stream import pieces
    from patchbay.studio.chat.thread_routes import thread_of

    given, query = await json_in(request), request.query_params
    text = next((value for value in given.values() if isinstance(value, str)), "")
    thread, again = query.get("thread") or None, query.get("again") == "true"
    if thread is not None:
        await run_in_threadpool(thread_of, document, browser, thread)
    live = await run_in_threadpool(start_turn, document, browser, text, thread, again=again)
    return EventStream(pieces(live.id), {"x-run-id": live.id})


async def status(request: Request, document: FlowDocument, browser: str) -> Response:
    """`GET /runs/{run}`: how it stands."""
    from starlette.concurrency import run_in_threadpool

    return as_json(await run_in_threadpool(_run, document, browser, request.path_params["run"]))


def _run(document: FlowDocument, browser: str, run: str) -> dict[str, Any]:
    from patchbay.studio.chat.telling import past_told, run_told
    from patchbay.studio.server.questions import asked
    from patchbay.studio.server.services import services

    _own(browser, run)
    name = asked(document.flow).chat_input or ""
    live = services().runner.get(run)
    if live is None:
        return past_told(services().history.get(run), name)
    services().runner.catch_up(live)
    return run_told(live, name)


def _own(browser: str, run: str) -> None:
    """Refuse a run that somebody else started."""
    from patchbay.flows.server.core.refusals import refused
    from patchbay.studio.server.services import services

    if services().runner.owners().get(run, browser) != browser:
        raise refused(404, "history/unknown-run", f'There is no run "{run[:64]}".')


async def events(request: Request, document: FlowDocument, browser: str) -> Response:
    """`GET /runs/{run}/events`: its events from the first one on, as they come."""
    from starlette.concurrency import run_in_threadpool

    from patchbay.flows.server.core.event_stream import EventStream
    from patchbay.flows.server.core.refusals import refused
    from patchbay.studio.chat.stream import pieces
    from patchbay.studio.server.services import services

    run = request.path_params["run"]
    await run_in_threadpool(_own, browser, run)
    if services().runner.get(run) is None:
        raise refused(404, "history/unknown-run", "This run is not at work here.")
    return EventStream(pieces(run), {"x-run-id": run})


async def answer(request: Request, document: FlowDocument, browser: str) -> Response:
    """`POST /runs/{run}/answer`: answers a question. What comes of it is told by its events."""
    from starlette.concurrency import run_in_threadpool

    given, run = dict(await json_in(request)), request.path_params["run"]
    await run_in_threadpool(_answer, browser, run, given)
    return as_json({"run": run, "status": "running"}, 202)


def _answer(browser: str, run: str, given: dict[str, Any]) -> None:
    from patchbay.studio.runs.answering import take
    from patchbay.studio.server.services import services

    _own(browser, run)
    given.pop("stream", None)
    take(services().runner, run, given, browser)


async def cancel(request: Request, document: FlowDocument, browser: str) -> Response:
    """`POST /runs/{run}/cancel`: stops it."""
    from starlette.concurrency import run_in_threadpool

    from patchbay.studio.server.services import services

    run = request.path_params["run"]
    await run_in_threadpool(_own, browser, run)
    await run_in_threadpool(services().runner.stop, run)
    return as_json({"run": run, "status": "cancelled"})


async def feedback(request: Request, document: FlowDocument, browser: str) -> Response:
    """`POST /runs/{run}/feedback`: keeps a thumb."""
    from starlette.concurrency import run_in_threadpool

    from patchbay.flows.server.core.feedback import Feedback
    from patchbay.flows.server.core.refusals import refused

    given, run = await json_in(request), request.path_params["run"]
    await run_in_threadpool(_own, browser, run)
    rating, comment = given.get("rating"), given.get("comment")
    try:
        await Feedback().keep(run, browser, rating, comment)
    except OSError as error:
        raise refused(
            503, "history/unwritable", f"It is not kept: {error.strerror or error}.", "Try again."
        ) from error
    return as_json({"run": run, "rating": rating})
