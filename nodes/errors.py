"""What a node raises: something that went wrong, in words for the person who drew the flow."""

from __future__ import annotations


class NodeError(Exception):
    """Something went wrong in a node, in words for the person who drew the flow.

    Args:
        message: what happened, naming the values at hand.
        fix: what would help, as an imperative sentence.
        port: the port that it is about.
        code: a stable code, `family/what`.
        retry: whether trying again can help.
    """

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        port: str | None = None,
        code: str = "node/failed",
        retry: bool = True,
    ) -> None:
        super().__init__(message)
        self.message, self.fix, self.port, self.code, self.retry = message, fix, port, code, retry
