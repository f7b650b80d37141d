"""Rows as the model will read them: in pieces that are learned, and pieces that are not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from pydantic import JsonValue

from patchbay.nodes.figures import Table
from patchbay.nodes.training.datasets import DataRow
from patchbay.nodes.training.tokens import RowReader

COLUMNS = ("row", "learned", "tokens", "text")
LONGEST = 2000
"""Characters of a piece that are shown."""


def preview_of(rows: Sequence[DataRow], reader: RowReader | None, limit: int) -> Table:
    """The first rows. Without a reader the messages as they are, and no tokens.

    Args:
        rows: which.
        reader: of the model, or None where none is wired.
        limit: tokens that a row may have.
    """
    pieces: list[tuple[JsonValue, ...]] = []
    for number, row in enumerate(rows, 1):
        pieces += _read(number, row, reader, limit) if reader else _said(number, row)
    title = "What the model reads" if reader else "Messages; wire a model to see what it reads"
    return Table(columns=COLUMNS, rows=tuple(pieces), title=title)


def _read(
    number: int, row: DataRow, reader: RowReader, limit: int
) -> Iterator[tuple[JsonValue, ...]]:
    whole = reader.tokens(row, number)
    tokens = whole.cut(limit)
    pairs = zip(tokens.ids, tokens.learned, strict=True)
    for learned, group in groupby(pairs, key=lambda pair: pair[1]):
        ids = [token for token, _ in group]
        text = reader.tokenizer.decode(ids, skip_special_tokens=False)
        yield number, "learned" if learned else "read", len(ids), _short(text)
    if len(whole.ids) > limit:
        lost = whole.ids[limit:]
        yield number, "cut off", len(lost), _short(reader.tokenizer.decode(list(lost)))


def _said(number: int, row: DataRow) -> Iterator[tuple[JsonValue, ...]]:
    for message in row["messages"]:
        learned = message["role"] == "assistant" or row.get("learn") == "everything"
        called = [one.get("function", one) for one in message.get("tool_calls", ())]
        shown = [message["content"], *(json.dumps(one, ensure_ascii=False) for one in called)]
        text = f"{message['role']}: {' '.join(filter(None, shown))}"
        yield number, "learned" if learned else "read", None, _short(text)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
