"""Nodes that are a plain call of LlamaIndex: from cutting documents to engines that answer.

An engine is said in its words where its whole chain is: chunks of an ingestion pipeline, vectors of
a server, search by similarity, and a model behind OpenAI's protocol. A router and sub-questions are
not: here a model's choice is forced into a schema, there it is read out of its words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patchbay.flows.checks.resolve import ResolvedNode
from patchbay.flows.exchange.call import (
    Call,
    Maker,
    Values,
    from_port,
    is_text,
    one_of,
    only,
    params_of,
    secret,
)

if TYPE_CHECKING:
    from patchbay.flows.exchange.script_draft import ScriptDraft

WINDOW = 4096
"""Tokens that a model reads where its description does not say so, as in `llama_index.asking`."""


def ingest(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """Documents cut into LlamaIndex's nodes, with nothing noted by a model."""
    params = params_of(node)
    if params.get("extract") or node.params is None or from_port(made, node, "model"):
        return None
    given: Any = node.params
    if given.by == "sentences":
        cutter = f"SentenceSplitter(chunk_size={given.size}, chunk_overlap={given.overlap})"
    else:
        cutter = f"SentenceWindowNodeParser.from_defaults(window_size={given.window})"
    documents = one_of(inputs, "documents") if not dry else "documents"
    expression = (
        "IngestionPipeline(\n"
        f"    transformations=[{cutter}], disable_cache=True\n"
        ").run(documents=[\n"
        "    Document(\n"
        "        text=one.text, metadata=one.metadata,\n"
        "        excluded_llm_metadata_keys=[*one.metadata],\n"
        "        excluded_embed_metadata_keys=[*one.metadata],\n"
        "    )\n"
        f"    for one in {documents}\n"
        "])"
    )
    name = cutter.partition("(")[0].partition(".")[0]
    imports = (
        "from llama_index.core import Document",
        "from llama_index.core.ingestion import IngestionPipeline",
        f"from llama_index.core.node_parser import {name}",
    )
    return Call(expression, "chunks", imports, describes=True)


def embeddings(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """Vectors of a server, through LangChain's client."""
    params = params_of(node)
    if not params.get("model") or not only(params, "model", "base_url", "api_key", "timeout"):
        return None
    words = {
        "model": repr(params["model"]),
        "base_url": repr(params.get("base_url", "http://127.0.0.1:8080/v1")),
        "api_key": secret(params["api_key"]) if "api_key" in params else '"none"',
        "check_embedding_ctx_length": False,  # texts, not tokens, are sent
    }
    imports = [
        "from langchain_openai import OpenAIEmbeddings",
        "from llama_index.embeddings.langchain import LangchainEmbedding",
    ]
    imports += ["import os"] if "api_key" in params else []
    lines = ",\n    ".join(f"{name}={value}" for name, value in words.items())
    expression = f"LangchainEmbedding(OpenAIEmbeddings(\n    {lines},\n))"
    return Call(expression, "embeddings", tuple(imports), describes=True)


def index(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """An index in memory."""
    if not _all_native(made, node, chunks="llama_index.ingest", embeddings="embeddings.openai"):
        return None
    given = "" if dry else f"{one_of(inputs, 'chunks')}, embed_model={one_of(inputs, 'embeddings')}"
    imports = ("from llama_index.core import VectorStoreIndex",)
    return Call(f"VectorStoreIndex({given})", "index", imports, describes=True)


def retriever(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """The nearest chunks."""
    params = params_of(node)
    plain = params.get("strategy", "similarity") == "similarity" and only(params, "strategy", "k")
    if not plain or not _all_native(made, node, index="retrieval.index"):
        return None
    given = "" if dry else one_of(inputs, "index")
    expression = f"{given}.as_retriever(similarity_top_k={params.get('k', 4)})"
    return Call(expression, "retriever", describes=True)


def query(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """A summary over a tree, from one source."""
    params = params_of(node)
    if params.get("engine") != "tree summary" or len(from_port(made, node, "retrievers")) != 1:
        return None
    llm = _engine_model(made, node, "retrievers")
    if llm is None or not is_text(made, node, "question"):
        return None
    given, asked = ("", "") if dry else (one_of(inputs, "retrievers"), one_of(inputs, "question"))
    expression = (
        "str(RetrieverQueryEngine.from_args(\n"
        f"    {given},\n    llm={llm[0]},\n"
        '    response_mode="tree_summarize",\n'
        f").query({asked})).strip()"
    )
    imports = ("from llama_index.core.query_engine import RetrieverQueryEngine", *llm[1])
    return Call(expression, "text", imports, inlines=("model",))


def chat(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """A question to the chat engine; a conversation is ours to pass on."""
    llm = _engine_model(made, node, "retriever")
    if llm is None or not is_text(made, node, "messages"):
        return None
    given, asked = ("", "") if dry else (one_of(inputs, "retriever"), one_of(inputs, "messages"))
    system = params_of(node).get("system") or None
    expression = (
        "str(CondensePlusContextChatEngine.from_defaults(\n"
        f"    {given},\n    llm={llm[0]},\n"
        f"    system_prompt={system!r},\n"
        f").chat({asked})).strip()"
    )
    imports = ("from llama_index.core.chat_engine import CondensePlusContextChatEngine", *llm[1])
    return Call(expression, "text", imports, inlines=("model",))


def _engine_model(
    made: ScriptDraft, node: ResolvedNode, port: str
) -> tuple[str, tuple[str, ...]] | None:
    """The model as LlamaIndex has it, where the whole chain is native and only text is taken."""
    if set(made.resolved.outgoing[node.instance.id]) - {"text"}:
        return None
    if not _all_native(made, node, **{port: "retrieval.retriever"}):
        return None
    (model,) = from_port(made, node, "model") or (None,)
    if model is None or model.instance.kind != "model.openai_compatible" or node.params is None:
        return None
    params = params_of(model)
    # Its client sends a temperature of its own where none is said.
    fine = ("model", "base_url", "api_key", "temperature", "timeout", "retries", "parallel")
    if not params.get("model") or "temperature" not in params or not only(params, *fine):
        return None
    words = {
        "model": repr(params["model"]),
        "api_base": repr(params.get("base_url", "http://127.0.0.1:8080/v1")),
        "api_key": secret(params["api_key"]) if "api_key" in params else '"none"',
        "temperature": params["temperature"],
        "max_tokens": node.params.max_tokens,
        "context_window": WINDOW,
        "is_chat_model": True,
    }
    imports = ["from llama_index.llms.openai_like import OpenAILike"]
    imports += ["import os"] if "api_key" in params else []
    lines = ",\n        ".join(f"{name}={value}" for name, value in words.items())
    return f"OpenAILike(\n        {lines},\n    )", tuple(imports)


def _all_native(made: ScriptDraft, node: ResolvedNode, **wanted: str) -> bool:
    """Whether each of these ports gets what a plain call of LlamaIndex makes, by that kind."""
    incoming = {port for port, edges in made.resolved.incoming[node.instance.id].items() if edges}
    if not set(wanted) <= incoming:
        return False
    for port, kind in wanted.items():
        sources = from_port(made, node, port)
        if len(sources) != 1 or sources[0].instance.kind != kind:
            return False
        if CALLS[kind](made, sources[0], {}, True) is None:
            return False
    return True


CALLS: dict[str, Maker] = {
    "llama_index.ingest": ingest,
    "embeddings.openai": embeddings,
    "retrieval.index": index,
    "retrieval.retriever": retriever,
    "llama_index.query": query,
    "llama_index.chat": chat,
}
