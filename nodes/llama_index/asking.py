"""What engines of LlamaIndex need of a run: its way of asking a model, and of searching."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Context
from patchbay.nodes.models.asking import ask, say_if_empty
from patchbay.nodes.retrieval.as_documents import document_from_langchain
from patchbay.nodes.retrieval.retriever import IndexRetriever
from patchbay.nodes.values import Document, Message, ModelSpec, RetrieverSpec


def asks_of(ctx: Context, model: ModelSpec, most: int) -> Any:
    """Ask a model as any node does. Calls side by side are told apart by what they ask."""

    async def asks(messages: list[Message], call: CallOptions) -> str:
        told = "\0".join(message.content for message in messages)
        name = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        with ctx.lane(name):
            asked = call.over(CallOptions(max_tokens=most))
            answer = await ask(ctx, model, messages, asked, port=None)
        await say_if_empty(ctx, answer)
        return answer.text

    return asks


async def searches_of(
    ctx: Context, stack: AsyncExitStack, spec: RetrieverSpec, name: str = ""
) -> Any:
    """Searches with a retriever of a flow, kept open as long as the stack is."""
    opened = await stack.enter_async_context(ctx.use(spec, slot=False))

    async def answer(messages: list[Message], **options: Any) -> str:
        model = spec.model if isinstance(spec, IndexRetriever) else None
        assert model is not None  # noqa: S101 - the retriever's node saw to it
        return (await ask(ctx, model, messages, CallOptions(**options), port=None)).text

    async def searches(query: str) -> Sequence[Document]:
        if isinstance(spec, IndexRetriever):
            found: list[Document] = await opened.search(query, answer)
        else:
            found = [document_from_langchain(one) for one in await opened.ainvoke(query)]
        ctx.step("tool result", f"{query}: {len(found)} found", who=name, tool="search")
        return found

    return searches


def window_of(model: ModelSpec) -> int:
    """How many tokens a model reads, where its description says so."""
    known = getattr(model, "context", None)
    return known if isinstance(known, int) else 4096
