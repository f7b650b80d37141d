"""From the rows that are done to the output: JSON Lines, CSV, Parquet, a table of a database.

The rows are read one by one, twice where the columns must be known first.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from patchbay.flows.batch.rows import bad
from patchbay.flows.batch.spool import Spool
from patchbay.nodes.units import MEGABYTE

FORMATS = ".jsonl, .csv, .tsv, .parquet, or the address of a database with #table"
GROUP = 50_000
"""Rows of one row group of Parquet."""
GROUP_BYTES = 64 * MEGABYTE
"""Or so many bytes of JSON."""


def check_output(output: str) -> None:
    """Check that an output can be written, before anything runs.

    Raises:
        FlowError: it is of no known form, its folder is not there, or the database refuses.
    """
    if "://" in output:
        from patchbay.flows.batch.databases import refuse_unwritable

        return refuse_unwritable(output)
    path = Path(output)
    if path.suffix.lower() not in (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".pq"):
        raise bad("batch/output", f"{output} is of no form to write.", f"Give {FORMATS}.")
    if not path.parent.is_dir():
        raise bad("batch/output", f"There is no folder {path.parent}.", "Make it first.")
    if path.is_dir():
        raise bad("batch/output", f"{output} is a folder.", "Name a file in it.")


def write_output(spool: Spool, output: str) -> None:
    """Make the output of what the spool holds. It is there whole, or not at all.

    Raises:
        OSError: the disk refuses; the rows are still in the spool.
        FlowError: the database refuses.
    """
    if "://" in output:
        return _to_database(spool, output)
    path = Path(output)
    half = spool.folder / f"half{path.suffix}"
    match path.suffix.lower():
        case ".csv" | ".tsv":
            with half.open("w", encoding="utf-8", newline="") as file:
                sign = "\t" if path.suffix.lower() == ".tsv" else ","
                write_csv(spool.lines, csv.writer(file, delimiter=sign, lineterminator="\n"))
        case ".parquet" | ".pq":
            write_parquet(spool.lines, half)
        case _:
            half = spool.rows_file
            if not half.exists() and path.exists():  # killed between this step and the next
                return
    os.replace(half, path)  # noqa: PTH105 - what stands there is replaced in one step


def columns_of(rows: Iterable[dict[str, Any]]) -> dict[str, set[str]]:
    """The columns of all rows in the order in which they come, and the types that are in them."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            found.setdefault(name, set()).add(_value_type(value))
    return found


def _value_type(value: Any) -> str:
    if type(value) is not int or -(2**53) <= value <= 2**53:
        return type(value).__name__
    return "wide" if -(2**63) <= value < 2**63 else "long"  # no float holds it; nor 64 bits


def _column_type(types: set[str]) -> str:
    """What a column holds: "bool", "int", "float" or "str". One of mixed types is text, and so is
    one with whole numbers that its type would not hold to the last digit."""
    match sorted(types - {"NoneType"}):
        case ["wide"] | ["int", "wide"]:
            return "int"
        case ["bool" | "int" | "float" as one]:
            return one
        case ["float", "int"]:
            return "float"
        case _:
            return "str"


def _text(value: Any) -> str | None:
    """A value for a column of text."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


Lines = Callable[[], Iterable[dict[str, Any]]]
"""Gives the rows, each time anew."""


def write_csv(lines: Lines, writer: Any) -> None:
    """Write rows with a writer of the csv module, with the columns of all of them."""
    names = list(columns_of(lines()))
    writer.writerow(names)
    for row in lines():
        writer.writerow([_csv_cell(row.get(name)) for name in names])


def _csv_cell(value: Any) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number else _text(value)


def write_parquet(lines: Lines, where: Any) -> None:
    """Write rows as Parquet, into a file by its path or one that is open."""
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema(
        [(name, _arrow_type(types)) for name, types in columns_of(lines()).items()]
    )
    with pyarrow.parquet.ParquetWriter(where, schema, compression="zstd") as writer:
        for rows in _groups(lines()):
            columns = [[_fitting(r.get(f.name), f.type) for r in rows] for f in schema]
            writer.write_table(pyarrow.table(columns, schema=schema))


def _groups(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        group.append(row)
        size += sum(len(v) if isinstance(v, str) else 16 for v in row.values())
        if len(group) >= GROUP or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _arrow_type(types: set[str]) -> Any:
    import pyarrow

    match _column_type(types):
        case "bool":
            return pyarrow.bool_()
        case "int":
            return pyarrow.int64()
        case "float":
            return pyarrow.float64()
        case _:
            return pyarrow.large_string()


def _fitting(value: Any, kind: Any) -> Any:
    import pyarrow

    if value is None:
        return None
    if kind == pyarrow.large_string():
        return _text(value)
    return value


def _to_database(spool: Spool, output: str) -> None:
    import sqlalchemy

    from patchbay.flows.batch.databases import AT_ONCE, engine_of, said, split_table

    found = columns_of(spool.lines())
    if not found:  # every row failed: there is nothing that a table could have as columns
        return
    base, name = split_table(output)
    engine = engine_of(base)
    kinds = {"bool": sqlalchemy.Boolean, "int": sqlalchemy.BigInteger, "float": sqlalchemy.Float}
    names = column_names(found)
    columns: list[Any] = [
        sqlalchemy.Column(names[column], kinds.get(_column_type(types), sqlalchemy.Text))
        for column, types in found.items()
    ]
    table = sqlalchemy.Table(name, sqlalchemy.MetaData(), *columns)
    texts = {c.name for c in table.columns if isinstance(c.type, sqlalchemy.Text)}
    try:
        with engine.begin() as connection:  # one transaction: the table is there whole or not
            if sqlalchemy.inspect(connection).has_table(name) and _is_written(
                connection, table, spool
            ):
                return
            table.create(connection)
            lines = iter(spool.lines())
            while rows := list(itertools.islice(lines, AT_ONCE)):
                connection.execute(table.insert(), [_values(row, names, texts) for row in rows])
    except (sqlalchemy.exc.SQLAlchemyError, ValueError, OverflowError) as error:  # drivers' own too
        fix = f"When that is fixed, --resume writes the rows. They lie in {spool.rows_file}."
        raise bad("batch/database", f"The database refuses: {said(error)}.", fix) from None
    finally:
        engine.dispose()


def _is_written(connection: Any, table: Any, spool: Spool) -> bool:
    """Whether the table holds the rows already: it was killed before it could say so."""
    import sqlalchemy

    count = sqlalchemy.select(sqlalchemy.func.count()).select_from(table)
    return spool.resumed and connection.execute(count).scalar() == spool.done.rows


def column_names(columns: Iterable[str]) -> dict[str, str]:
    """What columns are called in a database, which knows no case: of `id` and `ID` the second one
    gets a number, and one without a name its place."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for place, column in enumerate(columns, 1):
        plain = name = column if column.strip() else f"column_{place}"
        number = 1
        while name.lower() in used:
            number += 1
            name = f"{plain}_{number}"
        used.add(name.lower())
        found[column] = name
    return found


def _values(row: dict[str, Any], names: dict[str, str], texts: set[str]) -> dict[str, Any]:
    return {
        name: _text(row.get(column)) if name in texts else row.get(column)
        for column, name in names.items()
    }
