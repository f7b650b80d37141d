"""A person's conversations with the open flow, as the chat asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from patchbay.studio.chat.guarded import json_in
from patchbay.studio.server.json_answer import as_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from patchbay.flows.runs.threads import Thread
    from patchbay.studio.documents.document import FlowDocument


def thread_of(document: FlowDocument, browser: str, thread: str) -> Thread:
    """A conversation of this person with this flow.

    Raises:
        RefusedError: there is none of that id, or it is somebody else's.
    """
    from patchbay.flows.server.core.refusals import refused
    from patchbay.studio.chat import telling

    found: Thread | None
    if thread == "latest":
        found = next(iter(telling.mine(document, browser, limit=1)), None)
    else:
        found = telling.threads().find(thread)
    here = found is not None and found.place == str(document.path or "")
    if found is None or not here or found.person not in (browser, ""):
        raise refused(404, "thread/unknown", f'There is no thread "{thread[:64]}".')
    return found


async def _of_thread(
    request: Request, document: FlowDocument, browser: str, work: Callable[[Thread], Any]
) -> Response:
    from starlette.concurrency import run_in_threadpool

    def found() -> Any:
        return work(thread_of(document, browser, request.path_params["thread"]))

    return as_json(await run_in_threadpool(found))


async def threads(request: Request, document: FlowDocument, browser: str) -> Response:
    """`GET /threads?search=…`: this person's conversations with the flow, the last first."""
    from starlette.concurrency import run_in_threadpool

    from patchbay.studio.chat.telling import mine, thread_line

    search = request.query_params.get("search", "")
    found = await run_in_threadpool(mine, document, browser, search)
    return as_json({"threads": [thread_line(one) for one in found]})


async def thread(request: Request, document: FlowDocument, browser: str) -> Response:
    """`GET /threads/{thread}`: one of them with its turns; `latest` for the one used last."""
    from patchbay.studio.chat.telling import thread_told

    return await _of_thread(
        request, document, browser, lambda found: thread_told(document, browser, found)
    )


async def rename(request: Request, document: FlowDocument, browser: str) -> Response:
    """`PATCH /threads/{thread}` with a `title`."""
    from patchbay.studio.chat.telling import thread_line
    from patchbay.studio.chat.telling import threads as store

    title = str((await json_in(request)).get("title") or "")
    return await _of_thread(
        request, document, browser, lambda found: thread_line(store().rename(found.id, title))
    )


async def forget(request: Request, document: FlowDocument, browser: str) -> Response:
    """`DELETE /threads/{thread}`: with all its runs."""
    from patchbay.flows.runs.defaults import default_environment
    from patchbay.flows.runs.forgetting import forget_thread
    from patchbay.studio.server.services import services

    def forgotten(found: Thread) -> dict[str, str]:
        forget_thread(services().history, found.id, default_environment().cache)
        return {"id": found.id}

    return await _of_thread(request, document, browser, forgotten)


async def branch(request: Request, document: FlowDocument, browser: str) -> Response:
    """`POST /threads/{thread}/branch` with a `turn`: goes on from it in one of its own."""
    from patchbay.studio.chat.telling import thread_line
    from patchbay.studio.chat.telling import threads as store

    turn = (await json_in(request)).get("turn")
    number = turn if isinstance(turn, int) else 0
    return await _of_thread(
        request, document, browser, lambda found: thread_line(store().branch(found.id, number))
    )


async def export(request: Request, document: FlowDocument, browser: str) -> Response:
    """`GET /threads/{thread}/export`: it as Markdown, with a `name` for the file."""
    from patchbay.flows.runs.thread_export import as_markdown
    from patchbay.studio.chat.telling import threads as store
    from patchbay.studio.documents.library import slug

    def exported(found: Thread) -> dict[str, str]:
        text = as_markdown(found, store().turns(found.id))
        return {"name": f"{slug(found.title or found.id)}.md", "text": text}

    return await _of_thread(request, document, browser, exported)
