"""Data sets on a wire: a value that names rows by their content. The rows lie under the home.

A wire carries what is in the rows (their hash), not the rows: a set of a hundred thousand does not
go through every event and every result that is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import JsonValue

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import home
from patchbay.nodes.private import private_folder
from patchbay.nodes.values import TAG, Value

DataRow = dict[str, Any]
"""A row: `messages`, and how much of them is learned; or `prompt`, `chosen` and `rejected`."""


class DataSet(Value):
    """Rows by their content; `sha256` is that of their file, `name` what people call them."""

    sha256: str
    rows: int
    name: str = ""

    def content_key(self) -> JsonValue:
        """The rows alone: what a set is called changes nothing."""
        return {TAG: self.tag(), "sha256": self.sha256}

    @property
    def path(self) -> Path:
        """Where the rows lie, as JSON Lines."""
        return home() / "datasets" / f"{self.sha256}.jsonl"

    def read(self) -> list[DataRow]:
        """The rows. Blocks while the file is read.

        Raises:
            NodeError: the file is gone, or no longer what it was.
        """
        try:
            raw = self.path.read_bytes()
        except OSError:
            raw = b""
        if hashlib.sha256(raw).hexdigest() != self.sha256:
            raise NodeError(
                f"The {self.rows:,} rows of {self.name or 'the data set'} are no longer in "
                f"{self.path}.",
                fix="Run the node that made the data set again.",
                port="data",
                code="training/data-gone",
                retry=False,
            )
        return [json.loads(line) for line in raw.decode("utf-8").split("\n") if line]


class InstructionData(DataSet):
    """What is asked and what is to be answered, for supervised training."""

    wire: ClassVar[str] = "instruction data"


class PreferenceData(DataSet):
    """A prompt with an answer that is preferred and one that is not."""

    wire: ClassVar[str] = "preference data"


class CheckedPrompts(DataSet):
    """A prompt, and how a program checks the answer to it."""

    wire: ClassVar[str] = "checked prompts"


SetKind = TypeVar("SetKind", bound=DataSet)


def kept(kind: type[SetKind], rows: Sequence[DataRow], name: str = "") -> SetKind:
    """Keep rows under the home, by their content, and name them. Blocks.

    Raises:
        NodeError: they cannot be written.
    """
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    raw = "".join(lines).encode("utf-8", "replace")
    made = kind(sha256=hashlib.sha256(raw).hexdigest(), rows=len(rows), name=name)
    try:
        if not made.path.is_file() or made.path.stat().st_size != len(raw):
            private_folder(made.path.parent)
            write_atomic(made.path, raw)
    except OSError as error:
        raise NodeError(
            f"The {len(rows):,} rows cannot be kept in {made.path.parent}: "
            f"{error.strerror or error}.",
            fix="Make room, or set PATCHBAY_HOME to a folder on another disk.",
            code="training/unwritable",
            retry=False,
        ) from error
    return made
