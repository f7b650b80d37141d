"""The node `memory.remember`: keep a fact."""

from __future__ import annotations

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.memory.facts import remember
from patchbay.nodes.remembered import Scope
from patchbay.nodes.values import EmbeddingsSpec


class Remember(Node):
    """Keep a fact that outlives the run: of the thread, of the flow, or of the person.

    It lies in the history's store on this machine; *Recall* and the tools of *Long-term memory*
    find it, in other runs and other processes too. A fact that is kept already is not kept twice.
    `patchbay threads delete` forgets what belongs to a thread or a person.
    """

    kind, version = "memory.remember", 1
    title, family, icon = "Remember", "Memory", "book"
    synonyms = ("store", "save", "long-term memory", "memory", "fact")
    deterministic = False

    class Params(NodeParams):
        scope: Scope = Field("person")
        """Whose fact it is: one conversation's, this flow's, or the person's, in all flows."""

    class Inputs(Ports):
        text: str = port(doc="The fact, a sentence.")
        embeddings: EmbeddingsSpec | None = port(
            None, doc="By which it is found by meaning; without, by its words."
        )

    class Outputs(Ports):
        text: str = port(doc="The fact, as it came.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """Whose fact it is."""
        return f"of the {params.scope}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Keep it."""
        await remember(inputs.text, params.scope, inputs.embeddings, ctx)
        return self.Outputs(text=inputs.text)
