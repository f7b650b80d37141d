"""What version 0.1.0 wrote is still opened: flows, the history, results in the cache, an index.

The files under `fixtures/frozen-0.1` were written by that version and are never written anew.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.document.reading import read_flow
from patchbay.flows.runs.api import load, run
from patchbay.flows.runs.cache import FolderCache
from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.runs.history import History

FROZEN = Path(__file__).parents[2] / "fixtures" / "frozen-0.1"
SAVED = sorted(FROZEN.glob("saved/*.json"))
RESULTS = sorted(FROZEN.glob("home/cache/results/*/*.json"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what that version kept, as the home folder."""
    copy = tmp_path / "home"
    shutil.copytree(FROZEN / "home", copy)
    monkeypatch.setenv("PATCHBAY_HOME", str(copy))
    return copy


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_a_flow_that_shipped_still_opens_and_is_sound(path: Path) -> None:
    flow = read_flow(path)
    shipped = Path(__file__).parents[3] / "flows" / "saved"  # what it reads lies there
    errors = [p for p in validate(flow, default_catalog(), shipped) if p.severity == "error"]
    assert errors == []


def test_the_history_still_tells_what_ran(home: Path) -> None:
    history = History()
    names = {past.name: past for past in history.runs()}
    assert set(names) == {"Plain", "Frozen retrieval"}
    for past in names.values():
        assert past.status == "finished"
        assert past.flow.nodes
        assert history.events(past.id)
        assert history.stored(past.id, default_catalog().value_types)
    history.close()
    assert not list(home.glob("history*.damaged*"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem[:8])
def test_a_cached_result_is_still_read(home: Path, path: Path) -> None:
    cache = FolderCache(home / "cache" / "results", default_catalog().value_types)
    assert cache.get(path.stem)
    assert (home / path.relative_to(FROZEN / "home")).exists()


def test_an_index_of_that_version_gives_way_to_a_new_one_of_the_same_answer(home: Path) -> None:
    """It is of an older form (words are found by other rules since), so it is made again."""
    found = run(load(FROZEN / "flows" / "retrieval.json")).outputs["found"]
    assert [document.metadata["source"] for document in found] == ["tea.md"]


def test_its_flow_runs_on_that_home(home: Path) -> None:
    assert run(load(FROZEN / "flows" / "plain.json")).outputs == {"greeting": "Hello, World!"}
