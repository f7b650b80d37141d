"""From records of a table or a file to rows of a data set."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator

from patchbay.nodes.contract import Field, NodeError, NodeParams
from patchbay.nodes.io.records import Record, column
from patchbay.nodes.prompts.braces import check, fill, variables
from patchbay.nodes.strict_json import once_each, parse_json
from patchbay.nodes.training.datasets import DataRow
from patchbay.nodes.values import as_text

ROLES = ("system", "user", "assistant", "tool")
_ALIASES = {"human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant"}
"""Names of roles in data sets of the older ShareGPT form."""

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
    """Rows of a prompt and an answer each.

    Raises:
        NodeError: no record has one of the fields. One without a text is a row without an answer.
    """
    asked = column(list(records), ask, "source")
    if all(record.get(answer) is None for record in records):
        column(list(records[:1]), answer, "source")  # says which fields there are
    said = ["" if record.get(answer) is None else as_text(record[answer]) for record in records]
    return [_row(q, a, system) for q, a in zip(asked, said, strict=True)]


def worded(
    records: Sequence[Record], wordings: Sequence[TaskWording], system: str, every: bool, seed: int
) -> list[DataRow]:
    """Each record in all wordings, or in one that is drawn for it.

    Several wordings of one task teach the task and not its words (T0: Sanh et al. 2022,
    arXiv:2110.08207).

    Raises:
        NodeError: a wording names a field that a record has not.
    """
    draw = random.Random(seed)  # noqa: S311 - an order that repeats, no secret
    rows = []
    for number, record in enumerate(records, 1):
        used = wordings if every else [draw.choice(list(wordings))]
        for one in used:
            asked = _filled(one.ask, record, number)
            said = _filled(one.answer, record, number)
            rows.append(_row(asked, _named(said, one.choices), system))
    return rows


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
        said = _loaded(said) if isinstance(said, str) else said
        if not isinstance(said, list) or not all(isinstance(m, dict) for m in said):
            there = ", ".join(record) or "no fields"
            raise NodeError(
                f"Record {number} holds no list of messages in {field!r}; it has: {there}.",
                fix='Name the field; a message is {"role": "user", "content": "…"}.',
                param="messages_field",
                code="training/no-messages",
                retry=False,
            )
        messages = [_message(m, number) for m in said if isinstance(m, dict)]
        if system and (not messages or messages[0]["role"] != "system"):
            messages.insert(0, {"role": "system", "content": system})
        row: DataRow = {"messages": messages}
        tools = record.get("tools")
        if tools := _loaded(tools) if isinstance(tools, str) else tools:
            row["tools"] = tools
        rows.append(row)
    return rows


def _row(asked: str, said: str, system: str) -> DataRow:
    first = [{"role": "system", "content": system}] if system else []
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    return {"messages": [*first, *turns]}


def _message(given: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A message with a role that templates know. Both usual spellings are read."""
    role = str(given.get("role") or given.get("from") or "").lower()
    role = _ALIASES.get(role, role)
    if role not in ROLES:
        raise NodeError(
            f"A message of record {number} has the role {role!r}.",
            fix=f"Roles are {', '.join(ROLES)}.",
            param="messages_field",
            code="training/no-messages",
            retry=False,
        )
    content = given.get("content", given.get("value"))
    message: dict[str, Any] = {"role": role, "content": "" if content is None else as_text(content)}
    for name in ("tool_calls", "name", "tool_call_id"):
        if given.get(name):
            message[name] = given[name]
    return message


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


def _named(said: str, choices: str) -> str:
    table = {
        part.split("=", 1)[0].strip(): part.split("=", 1)[1].strip()
        for part in choices.split(",")
        if "=" in part
    }
    return table.get(said.strip(), said)


def _loaded(text: str) -> Any:
    try:
        return parse_json(text, once_each)
    except ValueError:
        return text
