"""A run that is stopped keeps, and marks, what its nodes had come to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.runs.events import Event, NodeStopped, as_json
from patchbay.flows.runs.history import History
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.server.core.told import shown
from patchbay.studio.runs.past import past_live
from tests.flows.runs.harness import OUT, environment, flow, words
from tests.flows.runs.nodes import Hang, HangAt
from tests.stores import url_of


async def stopped(
    document: Flow, folder: Path | None = None, history: History | None = None, done: int = 0,
    **env: Any,
) -> list[Event]:  # fmt: skip
    """Its events; it is stopped where it hangs, once as many items are done beside that."""
    Hang.began.clear()
    HangAt.done.clear()
    run = Run(LoadedFlow(document, folder), {}, environment(folder=folder, **env))
    if history is not None:
        run.add_sink(history.recorder(run.id, document))

    async def stop() -> None:
        async with asyncio.timeout(60):
            while not Hang.began or len(HangAt.done) < done:
                await asyncio.sleep(0.01)
        for _ in range(1000):  # what has been done is told in some of the loop's turns
            await asyncio.sleep(0)
        run.cancel()

    stopping = asyncio.create_task(stop())
    events = [event async for event in run.events()]
    await stopping
    return events


def looped(kind: str, params: dict[str, Any], text: str, folder: Path) -> Flow:
    """A flow that hangs at "c", once for each line of a text."""
    one = flow(
        {"i": ("io.input", {"name": "item"}), "h": "test.hang_at", "o": OUT},
        ["i.value > h.text", "h.text > o.value"],
    )
    save_flow(one, folder / "one.json")
    return flow(
        {
            "t": ("test.text", {"text": text}),
            "s": "text.split",
            "e": (kind, {"flow": "one", "output": "out", **params}),
            "o": OUT,
        },
        ["t.text > s.text", "s.items > e.items", "e.results > o.value"],
    )


@pytest.mark.parametrize(
    ("at_once", "results"), [(1, ["A", "B"]), (2, ["A", "B", None, "D", "E"])], ids=["1", "2"]
)
async def test_a_loop_keeps_its_finished_items(
    tmp_path: Path, at_once: int, results: list[str | None]
) -> None:
    document = looped("logic.for_each", {"concurrency": at_once}, "a\nb\nc\nd\ne", tmp_path)
    done = sum(result is not None for result in results)
    found = words(await stopped(document, tmp_path, done=done))
    kept = f"Stopped, items: {done} of 5. What had come about by then is kept."
    assert found[-2:] == [f"stop e with {{'results': {results}}}: {kept}", "cancelled"]


async def test_a_loop_in_a_flow_that_a_node_runs_keeps_them_too(tmp_path: Path) -> None:
    inner = looped("logic.for_each", {"concurrency": 1}, "a\nb\nc", tmp_path)
    save_flow(inner, tmp_path / "inner.json")
    outer = flow(
        {
            "r": ("logic.run_flow", {"flow": "inner", "inputs": {}, "outputs": {"out": "json"}}),
            "o": OUT,
        },
        ["r.out > o.value"],
    )
    events = await stopped(outer, tmp_path)
    (kept,) = (event for event in events if isinstance(event, NodeStopped) and event.outputs)
    assert (kept.node, kept.outputs) == ("r/e", {"results": ["A", "B"]})
    assert kept.message == "Stopped, items: 2 of 3. What had come about by then is kept."


async def test_nothing_is_kept_of_a_loop_that_had_finished_none(tmp_path: Path) -> None:
    document = looped("logic.for_each", {"concurrency": 1}, "c\nd", tmp_path)
    found = words(await stopped(document, tmp_path))
    assert not [word for word in found if word.startswith("stop ")]


@pytest.mark.parametrize(
    ("how", "kept"),
    [("right", {"text": "half"}), ("wrong type", None), ("broken", None)],
)
async def test_the_run_ends_whatever_a_node_says(how: str, kept: Any) -> None:
    document = flow({"p": ("test.partly", {"how": how}), "o": OUT}, ["p.text > o.value"])
    events = await stopped(document)
    said = [event.outputs for event in events if isinstance(event, NodeStopped)]
    assert said == ([] if kept is None else [kept])
    assert words(events)[-1] == "cancelled"


async def test_secrets_are_blacked_out_of_it() -> None:
    document = flow({"p": ("test.partly", {"how": "secret"}), "o": OUT}, ["p.text > o.value"])
    secrets = Secrets(env={"PARTLY_KEY": "sk-very-long-and-secret"}, files=())
    (event,) = (e for e in await stopped(document, secrets=secrets) if isinstance(e, NodeStopped))
    assert "sk-very" not in str(event.outputs)


async def test_what_stops_because_another_node_failed_is_kept_too() -> None:
    nodes = {"p": "test.partly", "t": ("test.text", {"text": "x"}), "f": "test.fail", "o": OUT}
    document = flow(nodes, ["t.text > f.text", "p.text > o.value"])
    run = Run(LoadedFlow(document), {}, environment())
    found = words([event async for event in run.events()])
    assert [word for word in found if word.startswith("stop p with {'text': 'half'}")]
    assert found[-1] == "failed at f.text"


async def test_it_is_recorded_shown_and_not_built_on(tmp_path: Path) -> None:
    history = History(url_of(tmp_path / "history.sqlite"))
    document = looped("logic.for_each", {"concurrency": 1}, "a\nb\nc", tmp_path)
    events = await stopped(document, tmp_path, history)
    run = history.runs()[0].id
    past = history.get(run)
    live = past_live(past, document, history.events(run), "ann")
    step = live.progress.nodes["e"]
    assert (step.status, step.outputs) == ("cancelled", {"results": ["A", "B"]})
    assert step.message.startswith("Stopped, items: 2 of 3.")
    assert "e" not in history.stored(run)
    history.close()
    (event,) = (event for event in events if isinstance(event, NodeStopped))
    assert "outputs" in shown(as_json(event), values=True)
    assert "outputs" not in shown(as_json(event), values=False)
