"""The node `train.classifier`: an encoder learns to label texts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.encoders.classifier_spec import TrainedClassifier
from patchbay.nodes.evaluation.interval import wilson
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.io.csv_table import Delimiter
from patchbay.nodes.io.records import Record, check_field, column, records
from patchbay.nodes.names import OwnWeights
from patchbay.nodes.training.datasets import DataRow
from patchbay.nodes.training.faults import NO_LABEL, OTHER_LABEL, Faults
from patchbay.nodes.training.instruction_data import ready_rows
from patchbay.nodes.training.splitting import split
from patchbay.nodes.units import duration, size_in_words
from patchbay.nodes.values import FileRef, as_text
from patchbay.nodes.weights.manifest import EMBEDDINGS_DEFAULT
from patchbay.nodes.weights.reporter import reporter

SIZES = (
    ("BERT base / large", "110 / 340", "Devlin et al. 2019, arXiv:1810.04805"),
    ("RoBERTa base / large", "125 / 355", "Liu et al. 2019, arXiv:1907.11692"),
    ("DistilBERT", "66", "Sanh et al. 2019, arXiv:1910.01108: 97 % of BERT's score on GLUE"),
    ("ALBERT base / large", "12 / 18", "Lan et al. 2020, arXiv:1909.11942"),
    ("MiniLM (L6, H384)", "23", "Wang et al. 2020, arXiv:2002.10957"),
)
"""Encoders, millions of numbers, and where that is said."""


class TrainClassifier(Node):
    """Train an encoder to label texts: a linear head on frozen features, or all of it.

    **features**: every text is read once, and only a head of one matrix learns (a logistic
    regression): seconds, and kilobytes are kept. **fine-tuning**: encoder and head learn together
    (Devlin et al. 2019, arXiv:1810.04805): more exact with enough rows, and the whole network is
    kept. BERT, RoBERTa, DistilBERT, ALBERT and MiniLM by name or folder. Trained once for the same
    encoder, rows and settings. Without rows, sixty remarks of ours.
    """

    kind, version = "train.classifier", 1
    title, family, icon = "Train a classifier", "Training", "gauge"
    synonyms = ("bert", "roberta", "distilbert", "albert", "fine-tune", "text classification",
                "linear probe", "logistic regression", "encoder")  # fmt: skip
    requires = ("torch", "transformers", "safetensors")

    class Params(NodeParams):
        weights: OwnWeights = Field(EMBEDDINGS_DEFAULT, min_length=1, max_length=1000)
        """The encoder: a name, hf:owner/repo, or the path of a folder."""
        way: Literal["features", "fine-tuning"] = Field("features")
        """What learns: a head on frozen features, or all of it."""
        text_field: str = Field("prompt", min_length=1)
        """The field of a record that holds the text."""
        label_field: str = Field("answer", min_length=1)
        """The field that holds its label."""
        epochs: int = Field(3, ge=1, le=1000)
        """How often every row is seen; a head sees it twenty times as often."""
        learning_rate: float = Field(5e-5, gt=0, le=1)
        """How far a step goes, in fine-tuning."""
        batch: int = Field(8, ge=1, le=1024)
        """Rows of a step, in fine-tuning."""
        max_tokens: int = Field(128, ge=8, le=8192)
        """Where a text is cut."""
        held_out: float = Field(0.25, ge=0, le=0.9)
        """The share of rows that is not trained on, to measure with."""
        seed: int = Field(0, ge=0, le=2**32 - 2)
        """Which rows are held out, and what the head begins with."""
        delimiter: Delimiter = Field("auto")
        """How the cells of a CSV stand apart."""

    class Inputs(Ports):
        source: FileRef | str | JsonValue | None = port(
            None, doc="Records as JSON Lines, a JSON list or CSV. Without it, a set of ours."
        )

    class Outputs(Ports):
        classifier: TrainedClassifier = port(doc="For *Classify with an encoder*.")
        report: Table = port(doc="How right it is on rows held out, and what it took.")
        curve: Chart = port(doc="The loss of each step.")
        sizes: Table = port(doc="The encoders of the lecture by their size.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """How, and on what."""
        return f"{params.way}, {params.weights}"[:120]

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """The result lies in a folder of the person; whether it still does, only a run sees."""
        return False

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        from patchbay.nodes.training.classifier import (
            ClassifierJob,
            ClassifierSettings,
            train_classifier,
        )
        from patchbay.nodes.weights.folders import folder_id, resolve_folder

        report = reporter(ctx)
        rows, held, notes = await ctx.blocking(_rows, inputs, params)
        for note in notes:
            await ctx.warn(note)
        folder: Path = await ctx.blocking(resolve_folder, params.weights, report)
        job = ClassifierJob(
            folder, str(await ctx.blocking(folder_id, params.weights)), rows, held,
            ClassifierSettings(
                params.way, params.epochs, params.learning_rate, params.batch, params.max_tokens,
                params.seed,
            ),
        )  # fmt: skip
        record = await ctx.blocking(train_classifier, job, report, ctx.cancelled)
        if cut := record.get("cut"):
            many = f"{cut} texts are" if cut != 1 else "1 text is"
            await ctx.warn(f"{many} longer than {record['reads']} tokens; the rest is not read.")
        whole = params.way == "fine-tuning"
        return self.Outputs(
            classifier=TrainedClassifier(
                path=str(job.place.result), sha256=record["sha256"], labels=tuple(job.labels),
                base=params.weights, whole=whole,
            ),
            report=_report(params, job.labels, rows, held, record),
            curve=Chart(
                kind="line", x="step", y="loss", title="Loss by step",
                rows=tuple({"step": n, "loss": one} for n, one in enumerate(record["curve"], 1)),
            ),
            sizes=Table(columns=("encoder", "millions of numbers", "said by"), rows=SIZES,
                        title="Encoders by their size"),
        )  # fmt: skip


LabelledRows = list[tuple[str, str]]


def _rows(
    inputs: TrainClassifier.Inputs, params: TrainClassifier.Params
) -> tuple[LabelledRows, LabelledRows, list[str]]:
    """Rows to train on and rows held out, and what is wrong with those that were given."""
    if inputs.source is None:
        given = ready_rows("sentiment")
        named = ("prompt", "answer")
    else:
        given = records(inputs.source, "source", params.delimiter)
        named = (params.text_field, params.label_field)
    kept, notes = _sorted_out(given, *named)
    marks = [(text.casefold().strip(),) for text, _ in kept]
    if len({label for _, label in kept}) < 2:
        raise _refused("The rows have fewer than two labels, so there is nothing to tell apart.")
    rows: list[DataRow] = [{"text": text, "label": label} for text, label in kept]
    train, held = split(rows, marks, params.held_out, params.seed)
    names = {row["label"] for row in train}
    if lost := sorted({row["label"] for row in held} - names):
        raise _refused(f'All rows of the label "{lost[0]}" are held out.')
    if len(names) < 2:
        raise _refused("All rows that are trained on have one label.")
    return ([(row["text"], row["label"]) for row in train],
            [(row["text"], row["label"]) for row in held], notes)  # fmt: skip


def _sorted_out(given: list[Record], text: str, label: str) -> tuple[LabelledRows, list[str]]:
    """Each text with its label once, and a sentence for each kind of rows that say nothing new."""
    for field in (text, label):
        check_field(given, field, "source")
    faults, known = Faults(), dict[str, str]()
    found: dict[tuple[str, str], None] = {}
    for number, row in enumerate(given, 1):
        if text not in row:
            column([row], text, "source", number)
        one, other = (
            "" if row.get(field) is None else as_text(row[field]) for field in (text, label)
        )
        if not one.strip() or not other.strip():
            faults.add(NO_LABEL, number)
        elif (one, other) in found:
            faults.add("twice", number)
        else:
            if known.setdefault(one, other) != other:
                faults.add(OTHER_LABEL, number)
            found[one, other] = None
    return list(found), faults.sentences()


def _report(
    params: TrainClassifier.Params,
    labels: list[str],
    rows: LabelledRows,
    held: LabelledRows,
    record: dict[str, JsonValue],
) -> Table:
    said: list[tuple[str, JsonValue]] = [
        ("way", params.way), ("encoder", params.weights),
        ("rows", f"{len(rows)} to train on, {len(held)} held out"), ("labels", ", ".join(labels)),
    ]  # fmt: skip
    right = record["right"]
    if isinstance(right, list) and right:
        hits = sum(bool(one) for one in right)
        low, high = wilson(hits, len(right))
        common = Counter(label for _, label in rows).most_common(1)[0][0]
        usual = sum(label == common for _, label in held)
        said += [
            ("right, of those held out", f"{hits} of {len(right)}: {hits / len(right):.3f}"),
            ("95 % interval", f"{low:.3f} … {high:.3f}"),
            (f'always saying "{common}"', f"{usual} of {len(held)}: {usual / len(held):.3f}"),
        ]
    said += [
        ("numbers trained", f"{record['trained']:,} of {record['parameters']:,}"),
        ("time", duration(float(str(record["seconds"])))),
        ("kept", size_in_words(float(str(record["size"])))),
    ]
    return Table(columns=("what", "value"), rows=tuple(said), title="The training")


def _refused(message: str) -> NodeError:
    return NodeError(
        message,
        fix="Give rows with two labels or more, and hold fewer of them out.",
        port="source",
        code="training/labels",
        retry=False,
    )
