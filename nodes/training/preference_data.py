"""The node `train.preference_data`: two answers to a prompt, of which one is preferred."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.io.csv_table import Delimiter
from patchbay.nodes.io.records import Record, check_field, column, records
from patchbay.nodes.numbers import number_in
from patchbay.nodes.strict_json import parse_json
from patchbay.nodes.training.data_node import DataNode
from patchbay.nodes.training.datasets import DataRow, PreferenceData, kept
from patchbay.nodes.training.said import SaidMessage, asked_in, last_words, messages_in, under
from patchbay.nodes.training.splitting import nothing_held, split
from patchbay.nodes.values import FileRef, as_text

READY = Path(__file__).parent / "ready" / "polite.jsonl"
"""A small set that ships, ours, under our licence: polite answers before rude ones."""

PreferenceForm = Literal["pairs", "ranking", "ratings"]
BAD = ("without an answer", "both the same", "twice", "the other way round before",
       "different before the last answer")  # fmt: skip


class PreferenceDataNode(DataNode):
    """Prompts with an answer that people prefer and one that they do not.

    From pairs of texts or of conversations, from rankings (a list of answers, the best first: every
    better one is preferred to every worse one), or from ratings of single answers on a scale (of
    two answers to one prompt the one with the higher mean is preferred). Rows that say nothing, or
    the opposite of an earlier one, are named and left out. The split is by prompt: all pairs of one
    are on the same side.
    """

    kind, version = "train.preference_data", 1
    title, family, icon = "Preference data", "Training", "vote"
    synonyms = ("dataset", "dpo", "rlhf", "pairs", "ranking", "likert", "alignment")

    class Params(NodeParams):
        form: PreferenceForm = Field("pairs")
        """What a record is: a pair, a ranking of answers, or one rated answer."""
        prompt_field: str = Field("prompt", min_length=1)
        """The field that holds the prompt."""
        chosen_field: str = Field("chosen", min_length=1)
        """The field of the preferred answer."""
        rejected_field: str = Field("rejected", min_length=1)
        """The field of the other answer."""
        answers_field: str = Field("answers", min_length=1)
        """In rankings: the field with the list of answers, the best first."""
        answer_field: str = Field("answer", min_length=1)
        """In ratings: the field of the answer."""
        rating_field: str = Field("rating", min_length=1)
        """In ratings: the field of the number."""
        system: str = Field("", max_length=20_000, widget="textarea")
        """A system text for all rows."""
        held_out: float = Field(0.2, ge=0, le=0.9)
        """The share of prompts that is not trained on, to measure with."""
        seed: int = Field(0, ge=0, le=2**32 - 2)
        """Which prompts are held out."""
        delimiter: Delimiter = Field("auto")
        """How the cells of a CSV stand apart."""

    class Inputs(Ports):
        source: FileRef | str | JsonValue | None = port(
            None, doc="Records as JSON Lines, a JSON list or CSV. Without it, a set of ours."
        )

    class Outputs(Ports):
        data: PreferenceData = port(doc="The pairs to train on.")
        held_out: PreferenceData = port(doc="The pairs to measure with.")
        report: Table = port(doc="What was given, what is wrong with it, and what is kept.")
        table: Table = port(doc="The pairs to train on, to look at.")

    value_types = (PreferenceData,)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The form, and how much is held out."""
        return f"{params.form}, {params.held_out:.0%} held out"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        outputs, warnings = await ctx.blocking(_made, inputs, params)
        for sentence in warnings:
            await ctx.warn(sentence)
        return self.Outputs(**outputs)


def _made(
    inputs: PreferenceDataNode.Inputs, params: PreferenceDataNode.Params
) -> tuple[dict[str, Any], list[str]]:
    if inputs.source is None:
        lines = READY.read_text("utf-8").splitlines()
        ours = PreferenceDataNode.Params()
        pairs: Sequence[AnswerPair | None] = _pairs([json.loads(line) for line in lines], ours)
    else:
        given = records(inputs.source, "source", params.delimiter)
        pairs = _of_form(given, params)
    good, bad = _sorted_out(pairs)
    sentences = [
        f"{_many(numbers)} {what} (the first is number {numbers[0]}); left out."
        for what, numbers in bad.items()
    ]
    if not good:
        raise NodeError(
            f"Of {len(pairs)} pairs none is left to train on. {' '.join(sentences)}",
            fix="Give prompts with two different answers each.",
            port="source",
            code="training/no-rows",
            retry=False,
        )
    rows: list[DataRow] = [
        {"prompt": under(params.system, json.loads(prompt)), "chosen": chosen, "rejected": rejected}
        for prompt, chosen, rejected in good
    ]
    train, held = split(rows, [(prompt,) for prompt, _, _ in good], params.held_out, params.seed)
    alike = nothing_held(len(good), len(held), params.held_out)
    name = "polite" if inputs.source is None else "the wired pairs"
    counts: list[tuple[JsonValue, ...]] = [("given", len(pairs))]
    counts += [(what, len(numbers)) for what, numbers in bad.items()]
    shown = tuple((last_words(r["prompt"]), r["chosen"], r["rejected"]) for r in train)
    title = f"{name}: {len(train)} pairs to train on, {len(held)} held out"
    outputs = {
        "data": kept(PreferenceData, train, name),
        "held_out": kept(PreferenceData, held, f"{name}, held out"),
        "report": Table(
            columns=("what", "pairs"), rows=(*counts, ("kept", len(good))), title=title
        ),
        "table": Table(columns=("prompt", "preferred", "other"), rows=shown, title=title),
    }
    return outputs, [*sentences, *([alike] if alike else [])]


