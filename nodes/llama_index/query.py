"""The node `llama_index.query`: query engines of LlamaIndex over retrievers of a flow."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.llama_index.asking import asks_of, searches_of, window_of
from patchbay.nodes.values import Document, ModelSpec, RetrieverSpec

Engine = Literal["router", "sub-questions", "tree summary"]


class NamedSource(BaseModel):
    """What a retriever has: a name, and in words what it knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    description: str = Field("", max_length=2000)


class QueryEngine(Node):
    """Answer a question from several retrievers with a query engine of LlamaIndex.

    **router**: a model chooses the one source that answers best. **sub-questions**: a model splits
    the question, each part is answered from its source, and an answer is made of the answers.
    **tree summary**: all that is found is summarized piece by piece, then the summaries, until one
    is left. What a model is to choose is forced into a schema.
    """

    kind, version = "llama_index.query", 1
    title, family, icon = "Query engine", "Systems", "fork"
    synonyms = (
        "llamaindex", "llama index", "router", "sub-question", "subquestion", "tree summarize",
        "rag", "query planning",
    )  # fmt: skip
    requires = ("llama_index",)

    class Params(NodeParams):
        engine: Engine = Field("router")
        """How sources are used."""
        sources: list[NamedSource] = Field([NamedSource(name="texts")], min_length=1, max_length=50)
        """Name and description of each retriever, in the order of the wires."""
        max_tokens: int = Field(256, ge=1, le=100_000)
        """The most tokens of each answer of the model."""
        questions: int = Field(4, ge=1, le=20)
        """For sub-questions: how many at most."""

    class Inputs(Ports):
        question: str = port(doc="What to answer.")
        model: ModelSpec = port(doc="Chooses, splits and answers.")
        retrievers: list[RetrieverSpec] = port(doc="The sources.")

    class Outputs(Ports):
        text: str = port(doc="The answer.")
        documents: list[Document] = port(doc="What it was made of.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The engine and its sources."""
        return f"{params.engine}: {', '.join(source.name for source in params.sources)}"

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the same would be answered."""
        return bool(inputs["model"].repeats())

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        if not inputs.question.strip():
            raise _refused("The question is empty.", "question")
        if len(inputs.retrievers) != len(params.sources):
            raise _refused(
                f"{len(inputs.retrievers)} retrievers are wired in for {len(params.sources)} "
                "sources.",
                "retrievers",
            )
        names = [source.name for source in params.sources]
        if len(set(names)) < len(names):
            raise _refused("Two sources have one name.", "retrievers")
        async with AsyncExitStack() as stack:
            searches = [
                await searches_of(ctx, stack, spec, name)
                for spec, name in zip(inputs.retrievers, names, strict=True)
            ]
            engine = await ctx.blocking(_engine, inputs.model, searches, params, ctx)
            text, found = await _answered(engine, inputs.question)
        await ctx.stream("text", text)
        return self.Outputs(text=text, documents=found)


def _refused(message: str, name: str) -> NodeError:
    return NodeError(
        message,
        fix=f'Wire "{name}", one retriever for each source.',
        port=name,
        code="llamaindex/given",
        retry=False,
    )


def _engine(
    model: ModelSpec, searches: Sequence[Any], params: QueryEngine.Params, ctx: Context
) -> Any:
    from patchbay.nodes.llama_index.engines import make_engine

    def tells(question: str, source: str) -> None:
        ctx.step("thought", question, who=source)

    asks = asks_of(ctx, model, params.max_tokens)
    sources = [(s.name, s.description or s.name) for s in params.sources]
    return make_engine(
        params.engine, asks, sources, searches, (window_of(model), params.max_tokens),
        params.questions, tells,
    )  # fmt: skip


async def _answered(engine: Any, question: str) -> tuple[str, list[Document]]:
    from patchbay.nodes.llama_index.parts import document_of, text_of

    response = await engine.aquery(question)
    found = [document_of(node) for node in response.source_nodes]
    return text_of(response), found
