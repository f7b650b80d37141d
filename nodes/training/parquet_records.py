"""Records of Parquet files, as JSON: what a hub's data sets are made of."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.errors import NodeError
from patchbay.nodes.io.records import Record
from patchbay.nodes.units import MEGABYTE

LARGEST = 100 * MEGABYTE
"""Characters of all values together that one node hands on."""
_ROWS = 500


class ParquetRows:
    """The rows of one Parquet file.

    Args:
        path: where it lies.
        label: what people call it.

    Raises:
        NodeError: it is none, or damaged.
    """

    def __init__(self, path: Path, label: str) -> None:
        import pyarrow
        import pyarrow.parquet

        self._label = label
        try:
            self._file = pyarrow.parquet.ParquetFile(path)
        except (pyarrow.ArrowException, OSError) as error:
            raise self._damaged(error) from error
        schema = self._file.schema_arrow
        self.columns: tuple[str, ...] = tuple(schema.names)
        self.binary = frozenset(f.name for f in schema if _is_binary(f.type))
        """Columns that hold bytes: pictures, sound."""
        self._labels = _labels_of(schema.metadata or {})

    def read(self, columns: Sequence[str], named: bool) -> Iterator[Record]:
        """Its rows.

        Args:
            columns: those that are read.
            named: labels by their names, where the file says them, in place of numbers.
        """
        import pyarrow

        names = {name: self._labels[name] for name in columns if named and name in self._labels}
        try:
            for batch in self._file.iter_batches(batch_size=_ROWS, columns=list(columns)):
                for row in batch.to_pylist():
                    yield {name: _plain(_label(row[name], names.get(name))) for name in columns}
        except (pyarrow.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _damaged(self, error: Exception) -> NodeError:
        return NodeError(
            f"{self._label} cannot be read as Parquet: {' '.join(str(error).split())[:200]}",
            fix="Remove the file and run it again, or take another revision.",
            code="training/hub-set",
            retry=False,
        )


def size_of(record: Record) -> int:
    """Characters of a record as JSON."""
    return len(json.dumps(record, ensure_ascii=False))


def _is_binary(kind: Any) -> bool:
    import pyarrow

    if pyarrow.types.is_struct(kind):
        return any(_is_binary(field.type) for field in kind)
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        return _is_binary(kind.value_type)
    return bool(pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind))


def _labels_of(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The names of labels, as the library datasets writes them into its files."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {
            name: [str(one) for one in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _label(value: Any, names: Sequence[str] | None) -> Any:
    known = names is not None and isinstance(value, int) and 0 <= value < len(names)
    return names[value] if known and names is not None else value


def _plain(value: Any) -> JsonValue:
    """A value as JSON has it; NaN and infinity, which it has not, are nothing."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(held) for name, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(held) for held in value]
    return str(value)
