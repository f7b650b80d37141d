"""The node that describes an embeddings model of a hub, or in a folder."""

from __future__ import annotations

from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.names import OwnWeights
from patchbay.nodes.retrieval.local_embeddings import HuggingFaceEmbeddings


class HuggingFaceEmbeddingsNode(DescribingNode):
    """Turns texts into vectors with a sentence encoder from a hub or a folder.

    Only safetensors are loaded, and no code of the repository is run. Encoders that pool by the
    mean or by the first token work; most of the `sentence-transformers` ones do.
    """

    kind, version = "embeddings.huggingface", 1
    title, family = "Hugging Face embeddings", "Retrieval"
    front = "weights"
    icon = "dots"
    synonyms = ("vectors", "embed", "hf", "sentence transformers", "bert")
    requires = ("torch", "transformers", "safetensors")

    class Params(NodeParams):
        weights: OwnWeights = Field(
            "hf:sentence-transformers/all-MiniLM-L6-v2", min_length=1, max_length=1000
        )
        """hf:owner/repo, with @revision where it should stay the same, or the path of a folder."""
        max_tokens: int | None = Field(None, ge=8, le=8192)
        """Where a text is cut, in tokens; empty for as long as the model was trained for."""
        batch: int = Field(32, ge=1, le=1024)
        """How many texts are computed at once."""

    class Outputs(Ports):
        embeddings: HuggingFaceEmbeddings = port(doc="The description; an index opens it.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The repository or folder."""
        return params.weights.removeprefix("hf:").replace("\\", "/").rsplit("/", 1)[-1]

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model. Nothing is loaded or looked up here."""
        return cls.Outputs(embeddings=HuggingFaceEmbeddings(**params.model_dump()))
