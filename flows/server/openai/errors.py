"""Errors in the shape that OpenAI's clients read."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

from patchbay.flows.server.core.refusals import RefusedError

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {"serve/unknown-flow": "model_not_found", "serve/key": "invalid_api_key"}


def error_body(error: RefusedError) -> dict[str, Any]:
    """The JSON of an error."""
    problem = error.problem
    where = f"{problem.place}:" if problem.place else ""
    said = " ".join(filter(None, (where, problem.message, problem.fix)))
    otherwise = "server_error" if error.status >= 500 else "invalid_request_error"
    told = {
        "message": said,
        "type": _TYPES.get(error.status, otherwise),
        "param": problem.place or None,
        "code": _CODES.get(problem.code, problem.code),
    }
    return {"error": told}


def error_response(error: RefusedError) -> JSONResponse:
    """The response. Clients try again what may be better then, and nothing else."""
    again = error.status in (408, 429, 503)
    headers = {**error.headers, "x-should-retry": "true" if again else "false"}
    return JSONResponse(error_body(error), error.status, headers=headers)
