"""A run that waits is answered by way of another process: the first one tells how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.server.openai.answering import MARK
from tests.flows.runs.harness import flow
from tests.flows.server.flows import asks, gives, write
from tests.flows.server.serving import Served, events_in, serving
from tests.flows.server.test_runs import until

BOTH = flow(
    {
        "in": asks(),
        "say": ("test.words", {"pause_s": 0.02}),
        "ok": ("people.approve", {"question": "Sure?"}),
        "out": gives(),
        "sent": gives("sent"),
    },
    ["in.value > say.text", "say.text > out.value", "in.value > ok.value",
     "ok.approved > sent.value"],
    "Both",
)  # fmt: skip
"""Is at work while it asks."""


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
    (folder / "both.json").write_text(canonical_text(BOTH), encoding="utf-8")
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


def test_answered_while_another_process_is_at_work_it_is_no_new_message(two: Two):
    """The answer was kept, and then asked of a new run as well."""
    given = {"question": "a " * 200, "background": True}
    run = two.first.run("both", given).json()["run"]
    until(lambda: asked_by(two, run))
    said = [
        {"role": "user", "content": given["question"]},
        {"role": "assistant", "content": f"Sure?\n\n{MARK}{run}"},
        {"role": "user", "content": "yes"},
    ]
    before = len(two.second.service.live)
    told = two.second.http.post("/v1/chat/completions", json={"model": "both", "messages": said})
    assert (told.status_code, told.json()["error"]["code"]) == (409, "history/running")
    assert len(two.second.service.live) == before
    until(lambda: two.stand(run)["status"] == "finished")
    assert two.stand(run)["outputs"]["sent"] == given["question"]


def asked_by(two: Two, run: str) -> bool:
    history = two.first.service.opened
    return history is not None and bool(history.inbox.open(run))


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
