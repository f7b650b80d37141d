"""The addresses of the chat, guarded like everything else of an open flow.

They are those of `flows/server/http/addresses.py` below `patchbay/chat`, with the page's token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchbay.studio.chat import run_routes, thread_routes
from patchbay.studio.chat.guarded import ChatHandler, body_in, guarded
from patchbay.studio.server.base_path import prefix_of
from patchbay.studio.server.json_answer import as_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from patchbay.studio.documents.document import FlowDocument


def routes(base: str = "") -> list[BaseRoute]:
    """The routes, below the app's base path."""
    from starlette.routing import Route

    at = f"{prefix_of(base)}/patchbay/chat"
    table: tuple[tuple[str, str, ChatHandler], ...] = (
        ("GET", "/flows/{name}", run_routes.flow),
        ("POST", "/flows/{name}/run", run_routes.run),
        ("GET", "/runs/{run}", run_routes.status),
        ("GET", "/runs/{run}/events", run_routes.events),
        ("POST", "/runs/{run}/answer", run_routes.answer),
        ("POST", "/runs/{run}/cancel", run_routes.cancel),
        ("POST", "/runs/{run}/feedback", run_routes.feedback),
        ("GET", "/threads", thread_routes.threads),
        ("GET", "/threads/{thread}", thread_routes.thread),
        ("PATCH", "/threads/{thread}", thread_routes.rename),
        ("DELETE", "/threads/{thread}", thread_routes.forget),
        ("POST", "/threads/{thread}/branch", thread_routes.branch),
        ("GET", "/threads/{thread}/export", thread_routes.export),
        ("POST", "/words", words),
    )
    return [Route(at + path, guarded(work), methods=[way]) for way, path, work in table]


async def words(request: Request, document: FlowDocument, browser: str) -> Response:
    """`POST /words`: what Markdown makes of texts."""
    from starlette.concurrency import run_in_threadpool

    from patchbay.flows.server.http.markdown_parts import words_in

    return as_json(await run_in_threadpool(words_in, await body_in(request)))
