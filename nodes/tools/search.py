"""The node `tool.search`: a retriever as a tool for agents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field as Bounded

from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.tools.tool import LocalTool, ToolName, langchain_tool, shortened
from patchbay.nodes.values import ModelSpec, Opening, RetrieverSpec, Spec

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class SearchTool(LocalTool):
    """Searches what a retriever knows. At most `characters` of each passage go to the model."""

    backend: ClassVar[str] = "search"

    retriever: RetrieverSpec
    characters: int = Bounded(1000, ge=50, le=100_000)

    @property
    def repeatable(self) -> bool:
        """Whether the models that the retriever asks, if any, repeat themselves."""
        return all(model.repeats() for model in _models(self.retriever))

    def open(self, opening: Opening) -> BaseTool:
        """The tool; it takes one `query`. The retriever is opened with it."""
        retriever = opening.open(self.retriever)

        async def search(query: str) -> str:
            return _listed(await retriever.ainvoke(query), self.characters)

        return langchain_tool(self, search, {"query": (str, "What to look for, in a few words")})


def _models(spec: Spec) -> Iterator[ModelSpec]:
    for part in spec.parts():
        if isinstance(part, ModelSpec):
            yield part
        yield from _models(part)


def _listed(documents: list[Any], limit: int) -> str:
    if not documents:
        return "Nothing was found."
    return "\n\n".join(
        f"[{number}] {_source(document)}{shortened(document.page_content, limit)}"
        for number, document in enumerate(documents, 1)
    )


def _source(document: Any) -> str:
    source = document.metadata.get("source")
    return f"({source}) " if source else ""


class SearchAsTool(DescribingNode):
    """Let an agent search documents: a retriever as a tool.

    The agent writes the query and reads the passages found, each with its number and source.
    """

    kind, version = "tool.search", 1
    title, family, icon = "Search tool", "Tools", "search"
    synonyms = ("rag", "retriever tool", "knowledge base tool", "find")

    class Params(NodeParams):
        name: ToolName = Field("search")
        """What the agent calls it."""
        description: str = Field(
            "Searches the documents and gives the passages that fit best.",
            min_length=1,
            max_length=2000,
            widget="textarea",
        )
        """What the agent is told that it is for: say what the documents are about."""
        characters: int = Field(1000, ge=50, le=100_000)
        """How much of each passage the agent gets to read, in characters."""
        seconds: float = Field(30, gt=0, le=3600)
        """The longest that one search may take."""

    class Inputs(Ports):
        retriever: RetrieverSpec = port(doc="What is searched.")

    class Outputs(Ports):
        tool: SearchTool = port(doc="The tool, for an agent.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The name that the agent sees."""
        return params.name

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tool."""
        return cls.Outputs(tool=SearchTool(retriever=inputs["retriever"], **params.model_dump()))
