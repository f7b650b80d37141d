"""Our models and retrievers as LlamaIndex has them. Imported only where an engine is built."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms import CustomLLM
from llama_index.core.question_gen.types import BaseQuestionGenerator, SubQuestion
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.tools import ToolMetadata

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.asking import judge
from patchbay.nodes.values import Document, Message

AsksModel = Callable[[list[Message], CallOptions], Awaitable[str]]
"""Asks a chat model in the run's own way, and gives its answer."""

Searches = Callable[[str], Awaitable[Sequence[Document]]]


class PatchbayLLM(CustomLLM):
    """A model of LlamaIndex over a chat model of a flow. It is asked on the run's loop only."""

    asks: Any
    window: int = 4096
    most: int = 256

    @property
    def metadata(self) -> LLMMetadata:
        """How much it reads and writes."""
        return LLMMetadata(
            context_window=self.window, num_output=self.most, is_chat_model=True,
            model_name="patchbay",
        )  # fmt: skip

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """One answer."""
        known = {MessageRole.SYSTEM: "system", MessageRole.ASSISTANT: "assistant"}
        given = [
            Message.model_validate({"role": known.get(m.role, "user"), "content": m.content or ""})
            for m in messages
        ]
        text = await self.asks(given, CallOptions())
        return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=text))

    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """One answer to one text."""
        text = await self.asks([Message(role="user", content=prompt)], CallOptions())
        return CompletionResponse(text=text)

    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """The answer in one piece: the run streams it by itself."""

        async def pieces() -> ChatResponseAsyncGen:
            answer = await self.achat(messages)
            answer.delta = answer.message.content
            yield answer

        return pieces()

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """The answer in one piece."""

        async def pieces() -> CompletionResponseAsyncGen:
            answer = await self.acomplete(prompt)
            answer.delta = answer.text
            yield answer

        return pieces()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> NoReturn:
        """Never: models are asked without blocking."""
        raise NotImplementedError("asked on the loop of the run only")

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> NoReturn:
        """Never: models are asked without blocking."""
        raise NotImplementedError("asked on the loop of the run only")


class PatchbayRetriever(BaseRetriever):
    """A retriever of LlamaIndex over one of a flow."""

    def __init__(self, searches: Searches) -> None:
        self._searches = searches
        super().__init__()

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = await self._searches(query_bundle.query_str)
        return [node_of(document) for document in found]

    def _retrieve(self, query_bundle: QueryBundle) -> NoReturn:
        raise NotImplementedError("searched on the loop of the run only")


def node_of(document: Document) -> NodeWithScore:
    """A document as LlamaIndex has it, the same whenever it is made."""
    told = json.dumps([document.text, document.metadata], sort_keys=True)
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
    node = TextNode(id_=digest[:32], text=document.text, metadata=dict(document.metadata))
    # What a model reads is the text; where it came from is told beside the answer.
    node.excluded_llm_metadata_keys = list(document.metadata)
    return NodeWithScore(node=node, score=document.score)


def text_of(response: Any) -> str:
    """What an engine answered. "Empty Response" is what it makes of an empty answer."""
    text = str(response.response or "").strip()
    return "" if text == "Empty Response" else text


def document_of(node: Any) -> Document:
    """A node of LlamaIndex as a document."""
    inner = getattr(node, "node", node)
    score = getattr(node, "score", None)
    return Document(text=inner.get_content(), metadata=dict(inner.metadata), score=score)


class ForcedSelector(BaseSelector):
    """Has a model choose one of the engines, held to a schema.

    LlamaIndex's own selector reads any number out of the answer; 0 there means the last engine.
    """

    def __init__(self, asks: AsksModel) -> None:
        self._asks = asks

    async def _aselect(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        listed = "\n".join(f"({i}) {c.name}: {c.description}" for i, c in enumerate(choices, 1))
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {"choice": {"type": "integer", "enum": [*range(1, len(choices) + 1)]}},
            "required": ["choice"],
        }
        prompt = (
            f"Which source answers the question best?\n\n{listed}\n\nQuestion: "
            f'{query.query_str}\n\nAnswer as JSON: {{"choice": 1}}'
        )
        found = await asked_for_json(self._asks, prompt, schema)
        place = int(found["choice"]) - 1
        reason = str(choices[place].name)
        return SelectorResult(selections=[SingleSelection(index=place, reason=reason)])

    def _select(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> NoReturn:
        raise NotImplementedError("asked on the loop of the run only")

    def _get_prompts(self) -> dict[str, Any]:
        return {}

    def _update_prompts(self, prompts: dict[str, Any]) -> None:
        """It has none to set."""


class ForcedQuestions(BaseQuestionGenerator):
    """Has a model split a question into smaller ones, each for one source, held to a schema."""

    def __init__(self, asks: AsksModel, most: int, tells: Callable[[str, str], None]) -> None:
        self._asks, self._most, self._tells = asks, most, tells

    async def agenerate(
        self, tools: Sequence[ToolMetadata], query: QueryBundle
    ) -> list[SubQuestion]:
        """The smaller questions."""
        listed = "\n".join(f"- {tool.name}: {tool.description}" for tool in tools)
        names = [str(tool.name) for tool in tools]
        item = {
            "type": "object",
            "properties": {"question": {"type": "string"}, "source": {"enum": names}},
            "required": ["question", "source"],
        }
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {
                "questions": {
                    "type": "array", "items": item, "minItems": 1, "maxItems": self._most,
                }
            },
            "required": ["questions"],
        }  # fmt: skip
        example = {"questions": [{"question": "…", "source": names[0]}]}
        prompt = (
            "Split the question into smaller ones that one source can answer each.\n\nSources:\n"
            f"{listed}\n\nQuestion: {query.query_str}\n\nAt most {self._most}. Answer as JSON: "
            f"{json.dumps(example, ensure_ascii=False)}"
        )
        found = await asked_for_json(self._asks, prompt, schema)
        made = [
            SubQuestion(sub_question=str(row["question"]), tool_name=str(row["source"]))
            for row in found["questions"]
        ]
        for one in made:
            self._tells(one.sub_question, one.tool_name)
        return made

    def generate(self, tools: Sequence[ToolMetadata], query: QueryBundle) -> NoReturn:
        """Never: models are asked without blocking."""
        raise NotImplementedError("asked on the loop of the run only")

    def _get_prompts(self) -> dict[str, Any]:
        return {}

    def _update_prompts(self, prompts: dict[str, Any]) -> None:
        """It has none to set."""


async def asked_for_json(asks: AsksModel, prompt: str, schema: dict[str, Any]) -> Any:
    """What a model answers, held to a schema.

    Raises:
        NodeError: it did not follow it.
    """
    call = CallOptions(temperature=0.0, json_schema=schema)
    value, fault = judge(await asks([Message(role="user", content=prompt)], call), schema)
    if fault:
        raise NodeError(
            f"The model was to choose, and its answer cannot be used: {fault}",
            fix="Try a larger model, or describe the sources otherwise.",
            port="model",
            code="llamaindex/no-choice",
            retry=False,
        )
    return value
