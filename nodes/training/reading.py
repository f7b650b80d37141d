"""From records of a table or a file to rows of a data set."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator

from patchbay.nodes.contract import Field, NodeError, NodeParams
from patchbay.nodes.io.records import Record, check_field
from patchbay.nodes.prompts.braces import check, fill, variables
from patchbay.nodes.training.datasets import DataRow
from patchbay.nodes.training.said import (
    SaidMessage,
    asked_in,
    loaded,
    message_of,
    messages_in,
    under,
)
from patchbay.nodes.values import as_text

RowTemplate = Annotated[str, AfterValidator(check)]


class TaskWording(NodeParams):
    """One wording of a task: how a record is asked, and what is to be answered."""

    ask: RowTemplate
    """The prompt, with {fields} of a record."""
    answer: RowTemplate = "{answer}"
    """The answer, likewise."""
    choices: str = Field("", max_length=2000)
    """Other names for answers, such as `1=good, 0=bad`; empty: as they stand."""


def pairs(records: Sequence[Record], ask: str, answer: str, system: str) -> list[DataRow]:
    """Rows of a prompt and an answer each: texts, or messages.

    Raises:
        NodeError: no record has one of the fields, or an answer ends otherwise than with the
            model's own words. One without a text is a row without an answer.
    """
    asked = asked_in(list(records), ask, "prompt_field")
    check_field(records, answer, "source")
    rows: list[DataRow] = []
    for number, (before, record) in enumerate(zip(asked, records, strict=True), 1):
        said = _answer(record.get(answer), number)
        row: DataRow = {"messages": under(system, [*before, *said])}
        if isinstance(record.get("tools"), list) and (tools := _tools(record, number)):
            row["tools"] = tools
        rows.append(row)
    return rows


def _answer(given: object, number: int) -> list[SaidMessage]:
    said = messages_in(given, number, "answer_field")
    if said is None:
        return [{"role": "assistant", "content": "" if given is None else as_text(given)}]
    if said[-1]["role"] != "assistant":
        raise NodeError(
            f"The answer of record {number} ends with the words of a {said[-1]['role']}.",
            fix="Name the field with what the model is to say.",
            param="answer_field",
            code="training/no-messages",
            retry=False,
        )
    return said


def worded(
    records: Sequence[Record], wordings: Sequence[TaskWording], system: str, every: bool, seed: int
) -> tuple[list[DataRow], list[int]]:
    """Each record in all wordings, or in one that is drawn for it; and the numbers of the rows
    whose answer is none of those that its wording gives other names.

    Several wordings of one task teach the task and not its words (T0: Sanh et al. 2022,
    arXiv:2110.08207).

    Raises:
        NodeError: a wording names a field that a record has not.
    """
    draw = random.Random(seed)  # noqa: S311 - an order that repeats, no secret
    rows: list[DataRow] = []
    unnamed = []
    for number, record in enumerate(records, 1):
        used = wordings if every else [draw.choice(list(wordings))]
        for one in used:
            asked = _filled(one.ask, record, number)
            said = _filled(one.answer, record, number)
            names = _names(one.choices)
            rows.append(_row(asked, names.get(said.strip(), said), system))
            if names and said.strip() not in {*names, *names.values(), ""}:
                unnamed.append(len(rows))
    return rows, unnamed


def wordings_of(record: Record, wordings: Sequence[TaskWording]) -> frozenset[str]:
    """What a record asks in each wording that names fields, whichever is used for it."""

    def value(name: str) -> str:
        return "" if record.get(name) is None else as_text(record[name])

    return frozenset(fill(one.ask, value) for one in wordings if variables(one.ask))


def conversations(records: Sequence[Record], field: str, system: str) -> list[DataRow]:
    """Rows of whole conversations; tool calls and the tools that there were stay in them.

    Raises:
        NodeError: a record holds no list of messages.
    """
    rows = []
    for number, record in enumerate(records, 1):
        said = record.get(field)
        said = loaded(said) if isinstance(said, str) else said
        if not isinstance(said, list) or not all(isinstance(m, dict) for m in said):
            there = ", ".join(record) or "no fields"
            raise NodeError(
                f"Record {number} holds no list of messages in {field!r}; it has: {there}.",
                fix='Name the field; a message is {"role": "user", "content": "…"}.',
                param="messages_field",
                code="training/no-messages",
                retry=False,
            )
        messages = [message_of(m, number, "messages_field") for m in said if isinstance(m, dict)]
        row: DataRow = {"messages": under(system, messages)}
        if tools := _tools(record, number):
            row["tools"] = tools
        rows.append(row)
    return rows


def _row(asked: str, said: str, system: str) -> DataRow:
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    return {"messages": under(system, turns)}


def _tools(record: Record, number: int) -> Any:
    """The tools that there were, as a list or as JSON text."""
    tools = record.get("tools")
    tools = loaded(tools) if isinstance(tools, str) else tools
    if tools and not (isinstance(tools, list) and all(isinstance(one, dict) for one in tools)):
        raise NodeError(
            f"Record {number} has tools that are no list of tools.",
            fix='A tool is {"type": "function", "function": {"name": "…", "parameters": {…}}}; '
            "leave the field out where there were none.",
            param="messages_field",
            code="training/no-messages",
            retry=False,
        )
    return tools


def _filled(template: str, record: Record, number: int) -> str:
    def value(name: str) -> str:
        if name not in record:
            raise NodeError(
                f"A wording names {{{name}}}, which record {number} has not; it has: "
                f"{', '.join(record)}.",
                fix="Name a field of the records, or write {{ and }} for braces.",
                param="wordings",
                code="training/no-field",
                retry=False,
            )
        return "" if record[name] is None else as_text(record[name])

    return fill(template, value)


def _names(choices: str) -> dict[str, str]:
    """Other names of answers by the answers."""
    parts = (part.split("=", 1) for part in choices.split(",") if "=" in part)
    return {old.strip(): new.strip() for old, new in parts}
