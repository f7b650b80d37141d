"""The node `text.zero_shot`: which label fits a text or a picture, without any training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import model_validator

from patchbay.nodes.contract import (
    Context,
    Field,
    JsonValue,
    Node,
    NodeError,
    NodeParams,
    Ports,
    port,
)
from patchbay.nodes.encoders.heads_spec import NLI_DEFAULT, EntailmentModel
from patchbay.nodes.encoders.things import number, texts_in, vectors_of
from patchbay.nodes.figures import Chart, Picture, Table
from patchbay.nodes.names import OwnWeights
from patchbay.nodes.values import EmbeddingsSpec

Means = Literal["embeddings", "entailment"]


class ZeroShot(Node):
    """Classify a text or a picture with labels that you choose, without any training.

    **embeddings**: each label is written into the template, and its vector compared with that of
    the text (MiniLM, CLIP) or the picture (CLIP; Radford et al. 2021). The probabilities are a
    softmax of the cosines times the scale: the one that CLIP has learned, else the one below.
    **entailment**: a model of natural language inference is asked whether the text entails the
    sentence that a label makes (Yin et al. 2019, arXiv:1909.00161). With several labels allowed
    each is judged by itself.
    """

    kind, version = "text.zero_shot", 1
    title, family, icon = "Zero-shot classification", "Encoders", "gauge"
    front = "labels"
    synonyms = (
        "classify", "classifier", "labels", "clip", "nli", "bart", "intent", "categorize",
        "image classification", "text classification",
    )  # fmt: skip
    requires = ("torch", "transformers", "safetensors")
    value_types = (EntailmentModel,)

    class Params(NodeParams):
        labels: list[str] = Field(["sport", "politics", "science"], max_length=500)
        """What to choose from; a wired list counts before these."""
        template: str = Field("{}", min_length=2, max_length=1000)
        """The sentence that a label makes, in place of {}: This text is about {}. A photo of {}."""
        by: Means = Field("embeddings")
        """How labels are compared."""
        several: bool = Field(False)
        """For entailment: whether several labels may fit, each judged by itself."""
        scale: float = Field(20.0, gt=0, le=1000)
        """What a cosine is multiplied by, where the embeddings have not learned it: higher is
        surer."""
        weights: OwnWeights = Field(NLI_DEFAULT, max_length=1000)
        """For entailment: hf:owner/repo, or the path of a folder."""

        @model_validator(mode="after")
        def _has_a_place(self) -> ZeroShot.Params:
            if "{}" not in self.template:
                raise ValueError("the template needs {} where the label goes")
            if self.by == "entailment" and not self.weights.strip():
                raise ValueError("entailment needs the name or folder of its model")
            return self

    class Inputs(Ports):
        text: str | None = port(None, doc="A text to classify.")
        picture: Picture | None = port(None, doc="A picture to classify; needs CLIP embeddings.")
        embeddings: EmbeddingsSpec | None = port(None, doc="Compares, by embeddings.")
        labels: JsonValue = port(None, doc="The labels, in place of those of the params.")

    class Outputs(Ports):
        label: str = port(doc="The label that fits best.")
        probability: float = port(doc="How likely that is.")
        table: Table = port(doc="All labels with their probabilities, the likeliest first.")
        chart: Chart = port(doc="The same as bars.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """How, and among what."""
        return f"{params.by} · {', '.join(params.labels)}"[:120]

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        labels = list(dict.fromkeys(_labels(inputs, params)))
        if len(labels) < 2 and not (params.by == "entailment" and params.several and labels):
            raise _refused(f"There are {len(labels)} labels to choose from.", "labels")
        if (inputs.text is None or not inputs.text.strip()) == (inputs.picture is None):
            raise _refused('Either "text" or "picture" is to be classified.', "text")
        sentences = [params.template.replace("{}", label) for label in labels]
        if params.by == "entailment":
            shares = await _by_entailment(inputs, params, sentences, ctx)
        else:
            shares = await _by_vectors(inputs, params, sentences, ctx)
        order = sorted(range(len(labels)), key=lambda i: -shares[i])
        rows: list[dict[str, JsonValue]] = [
            {"label": labels[i], "probability": number(shares[i])} for i in order
        ]
        return self.Outputs(
            label=labels[order[0]],
            probability=float(shares[order[0]]),
            table=Table(
                columns=("label", "probability"),
                rows=tuple((row["label"], row["probability"]) for row in rows),
            ),
            chart=Chart(
                kind="bar", rows=tuple(rows), x="label", y="probability", title="How likely it is"
            ),
        )


def _labels(inputs: Any, params: ZeroShot.Params) -> list[str]:
    given = params.labels if inputs.labels is None else texts_in(inputs.labels, "labels")
    return [label.strip() for label in given if label.strip()]


async def _by_vectors(
    inputs: Any, params: ZeroShot.Params, sentences: Sequence[str], ctx: Context
) -> list[float]:
    spec = inputs.embeddings
    if spec is None:
        raise _refused("No embeddings are wired in to compare with.", "embeddings")
    texts = [*sentences] if inputs.text is None else [*sentences, inputs.text]
    pictures = [] if inputs.picture is None else [inputs.picture]
    vectors = await vectors_of(spec, texts, pictures, ctx)
    async with ctx.use(spec, slot=False) as model:
        scale = float(getattr(model, "scale", params.scale))
    return softmax([scale * float(one) for one in vectors[:-1] @ vectors[-1]])


async def _by_entailment(
    inputs: Any, params: ZeroShot.Params, sentences: Sequence[str], ctx: Context
) -> list[float]:
    if inputs.text is None:
        raise _refused("A picture cannot be classified by entailment.", "picture")
    async with ctx.use(EntailmentModel(weights=params.weights)) as model:
        found = await ctx.blocking(model.logits, inputs.text, sentences)
    if params.several:
        return [softmax([entails, against])[0] for entails, against in found]
    return softmax([entails for entails, _ in found])


def softmax(values: Sequence[float]) -> list[float]:
    """Probabilities of numbers."""
    top = max(values)
    parts = [math.exp(value - top) for value in values]
    return [part / sum(parts) for part in parts]


def _refused(message: str, name: str) -> NodeError:
    fixes = {
        "labels": "Give two labels or more.",
        "text": "Wire one of them.",
        "embeddings": "Wire MiniLM or CLIP embeddings, or choose entailment.",
        "picture": "Choose embeddings, and wire CLIP.",
    }
    return NodeError(message, fix=fixes[name], port=name, code="encoder/given", retry=False)
