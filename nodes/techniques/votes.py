"""Ask many times at once, let the answers vote, and show the vote."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from patchbay.nodes.contract import Context, JsonValue, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.models.asking import Answer, side_by_side
from patchbay.nodes.techniques.answers import Vote, vote
from patchbay.nodes.techniques.asking import AnswerParams


class Voted(Ports):
    """What a node gives whose answers voted."""

    answer: str = port(doc="The answer given most often; empty where none was found.")
    agreement: float = port(doc="The share of all that gave it, from 0 to 1.")
    answers: JsonValue = port(doc="Each answer in order, null where none was found.")
    table: Table = port(doc="Each with its answer and what the model wrote.")
    chart: Chart = port(doc="How often each answer came.")


@dataclass(frozen=True, slots=True)
class Poll:
    """What the model said each time, the answer in it, and what they agree on."""

    said: Sequence[Answer]
    found: Sequence[str | None]
    vote: Vote

    def outputs(self, table: Table, title: str) -> Voted:
        """The poll on ports."""
        return Voted(
            answer=self.vote.winner or "",
            agreement=self.vote.agreement,
            answers=list(self.found),
            table=table,
            chart=vote_chart(self.vote, title),
        )


async def poll(
    calls: Sequence[Callable[[], Awaitable[Answer]]], params: AnswerParams, ctx: Context, label: str
) -> Poll:
    """Make all calls at once, and let the answers in what they gave vote.

    Raises:
        NodeError: the first call that failed; the others are cancelled.
    """
    said = await side_by_side(calls, ctx, label)
    found = [params.found(answer.text) for answer in said]
    result = vote(found)
    await warn_of_missing(result, len(found), params.answer, ctx)
    return Poll(said, found, result)


def vote_chart(vote: Vote, title: str) -> Chart:
    """How often each answer came; those without an answer are a bar of their own."""
    rows = [{"answer": answer, "votes": count} for answer, count in vote.counts]
    if vote.missing:
        rows.append({"answer": "(none)", "votes": vote.missing})
    return Chart(
        kind="bar", rows=tuple(rows), x="answer", y="votes", title=title, y_title="answers"
    )


async def warn_of_missing(vote: Vote, total: int, kind: str, ctx: Context) -> None:
    """Say how many answers held nothing that counts."""
    if vote.winner is None:
        await ctx.warn(f"None of the {total} answers holds a {kind}; the answer is empty.")
    elif vote.missing:
        await ctx.warn(f"{vote.missing} of {total} answers hold no {kind} and did not vote.")
