"""The cache: what is reused, what is not, and that nothing can break it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.runs.cache import CacheHeldError, FolderCache
from patchbay.flows.runs.environment import Stored
from patchbay.flows.runs.events import NodeFinished, NodeStarted
from patchbay.nodes.values import Document
from tests.flows.runs.harness import CATALOG, OUT, environment, events_of, flow, words
from tests.paths import ROOT


@pytest.fixture
def cache(tmp_path: Path) -> FolderCache:
    return FolderCache(tmp_path / "cache", CATALOG.value_types)


FILES = {"results.sqlite", "results.sqlite-journal"}
"""All that a cache leaves, the second one empty."""


def chain(text: str = "hi", kind: str = "test.upper", policy: str = "auto") -> Flow:
    return flow(
        {
            "a": ("test.text", {"text": text}),
            "b": (kind, {}, {"cache": policy}),
            "c": "test.upper",
            "o": OUT,
        },
        ["a.text > b.text", "b.text > c.text", "c.text > o.value"],
    )


async def started(document: Flow, cache: FolderCache) -> list[str]:
    events = await events_of(document, env=environment(cache=cache))
    return [event.node for event in events if isinstance(event, NodeStarted)]


async def test_an_unchanged_flow_executes_no_node(cache: FolderCache) -> None:
    assert await started(chain(), cache) == ["a", "b", "c", "o"]
    assert await started(chain(), cache) == []


async def test_an_edit_reruns_that_node_and_what_its_change_reaches(cache: FolderCache) -> None:
    await started(chain("hi"), cache)
    assert await started(chain("ho"), cache) == ["a", "b", "c", "o"]
    assert await started(chain("Hi"), cache) == ["a", "b"], "c gets the same text as before"


async def test_what_may_differ_is_not_kept(cache: FolderCache) -> None:
    await started(chain(kind="test.random"), cache)
    assert await started(chain(kind="test.random"), cache) == ["b"]


async def test_unless_it_is_pinned(cache: FolderCache) -> None:
    await started(chain(kind="test.random", policy="always"), cache)
    assert await started(chain(kind="test.random", policy="always"), cache) == []


async def test_never_means_every_time(cache: FolderCache) -> None:
    await started(chain(policy="never"), cache)
    assert await started(chain(policy="never"), cache) == ["b"]


async def test_a_description_comes_back_as_itself(cache: FolderCache) -> None:
    document = flow(
        {"t": ("test.thing", {"name": "kept"}), "u": "test.use", "o": OUT},
        ["t.thing > u.thing", "u.most > o.value"],
    )
    await started(document, cache)
    events = await events_of(document, env=environment(cache=cache))
    assert words(events)[:3] == ["cache t", "start u", "run u"]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"text": {"$type": "gone"}}', "\x00\x01"])
async def test_a_damaged_entry_counts_as_absent(cache: FolderCache, damage: str) -> None:
    await started(chain(), cache)
    with contextlib.closing(sqlite3.connect(cache.path)) as file, file:
        file.execute("UPDATE results SET outputs = ?", (damage,))
    assert await started(chain(), cache) == ["a", "b", "c", "o"]
    assert await started(chain(), cache) == []


@pytest.mark.parametrize(
    "damage", [b"no database " * 999, b"", b"SQLite format 3\0" + b"\xee" * 9999]
)
async def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    before = FolderCache(tmp_path, CATALOG.value_types)
    await started(chain(), before)
    before.close()
    before.path.write_bytes(damage)
    cache = FolderCache(tmp_path, CATALOG.value_types)
    assert await started(chain(), cache) == ["a", "b", "c", "o"]
    assert await started(chain(), cache) == []


def test_what_the_first_version_left_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "fixtures" / "cache-1", tmp_path / "results")
    key = next(tmp_path.glob("results/??/*.json")).stem
    cache = FolderCache(tmp_path / "results", CATALOG.value_types)
    assert cache.get(key) == {"text": "Hello world"}
    cache.close()
    cache.trim()
    left = {path.name for path in tmp_path.glob("results/*")}
    assert left <= FILES, "its files go when room is made"
    assert cache.get(key) == {"text": "Hello world"}, "what was used has moved over"
    assert cache.get("../../x") is None


BAD: dict[str, dict[str, object]] = {
    "half a character": {"text": "\ud83d"},
    "nothing": {},
    "a number on a text port": {"text": 1},
    "null on a text port": {"text": None},
    "a list": {"text": ["a"]},
    "documents": {"text": [Document(text="a")]},
    "a port that is not there": {"text": "a", "more": "b"},
    "another port": {"value": "a"},
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("pinned", [False, True])
async def test_an_entry_that_the_node_cannot_give_is_dropped(
    cache: FolderCache, case: str, pinned: bool
) -> None:
    document = chain(policy="always" if pinned else "auto")
    found = await events_of(document, env=environment(cache=cache))
    key = next(e.key for e in found if isinstance(e, NodeFinished) and e.node == "b")
    cache.put(key, BAD[case])
    again = await events_of(document, env=environment(cache=cache))
    assert [event.node for event in again if isinstance(event, NodeStarted)] == ["b"]
    assert words(again)[-1] == "finished {'out': 'HI'}"
    assert await started(document, cache) == []


@pytest.mark.parametrize("case", BAD)
async def test_neither_is_what_an_interrupted_run_left(case: str) -> None:
    keys = await events_of(chain(), env=environment(sinks=(lambda event: None,)))
    key = next(e.key for e in keys if isinstance(e, NodeFinished) and e.node == "b")
    env = environment(stored={"b": Stored(key, BAD[case])})
    assert words(await events_of(chain(), env=env))[-1] == "finished {'out': 'HI'}"


def test_size_is_bounded_and_the_longest_unused_goes_first(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, limit=1_000_000)
    for number in range(100):
        cache.put(f"{number:064d}", {"text": "x" * 5000})
    cache.flush()
    with contextlib.closing(sqlite3.connect(cache.path)) as file, file:
        file.execute("UPDATE results SET used = cast(key AS INTEGER)")
    for number in range(100, 300):
        cache.put(f"{number:064d}", {"text": "x" * 5000})
        cache.flush()
        assert du(tmp_path) <= 1_100_000
    there = [number for number in range(300) if cache.get(f"{number:064d}") is not None]
    assert there == list(range(there[0], 300)), "the oldest went first"
    assert 100 < len(there) < 200


def du(folder: Path) -> int:
    """What the disk gives for a folder, in bytes."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def test_ten_thousand_results_are_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trims = []
    trim = FolderCache.trim
    monkeypatch.setattr(FolderCache, "trim", lambda cache: (trims.append(1), trim(cache)))
    cache = FolderCache(tmp_path, limit=2_000_000)
    for number in range(10_000):
        cache.put(f"{number:064x}", {"text": f"result {number}"})
    cache.close()
    assert {path.name for path in tmp_path.iterdir()} <= FILES
    assert du(tmp_path) < 3_000_000
    assert len(trims) <= 3, "the whole is looked at a few times, not once for each result"
    assert cache.get(f"{9_999:064x}") == {"text": "result 9999"}


