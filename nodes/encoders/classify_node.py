"""The node `encoder.classify`: label texts with a classifier that was trained."""

from __future__ import annotations

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.encoders.classifier_spec import TrainedClassifier
from patchbay.nodes.encoders.things import number
from patchbay.nodes.figures import Chart, Table


class ClassifyTexts(Node):
    """Label a text, or a list of texts, with probabilities, by a classifier that was trained here.

    One text gives its label, and how likely each is; a list gives a label for each, in its order.
    """

    kind, version = "encoder.classify", 1
    title, family, icon = "Classify with an encoder", "Encoders", "gauge"
    synonyms = ("bert", "label", "predict", "sentiment", "text classification", "roberta")
    requires = ("torch", "transformers", "safetensors")

    class Params(NodeParams):
        """None."""

    class Inputs(Ports):
        classifier: TrainedClassifier = port(doc="From *Train a classifier*.")
        text: str | JsonValue = port(doc="A text, or a JSON list of texts.")

    class Outputs(Ports):
        label: str = port(doc="The likeliest label of the text, or of the first.")
        probability: float = port(doc="How likely that is.")
        labels: JsonValue = port(doc="The likeliest label of each text.")
        table: Table = port(doc="Every text with the probability of each label.")
        chart: Chart = port(doc="The probabilities of the first text as bars.")

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        texts = [inputs.text] if isinstance(inputs.text, str) else inputs.text
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
            raise NodeError(
                "There is no text to label.",
                fix="Wire a text, or a JSON list of texts.",
                port="text",
                code="encoder/given",
                retry=False,
            )
        said = [str(text) for text in texts]
        async with ctx.use(inputs.classifier) as model:
            found = await ctx.blocking(model.probabilities, said)
        names = inputs.classifier.labels
        best = [max(range(len(names)), key=row.__getitem__) for row in found]
        order = sorted(range(len(names)), key=lambda i: -found[0][i])
        return self.Outputs(
            label=names[best[0]],
            probability=float(found[0][best[0]]),
            labels=[names[i] for i in best],
            table=Table(
                columns=("text", "label", *(f"p({name})" for name in names)),
                rows=tuple(
                    (text, names[i], *(number(one) for one in row))
                    for text, i, row in zip(said, best, found, strict=True)
                ),
            ),
            chart=Chart(
                kind="bar",
                rows=tuple({"label": names[i], "probability": number(found[0][i])} for i in order),
                x="label", y="probability", title="How likely it is",
            ),
        )  # fmt: skip
