"""The node `data.format`: records written out by a template."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.prompts.braces import check, fill, variables
from patchbay.nodes.records.pick import plain
from patchbay.nodes.values import Document, Message, Table, as_text, type_in_words

NUMBER, ITEM = "number", "item"


class FormatRecords(Node):
    """Write records out as text: a template filled for each of them, joined.

    A record is an object of a JSON list, a row of a table, a document or a message. `{name}` stands
    for its field; a field whose name is no plain word goes by the name with `_` for every other
    sign (`Unit price` is `{Unit_price}`), the fields of a document's metadata by their own names.
    `{number}` counts from 1 and `{item}` is the whole record, where no field is called so.
    """

    kind, version = "data.format", 1
    title, family, icon = "Format records", "Data", "list"
    synonyms = (
        "parser", "parse", "stringify", "template", "json to text", "records to text",
        "table to text", "combine text", "render", "list",
    )  # fmt: skip

    class Params(NodeParams):
        template: Annotated[str, AfterValidator(check)] = Field(
            "{number}. {item}", min_length=1, max_length=100_000, widget="textarea"
        )
        """What is written for each record, with {fields}."""
        separator: str = Field("\n", max_length=1000)
        """What stands between two records; `\\n` typed as two signs means a new line."""
        missing: Literal["fail", "leave empty"] = Field("fail")
        """What happens where a record lacks a field."""

    class Inputs(Ports):
        records: JsonValue | list[Document] | list[Message] | Table = port(
            doc="A JSON list, one object, a table, documents or messages."
        )

    class Outputs(Ports):
        text: str = port(doc="All records, joined.")
        texts: JsonValue = port(doc="The text of each record, as a JSON list.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The first line of the template."""
        return params.template.strip().splitlines()[0] if params.template.strip() else ""

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Fill the template for each record."""
        records = _records(inputs.records)
        wanted = variables(params.template)
        texts: list[JsonValue] = []
        for number, record in enumerate(records, 1):
            fields = {ITEM: record, NUMBER: number, **_fields(record)}
            if params.missing == "fail":
                _check(fields, wanted, number, len(records))
            texts.append(
                fill(params.template, lambda name, f=fields: _text(f.get(name)))  # type: ignore[misc]
            )
        separator = params.separator.replace("\\n", "\n").replace("\\t", "\t")
        return self.Outputs(text=separator.join(str(text) for text in texts), texts=texts)


def _records(given: Any) -> list[Any]:
    value = plain(given)
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    raise NodeError(
        f'"records" takes a list, but got {type_in_words(given)}.',
        fix="Wire a JSON list, a table, documents or messages.",
        port="records",
        code="format/not-records",
        retry=False,
    )


def _fields(record: Any) -> dict[str, Any]:
    """The fields of a record by the names that a template can say."""
    if not isinstance(record, dict):
        return {}
    meta = record.get("metadata")
    inner = meta if isinstance(meta, dict) and "text" in record else {}
    fields = {**inner, **record}
    plain_names = {re.sub(r"\W", "_", key): value for key, value in fields.items()}
    return {**plain_names, **fields}


def _check(fields: dict[str, Any], wanted: list[str], number: int, total: int) -> None:
    lacking = [name for name in wanted if name not in fields]
    if not lacking:
        return
    there = ", ".join(name for name in list(fields)[:12] if name not in (ITEM, NUMBER)) or "none"
    raise NodeError(
        f"Record {number} of {total} has no field {{{lacking[0]}}}. Its fields are: {there}.",
        fix='Correct the template, or choose "leave empty".',
        port="records",
        code="format/no-field",
        retry=False,
    )


def _text(value: Any) -> str:
    return "" if value is None else as_text(value)