AnswerPair = tuple[str, str, str]
"""Prompt (its messages, as JSON), the preferred answer, the other."""


def _of_form(given: list[Record], params: PreferenceDataNode.Params) -> Sequence[AnswerPair | None]:
    if params.form == "pairs":
        return _pairs(given, params)
    asked = [_written(said) for said in asked_in(given, params.prompt_field, "prompt_field")]
    if params.form == "ranking":
        return [
            (prompt, better, worse)
            for number, (prompt, row) in enumerate(zip(asked, given, strict=True), 1)
            for better, worse in combinations(_ranked(row, params.answers_field, number), 2)
        ]
    return _rated(asked, given, params)


def _pairs(given: list[Record], params: PreferenceDataNode.Params) -> list[AnswerPair | None]:
    """Each record as a pair; where its answers are conversations, these may hold the prompt. None
    for one whose conversations differ before the last answer."""
    for field in (params.chosen_field, params.rejected_field):
        check_field(given, field, "source")
    return [_pair(row, number, params) for number, row in enumerate(given, 1)]


def _pair(row: Record, number: int, params: PreferenceDataNode.Params) -> AnswerPair | None:
    chosen = _talk(row.get(params.chosen_field), number, "chosen_field")
    rejected = _talk(row.get(params.rejected_field), number, "rejected_field")
    if not chosen or not rejected:
        return "[]", "", ""
    if chosen[:-1] != rejected[:-1] or chosen[-1]["role"] != "assistant":
        return None
    before = chosen[:-1]
    if not any(one["role"] == "user" for one in before):
        before += asked_in([row], params.prompt_field, "prompt_field", number)[0]
    return _written(before), chosen[-1]["content"], rejected[-1]["content"]


def _talk(answer: object, number: int, param: str) -> list[SaidMessage]:
    """An answer as the messages that it ends; none where there is no answer."""
    if answer is None:
        return []
    said = messages_in(answer, number, param)
    return said or [{"role": "assistant", "content": as_text(answer)}]


def _written(messages: Sequence[SaidMessage]) -> str:
    return json.dumps(messages, ensure_ascii=False)


def _ranked(row: Record, field: str, number: int) -> list[str]:
    answers = row.get(field)
    if isinstance(answers, str):
        try:
            answers = parse_json(answers)
        except ValueError:
            answers = None
    if not isinstance(answers, list) or len(answers) < 2:
        raise NodeError(
            f"Record {number} holds no ranking of two answers or more in {field!r}.",
            fix="Give a list of answers, the best first.",
            param="answers_field",
            code="training/no-pairs",
            retry=False,
        )
    return [_last(answer, number, "answers_field") for answer in answers]


def _last(answer: object, number: int, param: str) -> str:
    """The words of an answer, which may be a message, or several that it ends."""
    said = _talk(answer, number, param)
    return str(said[-1]["content"]) if said else ""


def _rated(
    asked: Sequence[str], given: list[Record], params: PreferenceDataNode.Params
) -> list[AnswerPair]:
    column(given, params.answer_field, "source")  # says which record has none
    said = [_last(row[params.answer_field], number, "answer_field")
            for number, row in enumerate(given, 1)]  # fmt: skip
    rated = column(given, params.rating_field, "source")
    marks: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number, (prompt, answer, rating) in enumerate(zip(asked, said, rated, strict=True), 1):
        mark = number_in(rating) if isinstance(rating, str) else None
        if mark is None:
            raise NodeError(
                f"The rating of record {number} is {rating!r} and not a number.",
                fix="Give ratings as numbers, the higher the better.",
                param="rating_field",
                code="training/no-pairs",
                retry=False,
            )
        marks[prompt][answer].append(mark)
    pairs = []
    for prompt, answers in marks.items():
        mean = {answer: sum(all_) / len(all_) for answer, all_ in answers.items()}
        for one, other in combinations(mean, 2):
            if mean[one] != mean[other]:
                better, worse = (one, other) if mean[one] > mean[other] else (other, one)
                pairs.append((prompt, better, worse))
    return pairs


def _sorted_out(
    pairs: Sequence[AnswerPair | None],
) -> tuple[list[AnswerPair], dict[str, list[int]]]:
    good: dict[AnswerPair, None] = {}
    bad: dict[str, list[int]] = {}
    for number, pair in enumerate(pairs, 1):
        if pair is not None and not (what := _fault(pair, good)):
            good[pair] = None
        else:
            bad.setdefault(BAD[4] if pair is None else what, []).append(number)
    return list(good), bad


def _fault(pair: AnswerPair, good: Container[AnswerPair]) -> str:
    """What is wrong with a pair beside those before it; empty for nothing."""
    prompt, chosen, rejected = pair
    if not chosen.strip() or not rejected.strip():
        return BAD[0]
    if chosen == rejected:
        return BAD[1]
    if pair in good:
        return BAD[2]
    return BAD[3] if (prompt, rejected, chosen) in good else ""


def _many(numbers: Sequence[int]) -> str:
    return "1 pair is" if len(numbers) == 1 else f"{len(numbers)} pairs are"