async def test_a_for_each_leaves_one_file(tmp_path: Path) -> None:
    inner = flow(
        {"i": ("io.input", {"name": "item"}), "u": "test.upper", "v": "test.upper",
         "r": ("io.output", {"name": "result"})},
        ["i.value > u.text", "u.text > v.text", "v.text > r.value"],
    )  # fmt: skip
    save_flow(inner, tmp_path / "inner.json")
    document = flow(
        {"t": ("test.text", {"text": "\n".join(f"item {n}" for n in range(300))}),
         "s": "text.split", "e": ("logic.for_each", {"flow": "inner"}), "o": OUT},
        ["t.text > s.text", "s.items > e.items", "e.results > o.value"],
    )  # fmt: skip
    cache = FolderCache(tmp_path / "cache", CATALOG.value_types)
    env = environment(cache=cache)
    assert words(await events_of(document, env=env, folder=tmp_path))[-1].startswith("finished")
    assert {path.name for path in cache.folder.iterdir()} <= FILES
    assert du(cache.folder) < 300 * 4096
    again = await events_of(document, env=env, folder=tmp_path)
    assert [event for event in again if isinstance(event, NodeStarted)] == []


def test_a_result_that_is_too_big_for_the_cache_is_not_kept(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, limit=1000)
    cache.put("a" * 64, {"text": "x" * 999})
    assert cache.get("a" * 64) is None


