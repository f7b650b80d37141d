"""Facts that outlive a run: kept once, and found again by meaning or by words.

The search is exact: every fact of the scope is compared, as it is on the disk at that moment. So a
fact that another process has just stored is found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from patchbay.nodes.contract import Context, NodeError
from patchbay.nodes.embedded import embedded, embedded_query
from patchbay.nodes.remembered import Fact, Scope
from patchbay.nodes.text.words import asked, indexed
from patchbay.nodes.values import Document, EmbeddingsSpec, content_hash

LONGEST = 20_000
"""Characters that one fact may have: it goes into prompts whole."""


async def remember(
    text: str, scope: Scope, embeddings: EmbeddingsSpec | None, ctx: Context
) -> bool:
    """Keep a fact. False where it was kept already.

    Raises:
        NodeError: it says nothing or too much, or there is nothing to keep it under.
    """
    fact = " ".join(text.split())
    if not fact or len(fact) > LONGEST:
        said = f"has {len(fact):,} characters" if fact else "is empty"
        raise NodeError(
            f"What is to be remembered {said}.",
            fix=f"Give a sentence, of at most {LONGEST:,} characters.",
            port="text",
            code="memory/fact",
            retry=False,
        )
    vector: tuple[float, ...] = ()
    if embeddings is not None:
        async with ctx.use(embeddings) as model:
            (found,) = await ctx.blocking(embedded, model, [fact])
        vector = tuple(found.tolist())
    kept = Fact(fact, content_hash(embeddings) if embeddings is not None else "", vector)
    return bool(await ctx.blocking(ctx.memory.store, scope, kept))


async def recall(
    query: str, scope: Scope, embeddings: EmbeddingsSpec | None, k: int, least: float, ctx: Context
) -> list[Document]:
    """The facts that fit a question best, best first.

    Args:
        query: what is asked.
        scope: whose facts.
        embeddings: compares meanings; None compares words.
        k: how many at most.
        least: the least score, from -1 to 1; by words it is the share of the question's words.
        ctx: the node's context.

    Raises:
        NodeError: there is nothing to look up in, or the embeddings fail.
    """
    facts: list[Fact] = await ctx.blocking(ctx.memory.facts, scope)
    if not facts or not query.strip():
        return []
    if embeddings is None:
        scores = [_share(query, fact.text) for fact in facts]
        least = max(least, 1e-9)  # a fact without a word of the question does not fit it
    else:
        scores = await _alike(query, facts, embeddings, ctx)
    best = sorted(range(len(facts)), key=lambda i: (-scores[i], i))[:k]
    return [
        Document(text=facts[i].text, metadata={"at": facts[i].at}, score=round(scores[i], 4))
        for i in best
        if scores[i] >= least
    ]


async def _alike(
    query: str, facts: Sequence[Fact], embeddings: EmbeddingsSpec, ctx: Context
) -> list[float]:
    import numpy as np

    key = content_hash(embeddings)
    async with ctx.use(embeddings) as model:
        asked = await ctx.blocking(embedded_query, model, query)
        old = [fact.text for fact in facts if not _serves(fact, key, len(asked))]
        made = await ctx.blocking(embedded, model, old, len(asked)) if old else []
    again = dict(zip(old, made, strict=True))  # of another model, or of none: made anew
    vectors = np.asarray([again.get(f.text, f.vector) for f in facts], dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(asked)
    return [float(x) for x in (vectors @ asked) / np.where(lengths == 0, 1, lengths)]


def _serves(fact: Fact, key: str, length: int) -> bool:
    """Whether its vector is of this model, and one to count with."""
    fits = fact.embeddings == key and len(fact.vector) == length
    return fits and all(math.isfinite(number) for number in fact.vector)


def _share(query: str, text: str) -> float:
    words, held = set(asked(query)), set(indexed(text))
    return len(words & held) / len(words) if words else 0.0
