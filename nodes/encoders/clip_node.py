"""The node that describes a CLIP model."""

from __future__ import annotations

from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.encoders.clip_spec import CLIP_DEFAULT, ClipEmbeddings
from patchbay.nodes.names import OwnWeights


class ClipNode(DescribingNode):
    """Turns pictures and texts into vectors of one space, so that words find pictures.

    A picture and a text that describes it point in similar directions (Radford et al. 2021, CLIP,
    arXiv:2103.00020). It goes wherever embeddings go: a *Picture index*, *Zero-shot
    classification*, a *Similarity matrix*, an *Embedding plot*. Only safetensors are loaded and no
    code of the repository is run. No package carries CLIP's weights, so they are fetched from the
    hub on first use (600 MB); a folder on this machine does as well.
    """

    kind, version = "embeddings.clip", 1
    title, family, icon = "CLIP embeddings", "Retrieval", "picture"
    synonyms = ("clip", "vision", "image embeddings", "multimodal", "open clip", "vit")
    requires = ("torch", "transformers", "safetensors", "PIL")

    class Params(NodeParams):
        weights: OwnWeights = Field(CLIP_DEFAULT, min_length=1, max_length=1000)
        """hf:owner/repo, with @revision where it should stay the same, or the path of a folder."""
        batch: int = Field(16, ge=1, le=256)
        """How many texts or pictures are computed at once."""

    class Outputs(Ports):
        embeddings: ClipEmbeddings = port(
            doc="The description; a node that needs vectors opens it."
        )

    @classmethod
    def summary(cls, params: Params) -> str:
        """The repository or folder."""
        return params.weights.removeprefix("hf:").replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model. Nothing is loaded or looked up here."""
        return cls.Outputs(embeddings=ClipEmbeddings(**params.model_dump()))
