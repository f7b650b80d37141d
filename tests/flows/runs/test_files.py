"""Nodes whose params name files: their content counts, and relative paths start at the flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.runs.cache import FolderCache
from patchbay.flows.runs.events import NodeStarted, RunFailed, RunFinished
from tests.flows.runs.harness import CATALOG, OUT, environment, events_of, flow


@pytest.fixture
def cache(tmp_path: Path) -> FolderCache:
    return FolderCache(tmp_path / "cache", CATALOG.value_types)


def reader() -> Flow:
    return flow({"a": "test.file_text", "o": OUT}, ["a.text > o.value"])


async def ran(document: Flow, cache: FolderCache, folder: Path) -> tuple[list[str], object]:
    """The nodes that ran, and the output."""
    events = await events_of(document, env=environment(cache=cache), folder=folder)
    started = [event.node for event in events if isinstance(event, NodeStarted)]
    assert isinstance(events[-1], RunFinished)
    return started, events[-1].outputs["out"]


async def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(
    cache: FolderCache, tmp_path: Path
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("one")
    assert await ran(reader(), cache, tmp_path) == (["a", "o"], "one")
    assert await ran(reader(), cache, tmp_path) == ([], "one")
    note.write_text("two")
    assert await ran(reader(), cache, tmp_path) == (["a", "o"], "two")


async def test_a_flow_around_one_that_reads_files_runs_it_each_time(
    cache: FolderCache, tmp_path: Path
) -> None:
    save_flow(reader(), tmp_path / "reader.json")
    outer = flow(
        {
            "r": ("logic.run_flow", {"flow": "reader", "inputs": {}, "outputs": {"out": "text"}}),
            "o": OUT,
        },
        ["r.out > o.value"],
    )
    note = tmp_path / "note.txt"
    for text in ("one", "one", "two"):
        note.write_text(text)
        assert (await ran(outer, cache, tmp_path))[1] == text


async def test_a_file_that_is_not_there_is_for_the_node_to_say(
    cache: FolderCache, tmp_path: Path
) -> None:
    events = await events_of(reader(), env=environment(cache=cache), folder=tmp_path)
    assert isinstance(events[-1], RunFailed)
    assert "note.txt" in events[-1].problem.message
