"""Runs of a server that are made elsewhere: which ones go, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.prepared import PreparedFlow, PreparedResult
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.subflows import Prepared
from patchbay.flows.server.core.settings import Settings
from tests.flows.server.flows import write
from tests.flows.server.nodes import Words
from tests.flows.server.serving import CATALOG, Served, events_in, serving


class Beside:
    """An elsewhere that is here; it knows what came to it."""

    slots = 8

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.ready: list[str] = []
        self.wrong: Exception | None = None
        self.no_room = False

    async def run(
        self,
        flow: LoadedFlow,
        digest: str,
        inputs: Mapping[str, Any],
        *,
        from_person: bool = False,
        alone: bool = False,
        hear: Any = None,
        spent: Any = None,
        **_: Any,
    ) -> PreparedResult:
        assert digest in self.ready, "its models are there before it comes"
        assert alone
        assert not from_person
        self.ran.append(flow.flow.name)
        if self.wrong is not None:
            raise self.wrong
        env = Environment(CATALOG, Pool())
        return await PreparedFlow(flow, env, from_person=False).run(inputs, hear, spent)

    async def get_ready(self, prepared: Prepared, digest: str) -> None:
        if self.no_room:
            raise FlowError([Problem("cluster/no-room", "It is full.", "Add machines.")])
        self.ready.append(digest)


@pytest.fixture
def beside() -> Beside:
    return Beside()


@pytest.fixture
def served(tmp_path: Path, beside: Beside) -> Iterator[Served]:
    names = ("words", "slow", "fails", "agent", "approve", "at_once", "typed")
    folder = write(tmp_path / "flows", *names)
    with serving(folder, Settings(drain_s=0.2), elsewhere=beside) as served:
        yield served


def test_whole_runs_go_where_nobody_reads_along(served: Served, beside: Beside) -> None:
    told = served.run("words", {"question": "one two"}).json()
    assert told["outputs"] == {"answer": "one two"}
    assert told["tokens"]["completion"] == 2
    assert beside.ran == ["Words"]
    streamed = served.run("words", {"question": "one two", "stream": True})
    kinds = [kind for _, kind, _ in events_in(streamed.text)]
    assert kinds.count("node_streamed") == 2
    behind = served.run("words", {"question": "one", "background": True})
    assert behind.status_code == 202
    assert served.run("approve", {"mail": "Dear Ada"}).json()["status"] == "waiting"
    assert served.run("at_once", {"text": "a"}).json()["outputs"] == {"answer": "A"}
    assert beside.ran == ["Words"], "streams, records, questions and instant flows stay here"


def test_another_version_of_a_flow_is_another_flow(served: Served, beside: Beside) -> None:
    assert served.run("words", {"question": "a"}).status_code == 200
    assert served.run("words", {"question": "b"}).status_code == 200
    assert len(set(beside.ready)) == 1
    served.service.shelf._looked.clear()
    path = served.folder / "words.json"
    path.write_text(path.read_text("utf-8").replace('"Words"', '"Other"'), "utf-8")
    assert served.run("words", {"question": "a"}).status_code == 200
    assert len(set(beside.ready)) == 2
    assert beside.ran[-1] == "Other"


def test_inputs_that_do_not_fit_go_nowhere(served: Served, beside: Beside) -> None:
    refused = served.run("slow", {"quest": "a"})
    assert refused.status_code == 400
    assert beside.ran == []


def test_what_fails_there_is_told_as_if_it_were_here(served: Served, beside: Beside) -> None:
    failed = served.run("fails", {"text": "a"})
    assert failed.status_code == 500
    assert failed.json()["error"]["node"] == "bad"
    beside.wrong = RunError(Problem("batch/worker", "5 workers died on it.", "Look at it."))
    died = served.run("words", {"question": "a"})
    assert died.status_code == 503
    assert died.headers["retry-after"] == "5"
    assert "5 workers died" in died.json()["error"]["message"]
    beside.wrong = OSError("Ray is gone")
    assert served.run("words", {"question": "a"}).status_code == 500
    beside.no_room = True
    full = served.run("words", {"question": "a"})
    assert full.status_code == 503
    assert full.json()["error"]["code"] == "cluster/no-room"


def test_a_run_that_takes_too_long_is_stopped_there(served: Served, beside: Beside) -> None:
    before = Words.cancelled
    settings = served.service.settings
    served.service.settings = replace(settings, timeout_s=1.0)
    late = served.run("slow", {"question": "a " * 400})
    served.service.settings = settings
    assert late.status_code == 504
    assert Words.cancelled == before + 1
    assert served.run("words", {"question": "a"}).status_code == 200


def test_what_nodes_did_there_is_heard_of(served: Served, beside: Beside) -> None:
    asked = {"model": "agent", "messages": [{"role": "user", "content": "Denmark?"}]}
    told = served.http.post("/v1/chat/completions", json=asked).json()
    assert beside.ran == ["Agent"]
    choice = told["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"] == "Copenhagen"
    assert "I should look." in choice["message"]["reasoning_content"]
