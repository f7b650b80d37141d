"""What a caller is told when something is not done: a status, and a problem with its fix."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.units import duration

RETRY_S = 5
"""Seconds until a server that cannot just now is asked again, where nobody knows better."""


class RefusedError(Exception):
    """A request that is not served.

    Args:
        status: the HTTP status.
        problem: what is wrong.
        retry_s: after how many seconds it may be tried again; None: not at all as it is.
        more: other problems beside the first.
        about: headers that say what it is about, such as a run's.
    """

    def __init__(
        self,
        status: int,
        problem: Problem,
        retry_s: int | None = None,
        more: tuple[Problem, ...] = (),
        about: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(problem.message)
        self.status, self.problem, self.more = status, problem, more
        self.retry_s = RETRY_S if retry_s is None and status == 503 else retry_s
        self._about = about or {}

    @property
    def headers(self) -> dict[str, str]:
        """What goes with the status."""
        found = dict(self._about)
        if self.retry_s is not None:
            found["retry-after"] = str(self.retry_s)
        if self.status == 401:
            found["www-authenticate"] = 'Bearer realm="patchbay"'
        return found


def refused(status: int, code: str, message: str, fix: str = "", **more: Any) -> RefusedError:
    """A refusal, in a line."""
    return RefusedError(status, Problem(code, message, fix), **more)


_STATUS: Mapping[str, int] = {
    "input/": 400,
    "thread/busy": 409,
    "thread/exists": 409,
    "thread/gone-on": 409,
    "thread/unknown": 404,
    "thread/": 400,
    "question/answered": 409,
    "question/ended": 409,
    "question/withdrawn": 409,
    "question/unknown": 404,
    "question/none": 409,
    "question/": 400,
    "history/unknown-run": 404,
    "history/finished": 409,
    "history/running": 409,
    "history/ended": 409,
    "history/": 503,
    "serve/timeout": 504,
    "batch/worker": 503,
    "cluster/": 503,
    "run/cancelled": 409,
}
"""Code, or its beginning, → status. What is not here is a failure of the flow: 500."""


def status_of(problem: Problem) -> int:
    """The HTTP status of a problem."""
    return next((s for code, s in _STATUS.items() if problem.code.startswith(code)), 500)


def of_flow(error: FlowError) -> RefusedError:
    """The refusal that problems of a flow, or of what was given to it, come to."""
    first, *others = error.problems or (Problem("run/defect", str(error)),)
    return RefusedError(status_of(first), first, None, tuple(others))


def of_system(error: OSError) -> RefusedError | None:
    """The refusal that a short system comes to: a full disk, no more files. None for what is no
    matter of the system's."""
    if error.errno is None or error.errno not in _SHORT:
        return None
    return refused(
        503,
        "system/file",
        f"The machine of the server refuses a file: {os.strerror(error.errno)}.",
        "Try again when whoever runs the server has seen to it.",
        retry_s=_SHORT_RETRY_S,
    )


_NAMES = ("ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "ENOMEM", "EROFS", "EACCES", "EPERM", "EIO")
_SHORT = {getattr(errno, name) for name in _NAMES if hasattr(errno, name)}
_SHORT_RETRY_S = 30


def body_of(problem: Problem, more: tuple[Problem, ...] = (), **about: Any) -> dict[str, Any]:
    """The JSON of a problem, as every address of ours gives it."""
    told: dict[str, Any] = {"error": problem.as_dict(), **about}
    if more:
        told["also"] = [other.as_dict() for other in more]
    return told


def answer(error: RefusedError, **about: Any) -> JSONResponse:
    """The response to a request that is not served."""
    return JSONResponse(
        body_of(error.problem, error.more, **about), error.status, headers=error.headers
    )


def too_long(limit: float) -> Problem:
    """A run took longer than it may."""
    return Problem(
        "serve/timeout",
        f"The run took longer than {duration(limit)}, and was stopped.",
        "Ask for less, or start the server with a larger --timeout.",
    )
