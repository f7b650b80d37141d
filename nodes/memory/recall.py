"""The node `memory.recall`: find facts that were kept."""

from __future__ import annotations

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.memory.facts import recall
from patchbay.nodes.remembered import Scope
from patchbay.nodes.values import Document, EmbeddingsSpec


class Recall(Node):
    """Find the kept facts that fit a question best, by meaning or, without embeddings, by words.

    Every fact of the scope is compared, as it is on the disk now: one that another process has
    just stored is found.
    """

    kind, version = "memory.recall", 1
    title, family, icon = "Recall", "Memory", "search"
    front = "k"
    synonyms = ("long-term memory", "memory", "lookup", "retrieve", "fact")
    deterministic = False

    class Params(NodeParams):
        scope: Scope = Field("person")
        """Whose facts: those of the conversation, of this flow, or of the person."""
        k: int = Field(4, ge=1, le=1000)
        """How many facts at most."""
        least: float = Field(0.0, ge=-1, le=1)
        """The least score; by words it is the share of the question's words that a fact has."""

    class Inputs(Ports):
        query: str = port(doc="What is asked.")
        embeddings: EmbeddingsSpec | None = port(None, doc="By which meanings are compared.")
        after: str | None = port(None, doc="Wire *Remember* here, and its fact is kept first.")

    class Outputs(Ports):
        documents: list[Document] = port(doc="The facts with their scores, best first.")
        text: str = port(doc="The facts, a line each; empty where none fits.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """Whose facts."""
        return f"{params.k} of the {params.scope}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Find them."""
        found = await recall(
            inputs.query, params.scope, inputs.embeddings, params.k, params.least, ctx
        )
        text = "\n".join(document.text for document in found)
        return self.Outputs(documents=found, text=text)
