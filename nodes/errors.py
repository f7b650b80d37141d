"""What a node raises: something that went wrong, in words for the person who drew the flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class NodeError(Exception):
    """Something went wrong in a node, in words for the person who drew the flow.

    Args:
        message: what happened, naming the values at hand.
        fix: what would help, as an imperative sentence.
        port: the port that it is about.
        param: the param that it is about.
        code: a stable code, `family/what`.
        retry: whether trying again can help.
    """

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        port: str | None = None,
        param: str | None = None,
        code: str = "node/failed",
        retry: bool = True,
    ) -> None:
        super().__init__(message)
        self.message, self.fix, self.port, self.param = message, fix, port, param
        self.code, self.retry = code, retry


def error_as_json(error: NodeError) -> dict[str, Any]:
    """An error as it is sent from one process to another."""
    return {
        "message": error.message, "fix": error.fix, "code": error.code, "retry": error.retry,
        "port": error.port, "param": error.param,
    }  # fmt: skip


def error_from_json(told: Mapping[str, Any]) -> NodeError:
    """The error that `error_as_json` told."""
    return NodeError(
        told["message"], fix=told["fix"], code=told["code"], retry=bool(told["retry"]),
        port=told.get("port"), param=told.get("param"),
    )  # fmt: skip


def node_error_in(error: BaseException) -> NodeError | None:
    """Our own failure, where a library has put it into one of its own: itself or a cause of it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, NodeError):
        cause = cause.__cause__ or cause.__context__
    return cause


class Suspended(BaseException):  # not an `Exception`: nothing on the way out shall interpret it
    """A node waits for a person: its task ends here, and begins anew when there is an answer.

    Args:
        questions: the ids of the open questions.
    """

    def __init__(self, questions: tuple[str, ...]) -> None:
        super().__init__(f"waits for an answer to {', '.join(questions)}")
        self.questions = questions


def suspended(error: BaseException) -> Suspended | None:
    """The one suspension that an exception is, also where a task group has gathered several.

    None for everything else: a failure beside a suspension is a failure.
    """
    if isinstance(error, Suspended):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    parts = [suspended(part) for part in error.exceptions]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    return Suspended(tuple(dict.fromkeys(q for part in found for q in part.questions)))
