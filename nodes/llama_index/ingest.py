"""The node `llama_index.ingest`: an ingestion pipeline of LlamaIndex."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.llama_index.asking import asks_of, window_of
from patchbay.nodes.values import Document, ModelSpec

Extracts = Literal["keywords", "summary", "questions"]


class Ingest(Node):
    """Cut documents into chunks and note what a model says of each, with LlamaIndex.

    Sentences are kept whole (**sentences**), or a window of their neighbours is noted beside each
    (**sentence window**). A wired model may add keywords, a summary, or the questions that a chunk
    answers to its metadata, which a search by words then finds.
    """

    kind, version = "llama_index.ingest", 1
    title, family, icon = "Ingestion pipeline", "Systems", "cut"
    synonyms = ("llamaindex", "llama index", "ingest", "metadata extractor", "sentence window")
    requires = ("llama_index", "nltk")

    class Params(NodeParams):
        by: Literal["sentences", "sentence window"] = Field("sentences")
        """How documents are cut."""
        size: int = Field(256, ge=16, le=8192)
        """For sentences: the most tokens of a chunk."""
        overlap: int = Field(20, ge=0, le=2048)
        """For sentences: tokens that neighbours share."""
        window: int = Field(2, ge=1, le=20)
        """For a sentence window: sentences on either side."""
        extract: list[Extracts] = Field([], max_length=3, widget="json")
        """What a model notes of each chunk."""
        max_tokens: int = Field(64, ge=1, le=10_000)
        """The most tokens of each note."""

        @model_validator(mode="after")
        def _smaller(self) -> Ingest.Params:
            if self.by == "sentences" and self.overlap >= self.size:
                raise ValueError("the overlap must be smaller than the size")
            return self

    class Inputs(Ports):
        documents: list[Document] = port(doc="What to cut.")
        model: ModelSpec | None = port(None, doc="Notes what each chunk says.")

    class Outputs(Ports):
        chunks: list[Document] = port(doc="The chunks, for an index.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """How it cuts, and what it notes."""
        return ", ".join([params.by, *params.extract])

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the same would be noted."""
        return not params.extract or (inputs["model"] is not None and inputs["model"].repeats())

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        if params.extract and inputs.model is None:
            raise NodeError(
                f'Nothing is wired into "model", but {params.extract[0]} need one.',
                fix="Wire a model, or extract nothing.",
                port="model",
                code="llamaindex/given",
                retry=False,
            )
        chunks = await ctx.blocking(_cut, inputs.documents, params)
        if params.extract and inputs.model is not None:
            asks = asks_of(ctx, inputs.model, params.max_tokens)
            for number, chunk in enumerate(chunks):
                await ctx.progress("Noting", number, len(chunks))
                await _note(chunk, asks, params, window_of(inputs.model))
        return self.Outputs(chunks=[_ours(chunk) for chunk in chunks])


def _cut(documents: list[Document], params: Ingest.Params) -> list[Any]:
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.node_parser import SentenceSplitter, SentenceWindowNodeParser
    from llama_index.core.schema import Document as TheirDocument

    from patchbay.nodes.llama_index.parts import node_of

    cutter: Any = (
        SentenceSplitter(chunk_size=params.size, chunk_overlap=params.overlap)
        if params.by == "sentences"
        else SentenceWindowNodeParser.from_defaults(window_size=params.window)
    )
    given = [
        TheirDocument(
            text=one.text,
            metadata=dict(one.metadata),
            id_=node_of(one).node.node_id,
            # Metadata would count as part of each chunk, and long ones are then refused.
            excluded_llm_metadata_keys=list(one.metadata),
            excluded_embed_metadata_keys=list(one.metadata),
        )
        for one in documents
        if one.text.strip()
    ]
    pipeline = IngestionPipeline(transformations=[cutter], disable_cache=True)
    return list(pipeline.run(documents=given, show_progress=False))


async def _note(chunk: Any, asks: Any, params: Ingest.Params, window: int) -> None:
    """Add what a model says of a chunk to its metadata, by LlamaIndex's own extractors."""
    from llama_index.core.extractors import (
        KeywordExtractor,
        QuestionsAnsweredExtractor,
        SummaryExtractor,
    )

    from patchbay.nodes.llama_index.parts import PatchbayLLM

    llm = PatchbayLLM(asks=asks, window=window, most=params.max_tokens)
    made: dict[str, Any] = {
        "keywords": lambda: KeywordExtractor(llm=llm, keywords=5, show_progress=False),
        "summary": lambda: SummaryExtractor(llm=llm, summaries=["self"], show_progress=False),
        "questions": lambda: QuestionsAnsweredExtractor(llm=llm, questions=2, show_progress=False),
    }
    notes: dict[str, Any] = {}
    for name in params.extract:  # each reads the chunk, and not what was noted before
        notes |= (await made[name]().aextract([chunk]))[0]
    chunk.metadata.update(notes)


def _ours(chunk: Any) -> Document:
    return Document(text=chunk.get_content(), metadata=dict(chunk.metadata))
