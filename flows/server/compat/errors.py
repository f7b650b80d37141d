"""Errors where Flowise's and Langflow's clients look for them."""

from __future__ import annotations

from starlette.responses import JSONResponse

from patchbay.flows.server.core.refusals import RefusedError, answer


def error_response(error: RefusedError) -> JSONResponse:
    """Ours, with the words as `detail` beside it for Langflow's clients, and as `message` with the
    status for Flowise's, which do not look at that of HTTP."""
    words = error.problem.in_words()
    told = {"detail": words, "message": words, "statusCode": error.status, "success": False}
    return answer(error, **told)
