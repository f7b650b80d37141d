"""A flow of three small nodes, tables, and batches over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from patchbay.flows.batch.api import BatchOrder, BatchResult, abatch
from patchbay.flows.batch.manifest import BatchSettings
from patchbay.flows.document.model import Flow
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.running import LoadedFlow
from tests.flows.runs.harness import environment, flow


def shouting(kind: str = "test.upper", **params: Any) -> Flow:
    """Writes a review in capitals, as the output `label`."""
    return flow(
        {
            "i": ("io.input", {"name": "review"}),
            "u": (kind, params),
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > u.text", "u.text > o.value"],
        name="Shouting",
    )


def picky() -> Flow:
    """Takes one of two words, and fails on any other."""
    choice = {"name": "review", "kind": "choice", "choices": ["good", "bad"]}
    return flow(
        {"i": ("io.input", choice), "o": ("io.output", {"name": "label"})}, ["i.value > o.value"]
    )


def table(path: Path, count: int = 20) -> Path:
    """A CSV file with an id, a text with commas and quotes, and an empty column."""
    lines = [f'{n},"review, no ""{n}""",\n' for n in range(count)]
    path.write_text("id,text,note\n" + "".join(lines), encoding="utf-8")
    return path


def json_table(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def lines_of(path: Path | str) -> list[Any]:
    """The rows of a JSON Lines file."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


async def over(
    document: Flow,
    rows: Path | str,
    output: Path | str,
    *,
    env: Environment | None = None,
    folder: Path | None = None,
    columns: dict[str, str] | None = None,
    shared: dict[str, Any] | None = None,
    keep: tuple[str, ...] | None = None,
    query: str = "",
    ordered: bool = True,
    retries: int = 0,
    limit_s: float | None = None,
    shard: tuple[int, int] = (0, 1),
    **more: Any,
) -> BatchResult:
    """One batch, in the environment of the tests."""
    settings = BatchSettings(
        str(rows), query, columns or {}, shared or {}, keep, ordered, retries, limit_s, shard
    )
    asked = BatchOrder(
        LoadedFlow(document, folder), settings, str(output), env or environment(), **more
    )
    return await abatch(asked)
