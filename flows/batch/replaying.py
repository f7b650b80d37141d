"""A batch made again from its manifest, and compared with what it gave."""

from __future__ import annotations

import itertools
import json
import math
import operator
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.batch.databases import split_table, with_password
from patchbay.flows.batch.manifest import FORMAT, BatchSettings, file_hash, rows_hash
from patchbay.flows.batch.rows import Rows, bad, open_rows
from patchbay.flows.document.reading import read_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.secrets import Secrets
from patchbay.nodes.database_address import database_file

if TYPE_CHECKING:
    from patchbay.flows.batch.api import BatchOrder

SHOWN = 20
"""Rows that are named one by one."""


def read_manifest(path: Path) -> dict[str, Any]:
    """What a manifest says.

    Raises:
        FlowError: the file cannot be read, or is none of ours.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise bad("batch/manifest", f"{path} cannot be read: {error.strerror}.", _FIX) from None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT or "output" not in found:
        raise bad("batch/manifest", f"{path} is no manifest of a batch that has ended.", _FIX)
    return found


_FIX = "Name the .manifest.json that lies beside the output."


def order_of(then: Mapping[str, Any], output: str, manifest: Path) -> BatchOrder:
    """What a manifest asks for. Relative paths in it begin where the batch was made; the manifest
    lies beside its output, so they are known wherever it is now.

    Raises:
        FlowError: a password is missing.
    """
    from patchbay.flows.batch.api import BatchOrder

    said = then["settings"]
    tries = then["tries"]
    rows = with_password(_rows_now(then, manifest), Secrets())
    settings = BatchSettings(
        rows, said["query"], said["map"], said["input"],
        None if said["keep"] is None else tuple(said["keep"]), said["ordered"],
        tries["retries"], tries["limit_s"], tuple(said["shard"]),
    )  # fmt: skip
    folder = Path(then["folder"]) if then["folder"] else None
    return BatchOrder(LoadedFlow(read_text(json.dumps(then["flow"])), folder), settings, output)


def _rows_now(then: Mapping[str, Any], manifest: Path) -> str:
    """Where the rows are: the ones that they were, if they are to be found."""
    source, known = str(then["rows"]["source"]), then["rows"]["sha256"]
    name = split_table(source)[0] if "://" in source else source
    file = database_file(name) if "://" in source else "" if source == "-" else source
    if not file or Path(file).is_absolute():
        return source
    said = str(then["output"]["file"])
    output = database_file(split_table(said)[0]) if "://" in said else said
    beside = manifest.parent / os.path.relpath(file, Path(output).parent)
    places = [Path(file), *([] if Path(output).is_absolute() else [beside])]
    same = (one for one in places if known is not None and rows_hash(str(one)) == known)
    there = (one for one in places if one.exists())
    found = str(next(same, None) or next(there, None) or file)
    return source.replace(file, found, 1)


def output_then(then: Mapping[str, Any], manifest: Path) -> dict[str, Any]:
    """What a manifest says of its output, with where that lies now."""
    said = dict(then["output"])
    file = str(said["file"])
    beside = manifest.parent / Path(file).name
    if "://" not in file and said["sha256"] not in (file_hash(file), None) and beside.is_file():
        said["file"] = str(beside)
    return said


def differing_rows(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """How the output of now differs from that of then, which must still be there to be compared.

    Both are what a manifest says of its output.
    """
    if then["sha256"] is not None and then["sha256"] == now["sha256"]:
        return []
    found = []
    for what, before, after in (
        ("rows", then["rows"], now["rows"]), ("failed rows", then["failed"], now["failed"]),
    ):  # fmt: skip
        if before != after:
            found.append(f"{after:,} {what}, and {before:,} then")
    try:
        before_rows = _cells_then(then)
    except FlowError:
        gone = (
            f"The output of then, {then['file']}, is not there as it was: rows cannot be compared"
        )
        return [*found, gone]
    same = operator.eq if _form(then["file"]) == _form(now["file"]) else _same_row
    pairs = itertools.zip_longest(before_rows, _cells(now["file"]))
    differ = 0
    for number, (a, b) in enumerate(pairs, 1):
        if not same(a, b):
            differ += 1
            if differ <= SHOWN:
                found.append(f"row {number}: {_said(a, b)}")
    if differ > SHOWN:
        found.append(f"and {differ - SHOWN:,} further rows")
    return found


def _cells_then(then: Mapping[str, Any]) -> Iterator[Any]:
    """The rows of then.

    Raises:
        FlowError: they are not there, or not as they were.
    """
    file = str(then["file"])
    if "://" not in file and file_hash(file) != then["sha256"]:
        raise bad("batch/rows", f"{file} is not as it was.", "")
    return _each_of(open_rows(with_password(file, Secrets())))


def _form(file: str) -> str:
    return "database" if "://" in file else Path(file).suffix.lower()


def _same_row(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> bool:
    """Whether rows of two forms say the same: CSV knows texts only, databases no truth values."""
    if a is None or b is None or len(a) != len(b):
        return False
    return all(
        _plain(one) == _plain(other) for one, other in zip(a.values(), b.values(), strict=True)
    )


def _plain(value: Any) -> str | float:
    """A value as it is in every form of output."""
    if value is None or value == "":
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = {"true": "1", "false": "0"}.get(text, text)
    try:
        number = float(text)
    except ValueError:
        return text
    return text if math.isnan(number) else number  # which is like no other, itself included


def _cells(file: str) -> Iterator[Any]:
    return _each_of(open_rows(file))


def _each_of(rows: Rows) -> Iterator[Any]:
    try:
        for _, cells in rows.each:
            yield cells.as_dict() if isinstance(cells, Problem) else cells
    finally:
        rows.close()


def _said(a: Any, b: Any) -> str:
    if a is None or b is None:
        return "is there only " + ("now" if a is None else "then")
    every = list(dict.fromkeys((*a, *b)))
    names = [name for name in every if _plain(a.get(name)) != _plain(b.get(name))]
    names = names or [name for name in every if a.get(name) != b.get(name)]
    return "; ".join(f"{n}: {_short(a.get(n))} then, {_short(b.get(n))} now" for n in names)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
