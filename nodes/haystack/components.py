"""The components that a pipeline may have: where their classes are, and their sockets.

Only these are ever built. A test compares every socket with that of Haystack's own class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Sockets = Mapping[str, str]
Duty = Literal["plain", "generator", "text embedder", "document embedder"]


@dataclass(frozen=True, slots=True)
class Component:
    """One kind of component: socket → type. `wide` sockets take many connections."""

    module: str = ""
    needs: Sockets = field(default_factory=dict)
    may: Sockets = field(default_factory=dict)
    gives: Sockets = field(default_factory=dict)
    wide: tuple[str, ...] = ()
    role: Duty = "plain"
    """Generators and embedders are ours, whatever the file names; they need no class."""
    asks: bool = False
    """Whether it holds a chat generator of its own, which is ours as well."""
    refused: tuple[str, ...] = ()
    """Parameters that may only be empty: those that take code."""


_DOCS = "list[Document]"
_MAY = {"filters": "dict", "top_k": "int", "scale_score": "bool"}
_GENERATOR = Component(
    needs={"messages": "list[ChatMessage] | str"},
    gives={"replies": "list[ChatMessage]"},
    role="generator",
)
_TEXT_EMBEDDER = Component(
    needs={"text": "str"}, gives={"embedding": "list[float]", "meta": "dict"}, role="text embedder"
)
_DOCUMENT_EMBEDDER = Component(
    needs={"documents": _DOCS},
    gives={"documents": _DOCS, "meta": "dict"},
    role="document embedder",
)
_CODE = ("custom_filters", "unsafe")


def _of(module: str, **more: object) -> Component:
    return Component(f"haystack.components.{module}", **more)  # type: ignore[arg-type]


COMPONENTS: Mapping[str, Component] = {
    "PromptBuilder": _of(
        "builders.prompt_builder",
        may={"template": "str", "template_variables": "dict"},
        gives={"prompt": "str"},
    ),
    "ChatPromptBuilder": _of(
        "builders.chat_prompt_builder",
        may={"template": "list[ChatMessage] | str", "template_variables": "dict"},
        gives={"prompt": "list[ChatMessage]"},
    ),
    "AnswerBuilder": _of(
        "builders.answer_builder",
        needs={"query": "str", "replies": "list[str] | list[ChatMessage]"},
        may={
            "meta": "list[dict]", "documents": _DOCS, "pattern": "str", "reference_pattern": "str",
            "expand_reference_ranges": "bool",
        },
        gives={"answers": "list[GeneratedAnswer]"},
    ),
    "OutputAdapter": _of("converters.output_adapter", refused=_CODE),
    "ConditionalRouter": _of("routers.conditional_router", refused=_CODE),
    "BranchJoiner": _of("joiners.branch", wide=("value",)),
    "DocumentJoiner": _of(
        "joiners.document_joiner",
        needs={"documents": _DOCS}, may={"top_k": "int"}, gives={"documents": _DOCS},
        wide=("documents",),
    ),
    "ListJoiner": _of("joiners.list_joiner", wide=("values",)),
    "StringJoiner": _of(
        "joiners.string_joiner",
        needs={"strings": "str"}, gives={"strings": "list[str]"}, wide=("strings",),
    ),
    "DocumentCleaner": _of(
        "preprocessors.document_cleaner", needs={"documents": _DOCS}, gives={"documents": _DOCS}
    ),
    "DocumentSplitter": _of(
        "preprocessors.document_splitter",
        needs={"documents": _DOCS}, gives={"documents": _DOCS}, refused=("splitting_function",),
    ),
    "RecursiveDocumentSplitter": _of(
        "preprocessors.recursive_splitter", needs={"documents": _DOCS}, gives={"documents": _DOCS}
    ),
    "TextCleaner": _of(
        "preprocessors.text_cleaner", needs={"texts": "list[str]"}, gives={"texts": "list[str]"}
    ),
    "LostInTheMiddleRanker": _of(
        "rankers.lost_in_the_middle",
        needs={"documents": _DOCS}, may={"top_k": "int", "word_count_threshold": "int"},
        gives={"documents": _DOCS},
    ),
    "MetaFieldRanker": _of(
        "rankers.meta_field",
        needs={"documents": _DOCS},
        may={
            "top_k": "int", "weight": "float", "ranking_mode": "str", "sort_order": "str",
            "missing_meta": "str", "meta_value_type": "str",
        },
        gives={"documents": _DOCS},
    ),
    "MetaFieldGroupingRanker": _of(
        "rankers.meta_field_grouping_ranker", needs={"documents": _DOCS}, gives={"documents": _DOCS}
    ),
    "LLMRanker": _of(
        "rankers.llm_ranker",
        needs={"query": "str", "documents": _DOCS}, may={"top_k": "int"},
        gives={"documents": _DOCS}, asks=True,
    ),
    "QueryExpander": _of(
        "query.query_expander",
        needs={"query": "str"}, may={"n_expansions": "int"}, gives={"queries": "list[str]"},
        asks=True,
    ),
    "InMemoryBM25Retriever": _of(
        "retrievers.in_memory.bm25_retriever",
        needs={"query": "str"}, may=_MAY, gives={"documents": _DOCS},
    ),
    "InMemoryEmbeddingRetriever": _of(
        "retrievers.in_memory.embedding_retriever",
        needs={"query_embedding": "list[float]"}, may={**_MAY, "return_embedding": "bool"},
        gives={"documents": _DOCS},
    ),
    "FilterRetriever": _of(
        "retrievers.filter_retriever", may={"filters": "dict"}, gives={"documents": _DOCS}
    ),
    "SentenceWindowRetriever": _of(
        "retrievers.sentence_window_retriever",
        needs={"retrieved_documents": _DOCS}, may={"window_size": "int"},
        gives={"context_windows": "list[str]", "context_documents": _DOCS},
    ),
    "DocumentWriter": _of(
        "writers.document_writer",
        needs={"documents": _DOCS}, may={"policy": "any"}, gives={"documents_written": "int"},
    ),
    "JsonSchemaValidator": _of(
        "validators.json_schema",
        needs={"messages": "list[ChatMessage]"},
        may={"json_schema": "dict", "error_template": "str"},
        gives={"validated": "list[ChatMessage]", "validation_error": "list[ChatMessage]"},
    ),
    "PatchbayChatGenerator": _GENERATOR,
    "OpenAIChatGenerator": _GENERATOR,
    "AzureOpenAIChatGenerator": _GENERATOR,
    "HuggingFaceLocalChatGenerator": _GENERATOR,
    "HuggingFaceAPIChatGenerator": _GENERATOR,
    "AnthropicChatGenerator": _GENERATOR,
    "GoogleGenAIChatGenerator": _GENERATOR,
    "MistralChatGenerator": _GENERATOR,
    "OllamaChatGenerator": _GENERATOR,
    "OpenAITextEmbedder": _TEXT_EMBEDDER,
    "SentenceTransformersTextEmbedder": _TEXT_EMBEDDER,
    "OllamaTextEmbedder": _TEXT_EMBEDDER,
    "OpenAIDocumentEmbedder": _DOCUMENT_EMBEDDER,
    "SentenceTransformersDocumentEmbedder": _DOCUMENT_EMBEDDER,
    "OllamaDocumentEmbedder": _DOCUMENT_EMBEDDER,
}  # fmt: skip
"""Name of a class → what is known of it."""

STORE = "InMemoryDocumentStore"
"""The one document store: it lives as long as the run of the node."""
