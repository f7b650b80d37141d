"""Exceptions, turned into problems that a person can act on."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.errors import NodeError

if TYPE_CHECKING:
    from patchbay.flows.runs.secrets import Secrets


class StepError(Exception):
    """A node failed for good and ends the run."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class RunError(Exception):
    """A run that ended without its outputs; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class SchedulerError(Exception):
    """Something broke in the scheduler, where nothing that a person draws should break anything.

    Args:
        message: what happened, in words.
        node: the path of the node that it happened to, where it is one's.
        cause: what was raised.
    """

    def __init__(self, message: str, node: str = "", cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.node = node
        self.__cause__ = cause


def said(error: BaseException) -> str:
    """The type and the words of an exception; only its type where its words cannot be had."""
    try:
        text = str(error)
    except Exception:  # a stranger's `__str__`; the run must still be able to say what ended it
        text = ""
    name = type(error).__name__
    return f"{name}: {text}"


def explain(error: BaseException, node: str, secrets: Secrets) -> Problem:
    """The problem that an exception in a node is. Secrets are blacked out. Never raises."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, SchedulerError):
        node = error.node
    problem = _explain(error, node)
    return Problem(
        secrets.redact_text(problem.code),
        secrets.redact_text(problem.message),
        secrets.redact_text(problem.fix),
        node=node,
        port=problem.port and secrets.redact_text(problem.port),
    )


def about_file(error: OSError) -> tuple[str, str]:
    """What the system says of a file, and the way out."""
    fixes = {
        errno.ENOSPC: "Free some space, or choose a folder on another disk.",
        errno.EDQUOT: "Free some space, or choose a folder on another disk.",
        errno.EROFS: "Choose a folder that can be written; PATCHBAY_HOME moves Patchbay's own.",
        errno.EACCES: "Check who may read and write it; PATCHBAY_HOME moves Patchbay's own files.",
        errno.EPERM: "Check who may read and write it; PATCHBAY_HOME moves Patchbay's own files.",
        errno.ENOENT: "Check the name, and the folder that it starts in.",
    }
    where = error.filename or "A file"
    what = error.strerror or "the system refuses"
    return f"{where}: {what}.", fixes.get(error.errno or 0, "Check the file and its folder.")


def may_retry(error: BaseException) -> bool:
    """Whether another try can help."""
    return error.retry if isinstance(error, NodeError) else True


def _explain(error: BaseException, node: str) -> Problem:
    if isinstance(error, NodeError):
        return Problem(error.code, error.message, error.fix, port=error.port, param=error.param)
    if isinstance(error, FlowError) and error.problems:
        first = error.problems[0]
        return Problem(first.code, first.message, first.fix, port=first.port)
    if isinstance(error, SchedulerError):
        return Problem(
            "run/defect",
            str(error),
            "This is a mistake in Patchbay or in a node: run with --debug and report what it says.",
        )
    if isinstance(error, TimeoutError):
        return Problem(
            "node/timeout",
            str(error) or "It took too long.",
            "Give it more time (run.timeout_s), or less to do.",
        )
    if isinstance(error, MemoryError):
        return Problem(
            "node/memory", "There is not enough memory.", "Choose a smaller model or input."
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Problem("node/disk-full", f"The disk is full: {error}.", "Free some space.")
    if isinstance(error, OSError) and error.filename and error.strerror:
        return Problem("node/file", *about_file(error))
    return Problem(
        "node/raised",
        said(error),
        "Run with --debug to see where, and check what went in.",
    )
