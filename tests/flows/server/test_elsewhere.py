"""A run that waits is answered by way of another process: the first one tells how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flows.server.flows import write
from tests.flows.server.serving import Served, events_in, serving


@dataclass
class Two:
    """Two servers of the same flows, with the same history, as workers are."""

    first: Served
    second: Served

    def stand(self, run: str) -> Any:
        return self.first.http.get(f"/runs/{run}").json()

    def events(self, run: str) -> list[str]:
        told = self.first.http.get(f"/runs/{run}/events").text
        return [kind for _, kind, _ in events_in(told)]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder: Path = write(tmp_path_factory.mktemp("two") / "flows", "approve")
    history = f"sqlite:///{folder.parent / 'history.sqlite'}"
    with serving(folder, history=history) as first, serving(folder, history=history) as second:
        yield Two(first, second)


def asked(two: Two) -> str:
    waits = two.first.run("approve", {"mail": "Dear Ada"}).json()
    assert waits["status"] == "waiting"
    assert two.stand(waits["run"])["status"] == "waiting"
    assert two.stand(waits["run"])["questions"]
    return str(waits["run"])


def test_answered_at_its_address(two: Two):
    run = asked(two)
    two.second.http.post(f"/runs/{run}/answer", json={"approve": True}).raise_for_status()
    told = two.stand(run)
    assert (told["status"], told["outputs"]) == ("finished", {"sent": "Dear Ada"})
    assert "questions" not in told
    assert two.events(run)[-1] == "run_finished"


def test_answered_by_the_protocol_of_openai(two: Two):
    said: list[dict[str, Any]] = [{"role": "user", "content": "Dear Ada"}]

    def say(server: Served) -> Any:
        body = {"model": "approve", "messages": said}
        return server.http.post("/v1/chat/completions", json=body)

    begun = say(two.first)
    run = begun.headers["x-run-id"]
    assert two.stand(run)["status"] == "waiting"
    said += [begun.json()["choices"][0]["message"], {"role": "user", "content": "yes"}]
    assert say(two.second).headers["x-run-id"] == run
    assert two.stand(run)["status"] == "finished"
    assert two.events(run)[-1] == "run_finished"


def test_stopped_elsewhere(two: Two):
    run = asked(two)
    two.second.http.post(f"/runs/{run}/cancel").raise_for_status()
    assert two.stand(run)["status"] == "cancelled"
    assert "run_finished" not in two.events(run)


def test_answered_here_it_is_told_from_here(two: Two):
    run = asked(two)
    assert "run_waiting" in two.events(run)
    two.first.http.post(f"/runs/{run}/answer", json={"approve": True}).raise_for_status()
    assert two.stand(run)["status"] == "finished"
    assert two.events(run)[-1] == "run_finished"
