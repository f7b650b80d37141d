"""Flows that workers hold, without a Ray: what goes to them, and that weights go before."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from patchbay.flows.cluster.connection import RayConnection
from patchbay.flows.cluster.flow_worker import RayPlace
from patchbay.flows.cluster.flows import RayFlows
from patchbay.flows.runs.running import LoadedFlow
from tests.flows.runs.harness import flow


class Reference:
    """What Ray's store holds."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __await__(self) -> Generator[Any, None, Any]:
        yield from ()
        return self.held


class OneProcess:
    """Ray, with workers that are objects of this process, and no way to kill one."""

    class exceptions:  # noqa: N801 - what Ray calls it
        """What Ray raises."""

        RayError = RayActorError = WorkerCrashedError = TaskCancelledError = OSError

    def __init__(self) -> None:
        self.calls: list[str] = []

    def remote(self, **_: Any) -> Any:
        return lambda made: SimpleNamespace(remote=lambda *given: Worker(self, made(*given)))

    def put(self, held: Any) -> Reference:
        self.calls.append("put")
        return Reference(held)

    def get(self, sent: Any) -> Any:
        import asyncio

        return asyncio.run(sent)

    def nodes(self) -> list[Any]:
        return []


class Worker:
    """An actor."""

    def __init__(self, ray: OneProcess, worker: Any) -> None:
        self._ray, self._worker = ray, worker

    def __getattr__(self, name: str) -> Any:
        self._ray.calls.append(name)
        return SimpleNamespace(remote=getattr(self._worker, name))


@pytest.mark.parametrize("named", [True, False])
async def test_own_weights_of_a_flow_are_asked_for_once_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATCHBAY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "m.gguf").write_bytes(b"weights")
    document = flow(
        {
            "i": ("io.input", {"name": "x"}),
            "t": ("prompt.template", {"template": "Say {x}"}),
            "m": ("model.gguf", {"weights": "m.gguf"}),
            "o": ("io.output", {"name": "y"}),
        },
        ["i.value > t.x", "t.text > o.value"],
    )
    ray: Any = OneProcess()
    models: Any = SimpleNamespace(names={}, weights=set())
    place = RayPlace(str(tmp_path), "", {}, cached=False)
    flows = RayFlows(RayConnection(ray, True, named), place, 2, 2, models)
    one = LoadedFlow(document, tmp_path)
    for n in range(3):
        given = await flows.run(one, "digest", {"x": str(n)})
        assert given.outputs == {"y": f"Say {n}"}
    before = ["lacking", "lacking"] if named else []  # a Ray of this machine lacks nothing
    assert ray.calls == [*before, "put", "run", "run", "run"]
