"""Flows inside flows, on the nodes that ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.runs.cache import FolderCache
from patchbay.flows.runs.events import NodeStarted
from tests.flows.runs.harness import CATALOG, OUT, environment, events_of, flow, words
from tests.flows.runs.nodes import Gate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shout = flow(
        {"i": ("io.input", {"name": "item"}), "u": "test.upper", "o": OUT},
        ["i.value > u.text", "u.text > o.value"],
        name="Shout",
    )
    save_flow(shout, tmp_path / "shout.json")
    broken = flow(
        {"i": ("io.input", {"name": "item"}), "f": "test.fail", "o": OUT},
        ["i.value > f.text", "f.text > o.value"],
    )
    save_flow(broken, tmp_path / "broken.json")
    return tmp_path


def each(name: str, **params: object) -> Flow:
    loop = {"flow": name, "input": "item", "output": "out", **params}
    return flow(
        {
            "t": ("test.text", {"text": "a\nb\nc"}),
            "s": "text.split",
            "e": ("logic.for_each", loop),
            "o": OUT,
        },
        ["t.text > s.text", "s.items > e.items", "e.results > o.value"],
    )


async def test_for_each_runs_a_flow_per_item_in_order(folder: Path) -> None:
    found = words(await events_of(each("shout", concurrency=2), folder=folder))
    assert found[-1] == "finished {'out': ['A', 'B', 'C']}"
    assert "run e/0/u" in found
    assert "run e/2/u" in found


async def test_a_failure_inside_names_the_inner_node(folder: Path) -> None:
    found = words(await events_of(each("broken"), folder=folder))
    failures = [w for w in found if w.startswith("fail e [")]
    assert len(failures) == 1
    assert "broken" in failures[0]
    assert "no luck" in failures[0]
    assert found[-1].startswith("failed at e")


async def test_inner_nodes_are_cached_and_so_is_the_whole(folder: Path) -> None:
    cache = FolderCache(folder / "cache", CATALOG.value_types)

    async def started(document: Flow) -> list[str]:
        env = environment(cache=cache)
        events = await events_of(document, env=env, folder=folder)
        return [event.node for event in events if isinstance(event, NodeStarted)]

    assert "e/1/u" in await started(each("shout"))
    assert await started(each("shout")) == []


async def test_a_changed_inner_flow_runs_again(folder: Path) -> None:
    cache = FolderCache(folder / "cache", CATALOG.value_types)
    await events_of(each("shout"), env=environment(cache=cache), folder=folder)
    quiet = flow({"i": ("io.input", {"name": "item"}), "o": OUT}, ["i.value > o.value"])
    save_flow(quiet, folder / "shout.json")
    events = await events_of(each("shout"), env=environment(cache=cache), folder=folder)
    assert words(events)[-1] == "finished {'out': ['a', 'b', 'c']}"


async def test_what_may_differ_inside_is_not_kept_outside(folder: Path) -> None:
    dice = flow(
        {"i": ("io.input", {"name": "item"}), "r": "test.random", "o": OUT},
        ["i.value > r.text", "r.text > o.value"],
    )
    save_flow(dice, folder / "dice.json")
    cache = FolderCache(folder / "cache", CATALOG.value_types)
    for _ in range(2):
        events = await events_of(each("dice"), env=environment(cache=cache), folder=folder)
        assert "start e" in words(events)


async def test_an_interrupted_loop_keeps_the_items_that_were_done(folder: Path) -> None:
    from patchbay.flows.runs.environment import Stored
    from patchbay.flows.runs.events import NodeFinished
    from patchbay.flows.runs.running import Run

    slow = flow(
        {"i": ("io.input", {"name": "item"}), "u": ("test.gate", {"free": 2}), "o": OUT},
        ["i.value > u.text", "u.text > o.value"],
    )
    save_flow(slow, folder / "slow.json")
    document = each("slow", concurrency=1)
    Gate.shut()
    first = Run(document, {}, environment(folder=folder, sinks=(lambda event: None,)))
    stored = {}
    async for event in first.events():
        if isinstance(event, NodeFinished):
            stored[event.node] = Stored(event.key, event.outputs)
            if event.node == "e/1/u":
                first.cancel()
    Gate.opened.set()
    again = Run(document, {}, environment(folder=folder, stored=stored))
    found = words([event async for event in again.events()])
    assert "resumed e/0/u" in found
    assert "resumed e/1/u" in found
    assert "run e/2/u" in found
    assert found[-1] == "finished {'out': ['A', 'B', 'C']}"


async def test_a_flow_without_a_folder_says_so() -> None:
    found = words(await events_of(each("shout")))
    assert any("the flow that runs it has no folder" in word for word in found)
    assert found[-1].startswith("failed at e")


async def test_a_text_on_a_wire_names_no_file(folder: Path) -> None:
    """What a model wrote must not decide which file is read."""
    reader = flow(
        {"i": ("io.input", {"name": "item", "kind": "documents"}), "j": "text.join", "o": OUT},
        ["i.value > j.texts", "j.text > o.value"],
    )
    save_flow(reader, folder / "reader.json")
    (folder / "private.txt").write_text("private", encoding="utf-8")
    document = each("reader")
    nodes = {node.id: node for node in document.nodes}
    nodes["t"] = nodes["t"].model_copy(update={"params": {"text": str(folder / "private.txt")}})
    document = document.model_copy(update={"nodes": tuple(nodes.values())})
    found = words(await events_of(document, folder=folder))
    assert any("A text on a wire does not name a file" in word for word in found)
    assert not any("private'" in word for word in found)


async def test_json_null_is_a_value() -> None:
    document = flow(
        {"q": ("io.input", {"name": "q", "kind": "json"}), "o": OUT}, ["q.value > o.value"]
    )
    found = words(await events_of(document, {"q": "null"}))
    assert found[-1] == "finished {'out': None}"
