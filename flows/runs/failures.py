"""Exceptions, turned into problems that a person can act on."""

from __future__ import annotations

import errno

from patchbay.flows.problems import Problem
from patchbay.flows.runs.secrets import Secrets
from patchbay.nodes.contract import NodeError


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


def explain(error: BaseException, node: str, secrets: Secrets) -> Problem:
    """The problem that an exception in a node is. Secrets are blacked out."""
    problem = _explain(error, node)
    return Problem(
        problem.code,
        secrets.redact_text(problem.message),
        secrets.redact_text(problem.fix),
        node=node,
        port=problem.port,
    )


def may_retry(error: BaseException) -> bool:
    """Whether another try can help."""
    return error.retry if isinstance(error, NodeError) else True


def _explain(error: BaseException, node: str) -> Problem:
    if isinstance(error, NodeError):
        return Problem(error.code, error.message, error.fix, port=error.port)
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
    return Problem(
        "node/raised",
        f"{type(error).__name__}: {error}",
        "Run with --debug to see where, and check what went in.",
    )
