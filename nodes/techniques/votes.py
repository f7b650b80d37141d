"""Ask many times at once, let the answers vote, and show the vote."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from patchbay.nodes.contract import Context, JsonValue, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.models.asking import Answer, side_by_side
from patchbay.nodes.techniques.answers import Vote, same, vote
from patchbay.nodes.techniques.meaning import ComparedParams, vote_by_meaning


class Voted(Ports):
    """What a node gives whose answers voted."""

    answer: str = port(doc="The answer given most often; empty where none was found.")
    agreement: float = port(doc="The share of all that gave it, from 0 to 1.")
    answers: JsonValue = port(doc="Each answer in order, null where none was found.")
    table: Table = port(doc="Each with its answer and what the model wrote.")
    chart: Chart = port(doc="How often each answer came.")


Fate = Literal["won", "outvoted", "no answer"]
"""What became of an answer."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What the model said each time, the answer in it, and what they agree on."""

    said: Sequence[Answer]
    found: Sequence[str | None]
    vote: Vote
    fates: Sequence[Fate]
    """What became of each answer."""
    meant: Sequence[str | None]
    """Each answer, by meaning in the words of the one that speaks for those that mean the same."""
    likeness: Sequence[float | None] | None = None
    """The cosine of each answer to the winner, where they were compared by meaning."""

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[JsonValue]], title: str
    ) -> Table:
        """Rows, one for each answer, with a column of how like each is to the winner if known."""
        if self.likeness is None:
            return Table(columns=tuple(columns), rows=tuple(map(tuple, rows)), title=title)
        more = tuple((*row, likeness) for row, likeness in zip(rows, self.likeness, strict=True))
        return Table(columns=(*columns, "likeness"), rows=more, title=title)

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
    calls: Sequence[Callable[[], Awaitable[Answer]]],
    params: ComparedParams,
    ctx: Context,
    label: str,
    inputs: Ports,
) -> Poll:
    """Make all calls at once, and let the answers in what they gave vote.

    By meaning, answers with a cosine of at least the threshold are one; else those that are the
    same in letters.

    Raises:
        NodeError: the first call that failed; the others are cancelled.
    """
    said = await side_by_side(calls, ctx, label)
    found = [params.found(answer) for answer in said]
    likeness: Sequence[float | None] | None = None
    embeddings = params.embeddings(inputs)
    if embeddings is None:
        result = vote(found)
        agrees = [_same(answer, result.winner) for answer in found]
        meant = found
    else:
        meanings = await vote_by_meaning(found, embeddings, params.threshold, ctx)
        result, likeness = meanings.vote, meanings.likeness
        won = next(
            (g for a, g in zip(found, meanings.groups, strict=True) if a == result.winner), None
        )
        agrees = [group == won for group in meanings.groups]
        meant = [None if group is None else meanings.speakers[group] for group in meanings.groups]
    await warn_of_missing(result, len(found), params.answer, ctx)
    fates: list[Fate] = [
        "no answer" if answer is None else "won" if agreeing else "outvoted"
        for answer, agreeing in zip(found, agrees, strict=True)
    ]
    return Poll(said, found, result, fates, meant, likeness)


def _same(answer: str | None, winner: str | None) -> bool:
    return answer is not None and winner is not None and same(answer) == same(winner)


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
