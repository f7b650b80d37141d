"""Votes as a table and a chart."""

from __future__ import annotations

from patchbay.nodes.contract import Context
from patchbay.nodes.figures import Chart
from patchbay.nodes.techniques.answers import Vote


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
