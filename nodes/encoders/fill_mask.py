"""The node `text.fill_mask`: what words may stand for a mask."""

from __future__ import annotations

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
from patchbay.nodes.encoders.heads import Filling
from patchbay.nodes.encoders.heads_spec import BERT_DEFAULT, MaskedModel
from patchbay.nodes.encoders.things import number
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.names import OwnWeights

MASK = "[MASK]"
"""How a mask is written in the text, whatever the network writes."""


class FillMask(Node):
    """Ask BERT what may stand for a [MASK]: words with their probabilities.

    It is what BERT was trained for: it reads what stands before and behind the gap (Devlin et al.
    2019, arXiv:1810.04805). RoBERTa, DistilBERT and ALBERT do the same; their own marks are put in
    place of [MASK]. With several masks each is filled by itself, as if the others stayed unknown.
    No package carries BERT's weights: they are fetched from the hub on first use, or taken from a
    folder.
    """

    kind, version = "text.fill_mask", 1
    title, family, icon = "Fill mask", "Encoders", "quote"
    synonyms = ("bert", "masked language model", "mlm", "cloze", "roberta", "distilbert", "albert")
    requires = ("torch", "transformers", "safetensors")
    value_types = (MaskedModel,)

    class Params(NodeParams):
        weights: OwnWeights = Field(BERT_DEFAULT, min_length=1, max_length=1000)
        """hf:owner/repo, with @revision where it should stay the same, or the path of a folder."""
        most: int = Field(5, ge=1, le=100)
        """How many words to give for each mask."""

    class Inputs(Ports):
        text: str = port(doc="A text with one [MASK] or several.")

    class Outputs(Ports):
        text: str = port(doc="The text with the likeliest word for each mask.")
        table: Table = port(doc="The words and their probabilities.")
        chart: Chart = port(doc="The same as bars.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The repository or folder."""
        return params.weights.removeprefix("hf:").replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        if MASK not in inputs.text:
            raise NodeError(
                f"The text has no {MASK} to fill.",
                fix=f"Write {MASK} where a word is to be found: The capital of France is {MASK}.",
                port="text",
                code="encoder/no-mask",
                retry=False,
            )
        async with ctx.use(MaskedModel(weights=params.weights)) as model:
            marked = inputs.text.replace(MASK, model.mask)
            filled: list[list[Filling]] = [  # of another process they come as plain lists
                [Filling(*one) for one in words]
                for words in await ctx.blocking(model.fill, marked, params.most)
            ]
        text = inputs.text
        for words in filled:
            text = text.replace(MASK, words[0].word, 1)
        rows: list[dict[str, JsonValue]] = [
            {"mask": place, "word": one.word, "probability": number(one.probability)}
            for place, words in enumerate(filled, 1)
            for one in words
        ]
        several = len(filled) > 1
        columns = ("mask", "word", "probability") if several else ("word", "probability")
        return self.Outputs(
            text=text,
            table=Table(columns=columns, rows=tuple(tuple(r[c] for c in columns) for r in rows)),
            chart=Chart(
                kind="bar", rows=tuple(rows), x="word", y="probability",
                color="mask" if several else None, title="What may stand there",
            ),
        )  # fmt: skip
