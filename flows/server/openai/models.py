"""`GET /v1/models`: the flows, as models."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.openai.chat import completions
from patchbay.flows.server.openai.embeddings import embeddings
from patchbay.flows.server.openai.responses import responses


async def models(request: Request) -> Response:
    """All that the caller may use."""
    flows = service_of(request).shelf.all(caller_of(request))
    return JSONResponse({"object": "list", "data": [_model(flow) for flow in flows]})


async def model(request: Request) -> Response:
    """One."""
    flow = service_of(request).shelf.get(request.path_params["name"], caller_of(request))
    return JSONResponse(_model(flow))


def _model(flow: ServedFlow) -> dict[str, Any]:
    changed = int(flow.stamp[0][1] / 1e9) if flow.stamp else 0
    told = {"id": flow.name, "object": "model", "created": changed, "owned_by": "patchbay"}
    return {**told, "name": flow.title}


ROUTES = [
    Route("/v1/models", models),
    Route("/v1/models/{name}", model),
    Route("/v1/chat/completions", completions, methods=["POST"]),
    Route("/v1/responses", responses, methods=["POST"]),
    Route("/v1/embeddings", embeddings, methods=["POST"]),
]
