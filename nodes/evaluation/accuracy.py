"""The node `eval.accuracy`: how often answers are right, side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import JsonValue, model_validator

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.evaluation.interval import wilson
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.models.asking import one_line
from patchbay.nodes.names import Name
from patchbay.nodes.techniques.answers import first_choice, same
from patchbay.nodes.values import as_text, type_in_words

Match = Literal["label in the answer", "whole answer"]
_OWN = ("labels", "inputs")


class Accuracy(Node):
    """Compare answers with the right ones: accuracy with its interval, as a table and a chart.

    Every name in `answers` becomes an input that takes a list of answers, such as *For each* gives.
    The interval is Wilson's score interval (Wilson 1927); where two of them overlap widely, the
    data cannot tell which is better. An answer that is missing or names no label counts as wrong.
    """

    kind, version = "eval.accuracy", 1
    title, family, icon = "Accuracy", "Evaluation", "gauge"
    front = "match"
    synonyms = ("score", "metric", "f1", "test", "confusion matrix")

    class Params(NodeParams):
        answers: list[Name] = Field(["answers"], min_length=1, max_length=50)
        """What is compared; each name becomes an input."""
        match: Match = Field("label in the answer")
        """Take the first label that an answer names, or compare the whole answer."""
        confidence: float = Field(0.95, ge=0.5, le=0.999, widget="slider")
        """How often the interval holds the true share."""

        @model_validator(mode="after")
        def _names_differ(self) -> Accuracy.Params:
            if len(set(self.answers)) < len(self.answers) or set(self.answers) & set(_OWN):
                raise ValueError("the names must differ, and be none of: labels, inputs")
            return self

    class Inputs(Ports):
        labels: JsonValue = port(doc="The right answers, a list.")
        inputs: JsonValue = port(None, doc="The cases, to show beside the answers.")
        answers: JsonValue = port(doc="The answers to compare, in the order of the labels.")

    class Outputs(Ports):
        table: Table = port(doc="Accuracy and interval of each.")
        chart: Chart = port(doc="The same as bars with error bars.")
        confusion: Table = port(doc="How often which label was answered how.")
        cases: Table = port(doc="Every case with its label and all answers.")
        best: str = port(doc="The name of the one that was right most often.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        ports: dict[str, Any] = {
            "labels": (JsonValue, port(doc="The right answers, a list.")),
            "inputs": (JsonValue, port(None, doc="The cases, to show beside the answers.")),
        }
        for name in params.answers:
            ports[name] = (JsonValue, port(doc=f"The answers of {name}, in the labels' order."))
        return Ports.of(ports)

    @classmethod
    def summary(cls, params: Params) -> str:
        return ", ".join(params.answers)

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        values = inputs.as_dict()
        labels = [as_text(label) for label in _listed(values["labels"], "labels")]
        if not labels:
            raise _refused("There are no labels to compare with.", "labels")
        compared = [_compared(name, values[name], labels, params) for name in params.answers]
        rows = [_row(item, labels, params.confidence) for item in compared]
        best = max(compared, key=lambda item: item.hits)
        title = f"Accuracy on {len(labels)} cases, with {params.confidence:.0%} intervals"
        return self.Outputs(
            table=_table(rows, title),
            chart=Chart(
                kind="bar", rows=tuple(rows), x="answers", y="accuracy", low="low", high="high",
                title=title,
            ),
            confusion=_confusion(compared, labels),
            cases=_cases(compared, labels, values.get("inputs")),
            best=best.name,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Compared:
    """One list of answers: as given, the label each one says (or None), how many are right."""

    name: str
    given: list[str | None]
    said: list[str | None]
    hits: int


def _compared(name: str, given: Any, labels: list[str], params: Accuracy.Params) -> _Compared:
    answers = [None if item is None else as_text(item) for item in _listed(given, name)]
    if len(answers) != len(labels):
        raise _refused(f'"{name}" holds {len(answers)} answers for {len(labels)} labels.', name)
    known = list(dict.fromkeys(labels))
    said = [None if a is None else _label(a, known, params.match) for a in answers]
    hits = sum(
        s is not None and same(s) == same(right) for s, right in zip(said, labels, strict=True)
    )
    return _Compared(name, answers, said, hits)


def _label(answer: str, known: list[str], match: Match) -> str | None:
    return first_choice(answer, known) if match == "label in the answer" else answer.strip() or None


def _row(item: _Compared, labels: list[str], confidence: float) -> dict[str, JsonValue]:
    low, high = wilson(item.hits, len(labels), confidence)
    return {
        "answers": item.name,
        "accuracy": item.hits / len(labels),
        "low": low,
        "high": high,
        "right": item.hits,
        "of": len(labels),
        "without a label": sum(said is None for said in item.said),
    }


def _table(rows: list[dict[str, JsonValue]], title: str) -> Table:
    return Table(columns=tuple(rows[0]), rows=tuple(tuple(r.values()) for r in rows), title=title)


def _confusion(compared: list[_Compared], labels: list[str]) -> Table:
    rows: list[tuple[JsonValue, ...]] = []
    for item in compared:
        pairs = Counter(zip(labels, item.said, strict=True))
        rows += [
            (item.name, label, "(none)" if said is None else one_line(said), count)
            for (label, said), count in sorted(
                pairs.items(), key=lambda pair: (labels.index(pair[0][0]), -pair[1])
            )
        ]
    columns = ("answers", "label", "answered", "count")
    return Table(columns=columns, rows=tuple(rows), title="What was answered for which label")


def _cases(compared: list[_Compared], labels: list[str], inputs: Any) -> Table:
    shown = [as_text(item) for item in inputs] if isinstance(inputs, list) else [""] * len(labels)
    if len(shown) != len(labels):
        raise _refused(f'"inputs" holds {len(shown)} cases for {len(labels)} labels.', "inputs")
    rows = tuple(
        (one_line(case), label, *(_shown(item.given[i]) for item in compared))
        for i, (case, label) in enumerate(zip(shown, labels, strict=True))
    )
    names = (item.name for item in compared)
    return Table(columns=("input", "label", *names), rows=rows, title="Every case")


def _shown(answer: str | None) -> JsonValue:
    return None if answer is None else one_line(answer)


def _listed(value: Any, name: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise _refused(f'"{name}" takes a list, but got {type_in_words(value)}.', name)


def _refused(message: str, name: str) -> NodeError:
    return NodeError(
        message,
        fix="Wire the labels of a data set, and the results of For each over its cases.",
        port=name,
        code="eval/lists",
        retry=False,
    )
