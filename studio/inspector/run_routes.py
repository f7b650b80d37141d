"""What the Run panel of the canvas's dock asks and sends: guarded as in `routes`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from patchbay.studio.inspector.routes import answer_with
from patchbay.studio.server.asking import body_within
from patchbay.studio.server.base_path import prefix_of
from patchbay.studio.server.json_answer import as_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

LONGEST = 20_000_000
"""Characters of a message: a text that was typed may be long."""


def routes(base: str = "") -> list[BaseRoute]:
    """The routes, below the app's base path."""
    from starlette.routing import Route

    prefix = prefix_of(base)
    return [
        Route(f"{prefix}/patchbay/form", form, methods=["GET", "POST"]),
        Route(f"{prefix}/patchbay/form-file", form_file, methods=["POST"]),
        Route(f"{prefix}/patchbay/run", run, methods=["GET"]),
        Route(f"{prefix}/patchbay/stop", stop, methods=["POST"]),
        Route(f"{prefix}/patchbay/answer", answer, methods=["POST"]),
    ]


async def form(request: Request) -> Response:
    """`GET …/patchbay/form?doc=…&token=…`: `form_of` the flow; `POST` with JSON: `take_typed`."""
    from patchbay.studio.inspector.run_form import form_of, take_typed

    if request.method == "GET":
        return await answer_with(request, form_of)
    wish = await _wish(request)
    if wish is None:
        return as_json({"message": "This is no form."}, 400)
    return await answer_with(
        request, lambda document, browser: take_typed(document, browser, wish), writes=True
    )


async def form_file(request: Request) -> Response:
    """`POST …/patchbay/form-file?doc=…&token=…&input=…&name=…[&more=1]`, a file as the body."""
    from patchbay.studio.inspector.run_form import UPLOAD, take_file

    data = await body_within(request, UPLOAD)
    if data is None:
        return as_json({"message": "This file is too large."}, 413)
    query = request.query_params
    place, more = (query.get("input", ""), query.get("name", "file")), bool(query.get("more"))
    return await answer_with(
        request,
        lambda document, browser: take_file(document, browser, *place, data, more=more),
        writes=True,
    )


async def run(request: Request) -> Response:
    """`GET …/patchbay/run?doc=…&token=…`: `run_of` the flow."""
    from patchbay.studio.inspector.told_run import run_of

    return await answer_with(request, run_of)


async def stop(request: Request) -> Response:
    """`POST …/patchbay/stop?doc=…&token=…`: `stop_run`."""
    from patchbay.studio.inspector.told_run import stop_run

    return await answer_with(request, stop_run, writes=True)


async def answer(request: Request) -> Response:
    """`POST …/patchbay/answer?doc=…&token=…` with JSON as body: `answer` in `told_run`."""
    from patchbay.studio.inspector import told_run

    given = await _wish(request)
    if given is None:
        return as_json({"message": "This is no answer."}, 400)
    return await answer_with(
        request, lambda document, browser: told_run.answer(document, browser, given), writes=True
    )


async def _wish(request: Request) -> dict[str, Any] | None:
    body = await body_within(request, LONGEST)
    try:
        found = json.loads(body) if body is not None else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