def test_what_is_gathered_is_there_at_once(tmp_path: Path) -> None:
    cache, other = FolderCache(tmp_path), FolderCache(tmp_path)
    for number in range(10):
        cache.put(f"{number:064d}", {"text": str(number)})
        assert cache.get(f"{number:064d}") == {"text": str(number)}
    cache.flush()
    assert other.get(f"{9:064d}") == {"text": "9"}
    cache.drop(f"{9:064d}")
    assert cache.get(f"{9:064d}") is None
    cache.flush()
    assert other.get(f"{9:064d}") is None


async def test_what_another_process_holds_is_not_waited_for_on_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes for as long as others get twenty turns. No run stands still for it; what is
    quick is made anew, what is not is looked up again, in a thread."""
    monkeypatch.setattr("patchbay.flows.runs.cache.WAIT_S", 60.0)  # on a machine of any speed
    cache = FolderCache(tmp_path, CATALOG.value_types)
    assert await started(chain(), cache) == ["a", "b", "c", "o"]
    cache.flush()  # nobody of ours writes any more
    held = sqlite3.connect(cache.path, check_same_thread=False, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CacheHeldError):
        cache.get("a" * 64, wait=False)

    async def beside() -> None:
        for _ in range(20):
            await asyncio.sleep(0.01)
        held.rollback()

    letting_go = asyncio.create_task(beside())
    again = await started(chain(), cache)
    assert letting_go.done(), "others had their turn meanwhile"
    held.close()
    assert not {"b", "c"} & set(again), "they may wait"


@pytest.mark.parametrize("key", ["a" * 64, "b" * 64])
def test_who_has_looked_before_there_was_a_table_hears_that_the_file_is_held(
    tmp_path: Path, key: str
) -> None:
    early, other = FolderCache(tmp_path), FolderCache(tmp_path)
    tmp_path.joinpath("results.sqlite").touch()  # as it is for a moment when it is made
    assert early.get(key, wait=False) is None
    other.put("a" * 64, {"text": "there"})
    other.flush()
    held = sqlite3.connect(other.path, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CacheHeldError):
        early.get(key, wait=False)
    held.close()
    assert early.get(key, wait=False) == ({"text": "there"} if key[0] == "a" else None)


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_full_disk_costs_the_entry_only(tmp_path: Path) -> None:
    """The kernel refuses every byte that would be written, as a full disk does."""
    import resource

    cache = FolderCache(tmp_path)
    cache.put("b" * 64, {"text": "before"})
    cache.flush()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        cache.put("a" * 64, {"text": "x" * 100_000})
        cache.flush()
        other = FolderCache(tmp_path / "other")
        other.put("c" * 64, {"text": "d"})
        other.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert cache.get("a" * 64) is None
    assert cache.get("b" * 64) == {"text": "before"}


def test_a_folder_that_cannot_be_made_costs_the_entry_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = FolderCache(tmp_path / "file" / "results")
    cache.put("a" * 64, {"text": "b"})
    cache.flush()
    assert cache.get("c" * 64) is None


WRITER = """
import sys
from pathlib import Path
from patchbay.flows.runs.cache import CacheHeldError, FolderCache
cache = FolderCache(Path(sys.argv[1]), limit=50_000)
for number in range(300):
    key = f"{number % 7:064d}"
    cache.put(key, {"text": key * 40})
    found = cache.get(key)
    assert found in (None, {"text": key * 40}), found
    if number % 20 == 0:
        cache.flush()
        cache.trim()
print("ok")
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=240)[0] for process in both] == ["ok\n", "ok\n"]
    for path in tmp_path.glob("??/*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    assert list(tmp_path.glob("**/*.tmp")) == []


async def test_two_runs_of_one_flow_at_once(cache: FolderCache) -> None:
    both = await asyncio.gather(*(started(chain(), cache) for _ in range(2)))
    assert all(set(nodes) <= {"a", "b", "c", "o"} for nodes in both)
    assert await started(chain(), cache) == []
