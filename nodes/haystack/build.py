"""From a checked plan to a live pipeline of Haystack. Imported only where one is built."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from haystack import Pipeline
from haystack.dataclasses import ChatMessage, GeneratedAnswer
from haystack.dataclasses import Document as TheirDocument
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.document_stores.types import DuplicatePolicy
from haystack.document_stores.types.filter_policy import FilterPolicy

from patchbay.nodes.contract import NodeError
from patchbay.nodes.haystack.generator import (
    PatchbayChatGenerator,
    PatchbayDocumentEmbedder,
    PatchbayTextEmbedder,
    embedded,
)
from patchbay.nodes.haystack.kinds import SocketType, socket_type
from patchbay.nodes.haystack.plan import Drawn, Placed

Generator = Callable[[str, Mapping[str, Any]], PatchbayChatGenerator]
"""Makes the chat generator of a component, given its name and what the file says of calls."""

_TYPES: Mapping[str, Any] = {
    "str": str, "int": int, "float": float, "bool": bool, "dict": dict, "any": Any,
    "Document": TheirDocument, "ChatMessage": ChatMessage, "GeneratedAnswer": GeneratedAnswer,
}  # fmt: skip


class Stores:
    """The document stores of one run: those that the file gives one index are one store."""

    def __init__(self) -> None:
        self._by_index: dict[str, InMemoryDocumentStore] = {}

    def of(self, settings: Mapping[str, Any]) -> InMemoryDocumentStore:
        """The store that a component names.

        Haystack keeps what an index held for the life of the process, across runs and flows. Here
        every run has stores of its own.
        """
        said = dict(settings.get("init_parameters") or {})
        index = str(said.pop("index", "") or "")
        said.pop("shared", None)
        if index not in self._by_index:
            self._by_index[index] = InMemoryDocumentStore(shared=False, **said)
        return self._by_index[index]

    def fill(self, documents: list[TheirDocument], embeddings: Any) -> None:
        """Put documents into every store, with vectors where there are embeddings. Blocks."""
        given = documents if embeddings is None else embedded(documents, embeddings)
        for store in self._by_index.values():
            store.write_documents(given, policy=DuplicatePolicy.OVERWRITE)


def build(plan: Drawn, generator: Generator, embeddings: Any) -> tuple[Pipeline, Stores]:
    """The pipeline of a plan. Blocks: classes of Haystack are imported.

    Raises:
        NodeError: Haystack refuses a setting or a connection.
    """
    stores = Stores()
    pipeline = Pipeline(max_runs_per_component=plan.most_visits)
    for part in plan.parts.values():
        try:
            pipeline.add_component(part.name, _made(part, stores, generator, embeddings))
        except Exception as error:  # a constructor may raise anything
            raise refused(part.name, error) from error
    for connection in plan.connections:
        ends = [".".join(end) for end in (connection.sender, connection.receiver)]
        try:
            pipeline.connect(*ends)
        except Exception as error:
            raise refused(" → ".join(ends), error) from error
    return pipeline, stores


def refused(where: str, error: Exception) -> NodeError:
    """What Haystack says against a part of a pipeline, in our words."""
    if isinstance(cause := error.__cause__ or error, NodeError):
        return cause
    return NodeError(
        f"Haystack refuses {where}: {error}",
        fix="Correct it in the pipeline.",
        port="",
        code="haystack/refused",
        retry=False,
    )


def _made(part: Placed, stores: Stores, generator: Generator, embeddings: Any) -> Any:
    role = part.component.role
    if role == "generator":
        return generator(part.name, part.settings.get("generation_kwargs") or {})
    if role == "text embedder":
        return PatchbayTextEmbedder(embeddings)
    if role == "document embedder":
        return PatchbayDocumentEmbedder(embeddings)
    settings = {k: v for k, v in part.settings.items() if k not in part.component.refused}
    if "document_store" in settings:
        settings["document_store"] = stores.of(settings["document_store"])
    if "policy" in settings:
        settings["policy"] = DuplicatePolicy[str(settings["policy"]).rpartition(".")[2].upper()]
    if "filter_policy" in settings:
        settings["filter_policy"] = FilterPolicy.from_str(str(settings["filter_policy"]))
    if part.component.asks:
        holder = settings.pop("chat_generator", None) or {}
        said = (holder.get("init_parameters") or {}).get("generation_kwargs") or {}
        settings["chat_generator"] = generator(part.name, said)
    for key in ("type_", "list_type_", "output_type"):
        if settings.get(key) is not None:
            settings[key] = real_type(socket_type(settings[key]))
    if part.kind == "ConditionalRouter":
        settings["routes"] = [_route(route) for route in settings["routes"]]
    if part.kind == "ChatPromptBuilder" and isinstance(settings.get("template"), list):
        settings["template"] = [_message(row) for row in settings["template"]]
    # The module stands in our table, never in the file.
    kind = getattr(importlib.import_module(part.component.module), part.kind)
    return kind(**settings)


def _route(route: Mapping[str, Any]) -> dict[str, Any]:
    kind = route["output_type"]
    types = [real_type(socket_type(one)) for one in (kind if isinstance(kind, list) else [kind])]
    return {**route, "output_type": types if isinstance(kind, list) else types[0]}


def _message(row: Mapping[str, Any]) -> ChatMessage:
    role = str(row.get("role") or row.get("_role") or "user")
    content = row.get("content", row.get("_content"))
    blocks = content if isinstance(content, list) else [content]
    text = "\n".join(str(b.get("text", "")) if isinstance(b, dict) else str(b) for b in blocks)
    made = {"system": ChatMessage.from_system, "assistant": ChatMessage.from_assistant}
    return made.get(role, ChatMessage.from_user)(text)


def real_type(kind: SocketType) -> Any:
    """The Python type of a socket."""
    if kind[0] == "list":
        return list[real_type(kind[1])]  # type: ignore[misc]
    if kind[0] == "union":
        made = real_type(kind[1])
        for member in kind[2:]:
            made = made | real_type(member)
        return made
    return _TYPES[kind[0]]
