"""A running summary: what was left out of a conversation, folded into a few sentences.

The turns that fall out of the window are added to the summary of those before them, so that each
is read by the model once. After ConversationSummaryBufferMemory of LangChain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Context, NodeError
from patchbay.nodes.models.asking import ask
from patchbay.nodes.remembered import Summary
from patchbay.nodes.values import Message, ModelSpec

PROMPT = """Summarize a conversation in a few sentences. Keep names, numbers and wishes.

{before}New lines of the conversation:
{lines}

Summary:"""
BEFORE = "Summary so far:\n{summary}\n\n"
AT_ONCE = 6
"""Turns that are folded in with one request."""


async def summarized(
    turns: Sequence[Sequence[Message]],
    model: ModelSpec,
    key: str,
    max_tokens: int,
    ctx: Context,
) -> str:
    """The summary of turns. What a former turn of the thread summarized is taken over.

    Args:
        turns: what is left out, the oldest first.
        model: who summarizes.
        key: the node, and what its summaries depend on.
        max_tokens: tokens that a summary may have.
        ctx: the node's context.

    Raises:
        NodeError: the model failed, or gave an empty summary.
    """
    kept = await ctx.blocking(ctx.memory.summary, key)
    covered, text, whole = 0, "", True
    if kept and 0 < kept.covered <= len(turns) and kept.digest == _digest(turns[: kept.covered]):
        covered, text = kept.covered, kept.text
    while covered < len(turns):
        fresh = turns[covered : covered + AT_ONCE]
        lines = "\n".join(f"{m.role}: {m.content}" for turn in fresh for m in turn)
        before = BEFORE.format(summary=text) if text else ""
        prompt = PROMPT.format(before=before, lines=lines)
        asked = [Message(role="user", content=prompt)]
        answer = await ask(ctx, model, asked, CallOptions(max_tokens=max_tokens), port=None)
        if not answer.text.strip():
            raise NodeError(
                "The model gave an empty summary.",
                fix="Raise the tokens of the summary, or wire a larger model.",
                port="model",
                code="memory/no-summary",
            )
        covered, text = covered + len(fresh), answer.text.strip()
        whole = whole and not answer.cut  # half a summary is told of, and not built on later
        if whole:
            summary = Summary(covered, _digest(turns[:covered]), text)
            await ctx.blocking(ctx.memory.keep_summary, key, summary)
        await ctx.progress("Summarizing, turns", covered, len(turns))
    return text


def _digest(turns: Sequence[Sequence[Message]]) -> str:
    said = "\x00".join(f"{m.role}\x01{m.content}" for turn in turns for m in turn)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
