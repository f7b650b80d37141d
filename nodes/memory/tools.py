"""The node `memory.tools`: agents that remember and recall by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field as Bounded

from patchbay.nodes.contract import Context, DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.memory.facts import recall, remember
from patchbay.nodes.remembered import Scope
from patchbay.nodes.tools.tool import BoundTool, langchain_tool
from patchbay.nodes.values import EmbeddingsSpec

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class RememberTool(BoundTool):
    """Keeps a fact."""

    backend: ClassVar[str] = "remember"

    scope: Scope
    embeddings: EmbeddingsSpec | None = None

    @property
    def repeatable(self) -> bool:
        """It changes what is kept."""
        return False

    def bind(self, ctx: Context) -> BaseTool:
        """The tool inside a run; it takes one `fact`."""

        async def keep(fact: str) -> str:
            new = await remember(fact, self.scope, self.embeddings, ctx)
            return "Remembered." if new else "That is remembered already."

        return langchain_tool(self, keep, {"fact": (str, "One sentence that is true by itself")})


class RecallTool(BoundTool):
    """Finds facts that were kept."""

    backend: ClassVar[str] = "recall"

    scope: Scope
    k: int = Bounded(4, ge=1, le=1000)
    embeddings: EmbeddingsSpec | None = None

    @property
    def repeatable(self) -> bool:
        """What is kept may change."""
        return False

    def bind(self, ctx: Context) -> BaseTool:
        """The tool inside a run; it takes one `query`."""

        async def find(query: str) -> str:
            found = await recall(query, self.scope, self.embeddings, self.k, -1.0, ctx)
            return "\n".join(f"- {fact.text}" for fact in found) or "Nothing is remembered of it."

        return langchain_tool(self, find, {"query": (str, "What to look for, in a few words")})


class LongTermMemory(DescribingNode):
    """Give an agent a memory that outlives the run: one tool keeps facts, one finds them.

    What it keeps is of the thread, of the flow or of the person, and lies in the history's store on
    this machine. *Remember* and *Recall* are the same without an agent.
    """

    kind, version = "memory.tools", 1
    title, family, icon = "Long-term memory", "Memory", "book"
    synonyms = ("memory tool", "store", "mem0", "remember", "recall")

    class Params(NodeParams):
        scope: Scope = Field("person")
        """Whose facts: those of the conversation, of this flow, or of the person."""
        k: int = Field(4, ge=1, le=1000)
        """How many facts the agent gets to read at a time."""

    class Inputs(Ports):
        embeddings: EmbeddingsSpec | None = port(
            None, doc="By which facts are found by meaning; without, by their words."
        )

    class Outputs(Ports):
        remember: RememberTool = port(doc="The tool that keeps a fact.")
        recall: RecallTool = port(doc="The tool that finds facts.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """Whose facts."""
        return f"of the {params.scope}"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tools."""
        scope, embeddings = params.scope, inputs["embeddings"]
        keep = RememberTool(
            name="remember",
            description="Keeps a fact for later conversations, such as a name or a wish.",
            scope=scope,
            embeddings=embeddings,
        )
        find = RecallTool(
            name="recall",
            description="Finds facts that were kept in earlier conversations.",
            scope=scope,
            k=params.k,
            embeddings=embeddings,
        )
        return cls.Outputs(remember=keep, recall=find)
