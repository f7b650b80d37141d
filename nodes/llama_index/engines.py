"""Query and chat engines of LlamaIndex, put together. Imported only where one is built."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.chat_engine import CondensePlusContextChatEngine
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.query_engine import (
    RetrieverQueryEngine,
    RouterQueryEngine,
    SubQuestionQueryEngine,
)
from llama_index.core.query_engine.sub_question_query_engine import SubQuestionAnswerPair
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.tools import QueryEngineTool, ToolMetadata

from patchbay.nodes.llama_index.parts import (
    AsksModel,
    ForcedQuestions,
    ForcedSelector,
    PatchbayLLM,
    PatchbayRetriever,
    Searches,
)
from patchbay.nodes.retrieval.answer_node import NOTHING
from patchbay.nodes.values import Message


def make_engine(
    kind: str,
    asks: AsksModel,
    sources: Sequence[tuple[str, str]],
    searches: Sequence[Searches],
    tokens: tuple[int, int],
    most_questions: int,
    tells: Callable[[str, str], None],
) -> Any:
    """A query engine.

    Args:
        kind: "router", "sub-questions" or "tree summary".
        sources: name and description of each source.
        searches: how each source is searched.
        tokens: how many a model reads, and how many it writes at most.
        tells: called with each smaller question and its source.
    """
    llm = PatchbayLLM(asks=asks, window=tokens[0], most=tokens[1])
    retrievers = [PatchbayRetriever(one) for one in searches]
    if kind == "tree summary":
        return RetrieverQueryEngine(
            _All(retrievers), _synthesizer(llm, ResponseMode.TREE_SUMMARIZE)
        )
    tools = [
        QueryEngineTool(
            query_engine=RetrieverQueryEngine(one, _synthesizer(llm, ResponseMode.COMPACT)),
            metadata=ToolMetadata(name=name, description=text),
        )
        for (name, text), one in zip(sources, retrievers, strict=True)
    ]
    if kind == "router":
        summary = _synthesizer(llm, ResponseMode.TREE_SUMMARIZE)
        return RouterQueryEngine(ForcedSelector(asks), tools, llm=llm, summarizer=summary)
    return EveryQuestion.from_defaults(
        tools, llm=llm, question_gen=ForcedQuestions(asks, most_questions, tells),
        response_synthesizer=_synthesizer(llm, ResponseMode.COMPACT), verbose=False,
    )  # fmt: skip


def _synthesizer(llm: PatchbayLLM, mode: ResponseMode) -> Any:
    return _honest(get_response_synthesizer(llm=llm, response_mode=mode, use_async=True))


def _honest(synthesizer: Any) -> Any:
    """One that does not give "Empty Response" for an answer where nothing was found."""
    synthesizer._empty_response = NOTHING  # the factory has no argument for it
    return synthesizer


class EveryQuestion(SubQuestionQueryEngine):
    """Answers from every part of the question, or fails.

    LlamaIndex's own logs a part that failed and answers from the others (0.14.25).
    """

    async def _aquery(self, query_bundle: Any) -> Any:
        asked = await self._question_gen.agenerate(self._metadatas, query_bundle)
        try:
            async with asyncio.TaskGroup() as group:
                parts = [group.create_task(self._aquery_subq(one)) for one in asked]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        pairs = [part.result() for part in parts]
        return await self._response_synthesizer.asynthesize(
            query=query_bundle,
            nodes=[self._construct_node(pair) for pair in pairs],
            additional_source_nodes=[node for pair in pairs for node in pair.sources],
        )

    async def _aquery_subq(self, sub_q: Any, color: str | None = None) -> SubQuestionAnswerPair:
        answer = await self._query_engines[sub_q.tool_name].aquery(sub_q.sub_question)
        return SubQuestionAnswerPair(sub_q=sub_q, answer=str(answer), sources=answer.source_nodes)


class ChatOverTexts(CondensePlusContextChatEngine):
    """Says in our words that nothing was found."""

    def _get_response_synthesizer(self, *args: Any, **kwargs: Any) -> Any:
        return _honest(super()._get_response_synthesizer(*args, **kwargs))


class _All(PatchbayRetriever):
    """What several sources find, the best of each first."""

    def __init__(self, retrievers: Sequence[PatchbayRetriever]) -> None:
        super().__init__(retrievers[0]._searches)
        self._all = list(retrievers)

    async def _aretrieve(self, query_bundle: Any) -> list[Any]:
        found = [await one._aretrieve(query_bundle) for one in self._all]
        seen: dict[str, Any] = {}
        for node in (node for some in found for node in some):
            seen.setdefault(node.node.node_id, node)
        return list(seen.values())


def make_chat(
    asks: AsksModel,
    searches: Searches,
    tokens: tuple[int, int],
    past: Sequence[Message],
    system: str,
) -> ChatOverTexts:
    """A chat engine: the last message becomes a question of its own, and is answered from texts."""
    known = {"system": MessageRole.SYSTEM, "assistant": MessageRole.ASSISTANT}
    history = [
        ChatMessage(role=known.get(one.role, MessageRole.USER), content=one.content) for one in past
    ]
    llm = PatchbayLLM(asks=asks, window=tokens[0], most=tokens[1])
    memory = ChatMemoryBuffer.from_defaults(
        chat_history=history, token_limit=max(256, tokens[0] - 2 * tokens[1])
    )
    return ChatOverTexts(
        retriever=PatchbayRetriever(searches), llm=llm, memory=memory, system_prompt=system or None
    )
