"""What every node that asks a person can be told: what to ask, whom, and until when."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import Context, Field, Node, NodeParams
from patchbay.nodes.ports import UNSET
from patchbay.nodes.questions import Question, Reply, Wants


class Asking(NodeParams):
    """Params of nodes that ask."""

    question: str = Field("Go on?", min_length=1, max_length=2000)
    """What the person is asked, in one line."""
    whom: str = Field("", max_length=200)
    """Whom it is for, in words: `the editor`, `Ada`. Anybody who sees it may answer."""
    within_hours: float | None = Field(None, gt=0, le=24 * 366)
    """Hours until it is too late. Empty: it waits as long as it takes."""


class AskingNode(Node):
    """A node that asks a person."""

    family, deterministic = "People", False

    @classmethod
    def asks(cls, params: Any) -> bool:
        """Always."""
        return True

    @classmethod
    def repeatable(cls, params: Any, inputs: Any) -> bool:
        """Never: what a person said of one run is not said of the next."""
        return False

    @classmethod
    def summary(cls, params: Any) -> str:
        """Who is asked what."""
        whom = f"{params.whom}: " if params.whom else ""
        return f"{whom}{params.question}"


async def asked(
    params: Asking, wants: Wants, value: Any, ctx: Context, default: Any = UNSET
) -> Reply:
    """The answer of a person to the question of these params.

    Args:
        params: what is asked, whom, and until when.
        wants: what kind of answer.
        value: what to look at.
        ctx: the run.
        default: what is taken when it is too late; without one the node fails.
    """
    seconds = None if params.within_hours is None else params.within_hours * 3600
    question = Question(
        params.question, wants, value, whom=params.whom, within_s=seconds, default=default
    )
    return await ctx.ask(question)
