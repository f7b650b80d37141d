"""The cache: what is reused, what is not, and that nothing can break it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.runs.cache import FolderCache
from patchbay.flows.runs.environment import Stored
from patchbay.flows.runs.events import NodeFinished, NodeStarted
from patchbay.nodes.values import Document
from tests.flows.runs.harness import CATALOG, OUT, environment, events_of, flow, words


@pytest.fixture
def cache(tmp_path: Path) -> FolderCache:
    return FolderCache(tmp_path / "cache", CATALOG.value_types)


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
    for path in cache.folder.glob("??/*.json"):
        path.write_text(damage, encoding="utf-8")
    assert await started(chain(), cache) == ["a", "b", "c", "o"]
    assert await started(chain(), cache) == []


BAD: dict[str, dict[str, object]] = {
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
    cache = FolderCache(tmp_path, limit=4000)
    for number in range(10):
        cache.put(f"{number:064d}", {"text": "x" * 900})
        os.utime(tmp_path / "00" / f"{number:064d}.json", (number, number))
    cache.trim()
    left = sorted(path.stem[-1] for path in tmp_path.glob("??/*.json"))
    assert left == ["6", "7", "8", "9"]


def test_a_result_that_is_too_big_for_the_cache_is_not_kept(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, limit=1000)
    cache.put("a" * 64, {"text": "x" * 999})
    assert cache.get("a" * 64) is None


@pytest.mark.skipif(os.name == "nt", reason="needs /dev/full")
def test_a_full_disk_costs_the_entry_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes go to the kernel's own full device, so that the error is the real one."""
    cache = FolderCache(tmp_path)
    cache.put("b" * 64, {"text": "before"})
    opener = os.fdopen

    def full(handle: int, mode: str, **more: str) -> object:
        os.close(handle)
        return opener(os.open("/dev/full", os.O_WRONLY), mode, **more)

    monkeypatch.setattr("patchbay.nodes.atomic.os.fdopen", full)
    cache.put("a" * 64, {"text": "x" * 100_000})
    monkeypatch.undo()
    assert cache.get("a" * 64) is None
    assert cache.get("b" * 64) == {"text": "before"}
    assert list(tmp_path.glob("**/*.tmp")) == []


WRITER = """
import sys
from pathlib import Path
from patchbay.flows.runs.cache import FolderCache
cache = FolderCache(Path(sys.argv[1]), limit=50_000)
for number in range(300):
    key = f"{number % 7:064d}"
    cache.put(key, {"text": key * 40})
    found = cache.get(key)
    assert found in (None, {"text": key * 40}), found
    if number % 20 == 0:
        cache.trim()
print("ok")
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in both] == ["ok\n", "ok\n"]
    for path in tmp_path.glob("??/*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    assert list(tmp_path.glob("**/*.tmp")) == []


async def test_two_runs_of_one_flow_at_once(cache: FolderCache) -> None:
    both = await asyncio.gather(*(started(chain(), cache) for _ in range(2)))
    assert all(set(nodes) <= {"a", "b", "c", "o"} for nodes in both)
    assert await started(chain(), cache) == []
