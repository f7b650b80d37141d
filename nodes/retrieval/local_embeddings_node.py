"""The node that describes the local embeddings model."""

from __future__ import annotations

from collections.abc import Mapping

from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.names import OwnWeights
from patchbay.nodes.retrieval.local_embeddings import LocalEmbeddings
from patchbay.nodes.units import size_in_words
from patchbay.nodes.weights.manifest import EMBEDDINGS_DEFAULT, FOLDERS


class LocalEmbeddingsNode(DescribingNode):
    """Turns texts into vectors on this machine, without a key or a server.

    Texts that mean similar things get vectors that point in similar directions (Reimers & Gurevych
    2019, "Sentence-BERT", arXiv:1908.10084). Gives a description; the model is loaded once, when a
    node first needs a vector. The default, all-MiniLM-L6-v2, is fetched on first use.
    """

    kind, version = "embeddings.local", 1
    title, family = "Local embeddings", "Retrieval"
    front = "weights"
    icon = "dots"
    synonyms = ("vectors", "embed", "minilm", "sentence transformers", "bert")
    requires = ("torch", "transformers", "safetensors")

    class Params(NodeParams):
        weights: OwnWeights = Field(
            EMBEDDINGS_DEFAULT, min_length=1, max_length=1000, widget="model"
        )
        """A known name."""
        max_tokens: int | None = Field(None, ge=8, le=8192)
        """Where a text is cut, in tokens; empty for as long as the model was trained for."""
        batch: int = Field(32, ge=1, le=1024)
        """How many texts are computed at once."""

    class Outputs(Ports):
        embeddings: LocalEmbeddings = port(doc="The description; an index opens it.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The weights."""
        return params.weights

    @classmethod
    def facts(cls, params: Params) -> Mapping[str, str]:
        """Size and dimensions, where the weights have a name."""
        known = FOLDERS.get(params.weights)
        if known is None:
            return {}
        return {"Weights": size_in_words(known.size), "Dimensions": str(known.dimensions)}

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model. Nothing is loaded here."""
        return cls.Outputs(embeddings=LocalEmbeddings(**params.model_dump()))
