"""`patchbay serve --workers 2`: real processes that share a port; one is killed now and then."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.server.core.keys import add
from patchbay.flows.server.core.owners import worker_of
from patchbay.flows.triggers.signature import headers_for
from patchbay.flows.triggers.triggers import add_trigger
from tests.flows.runs.harness import flow
from tests.flows.server.flows import asks, gives, write
from tests.flows.server.serving import events_in
from tests.flows.server.test_command import plugin_environ, started
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers share no port there")
LONG = " ".join("abcdefghij" * 8)
"""Takes the flow `slow` four seconds."""
ENDLESS = " ".join("abcdefghij" * 400)
"""Takes it longer than any test."""

OVER = ("interrupted", "finished")
ALIKE = flow(
    {
        "in": asks(),
        "by": "embeddings.local",
        "near": "embeddings.similarity",
        "out": gives("pairs"),
    },
    [
        "by.embeddings > near.embeddings", "in.value > near.texts", "near.pairs > out.value",
    ],
    "Alike",
)  # fmt: skip
"""An encoder of Transformers, which torch computes."""


@dataclass
class Shared:
    """A server of two workers; every call is a connection of its own, so that any may take it."""

    address: str
    head: psutil.Process
    key: str
    other: str
    home: Path

    def call(self, method: str, path: str, key: str = "", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.key}", **more.pop("headers", {})}
        return httpx.request(method, self.address + path, headers=headers, timeout=240, **more)

    def run(self, flow: str, given: dict[str, Any], **more: Any) -> httpx.Response:
        return self.call("POST", f"/flows/{flow}/run", json=given, **more)

    def figure(self, name: str) -> int:
        found = re.search(rf"^{name} (\d+)$", self.call("GET", "/metrics").text, re.M)
        assert found is not None
        return int(found[1])

    def processes(self, words: str) -> list[psutil.Process]:
        found = []
        for child in self.head.children():
            with contextlib.suppress(psutil.Error):
                if words in " ".join(child.cmdline()) and child.status() != "zombie":
                    found.append(child)
        return found

    def workers(self) -> dict[int, psutil.Process]:
        """The workers by their numbers."""
        found = {}
        for child in self.processes(" serve "):
            with contextlib.suppress(psutil.Error):
                sockets = [c.laddr for c in child.net_connections("unix") if "worker-" in c.laddr]
                found |= {int(re.search(r"worker-(\d+)", at)[1]): child for at in sockets}  # type: ignore[index]
        return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp("workers")
    flows = write(folder / "flows", "shout", "slow", "chat", "approve")
    shutil.copy(ROOT / "flows" / "saved" / "ask.json", flows)
    (flows / "alike.json").write_text(canonical_text(ALIKE), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHBAY_HOME", str(folder / "home"))
        add_trigger("loud", "shout")
    keys = folder / "keys.toml"
    other = add(keys, "ada", "requests_a_minute = 5")
    limits = ("--at-once", "3", "--queue", "2", "--workers", "2", "--key-from", str(keys))
    with started(plugin_environ(folder), str(flows), *limits) as (process, address, _):
        key = (folder / "home" / "serve-key").read_text().strip()
        yield Shared(address, psutil.Process(process.pid), key, other, folder / "home")


def until(true: Callable[[], object], what: str = "it never came", seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def whose(answer: httpx.Response) -> int | None:
    assert answer.status_code in (200, 202), answer.text
    return worker_of(answer.json()["run"])


def test_both_serve(shared):
    seen: set[int | None] = set()
    until(lambda: seen.add(whose(shared.run("shout", {"text": "a"}))) or seen == {0, 1})


def test_a_run_is_followed_and_stopped_over_any_connection(shared):
    begun = shared.run("slow", {"question": LONG, "background": True}).json()["run"]
    for _ in range(3):
        told = shared.call("GET", f"/runs/{begun}/events").text
        pieces = [data for _, type, data in events_in(told) if type == "node_streamed"]
        assert len(pieces) == len(LONG.split())
    again = shared.run("slow", {"question": ENDLESS, "background": True}).json()["run"]
    for _ in range(4):
        assert shared.call("GET", f"/runs/{again}").json()["status"] == "running"
    assert shared.call("GET", f"/runs/{again}", key=shared.other).status_code == 404
    assert shared.call("POST", f"/runs/{again}/cancel").json()["status"] == "cancelled"


def idle(shared: Shared) -> None:
    """A run that was stopped gives its place back a moment later."""
    until(lambda: shared.figure("patchbay_slots_busy") == shared.figure("patchbay_queue") == 0)


def test_slots_and_the_queue_are_those_of_all(shared):
    body = {"question": ENDLESS, "background": True}
    idle(shared)
    runs = [shared.run("slow", body).json()["run"] for _ in range(5)]
    refusal = shared.run("slow", body)
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (429, "serve/busy")
    assert int(refusal.headers["retry-after"]) >= 1
    assert shared.figure("patchbay_slots_busy") == 3
    assert shared.figure("patchbay_queue") == 2
    for run in reversed(runs):
        shared.call("POST", f"/runs/{run}/cancel")
    idle(shared)


def test_a_budget_holds_for_all(shared):
    seen = [shared.run("shout", {"text": "a"}, key=shared.other).status_code for _ in range(7)]
    assert seen == [200] * 5 + [429] * 2


def test_a_trigger_fires_once_whichever_worker_is_told(shared):
    body = b'{"text": "once"}'
    (secret,) = re.findall(r'secret = "(.+)"', (shared.home / "triggers.toml").read_text())
    headers = headers_for(secret, body)

    def told(_: int) -> httpx.Response:
        return httpx.post(
            f"{shared.address}/triggers/loud", content=body, headers=headers, timeout=240
        )

    with concurrent.futures.ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(told, range(16)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({answer.json()["run"] for answer in answers}) == 1


def test_turns_of_a_thread_come_one_after_another(shared):
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        asked = [
            threads.submit(shared.run, "chat", {"conversation": f"{n}", "thread": "all"})
            for n in range(3)
        ]
        answers = [one.result() for one in asked]
    assert [answer.status_code for answer in answers] == [200] * 3, [a.text for a in answers]
    turns = shared.call("GET", "/threads/all").json()["turns"]
    assert [turn["number"] for turn in turns] == [1, 2, 3]


def test_an_answer_goes_on_wherever_the_run_began(shared):
    for _ in range(3):
        waits = shared.run("approve", {"mail": "Dear Ada"}).json()
        assert waits["status"] == "waiting"
        done = shared.call("POST", f"/runs/{waits['run']}/answer", json={"approve": True})
        assert done.json()["outputs"] == {"sent": "Dear Ada"}


def test_a_session_of_mcp_stays_with_its_worker(shared):
    pytest.importorskip("mcp")
    accept = {"accept": "application/json, text/event-stream"}

    def post(method: str, number: int | None, params: Any, **more: Any) -> httpx.Response:
        body = {"jsonrpc": "2.0", "method": method, "params": params}
        body |= {} if number is None else {"id": number}
        return shared.call("POST", "/mcp", json=body, headers={**accept, **more})

    about = {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "a", "version": "1"},
    }  # fmt: skip
    begun = post("initialize", 1, about)
    session = {"mcp-session-id": begun.headers["mcp-session-id"]}
    assert post("notifications/initialized", None, {}, **session).status_code == 202
    for number in range(2, 8):
        answer = post("tools/list", number, {}, **session)
        assert answer.status_code == 200, answer.text
        assert "shout" in answer.text


def test_a_killed_worker_comes_back_and_its_runs_go_on(shared):
    body = {"question": LONG, "background": True}
    idle(shared)
    workers: dict[int, psutil.Process] = {}
    until(lambda: workers.update(shared.workers()) or len(workers) == 2)
    begun = [shared.run("slow", body).json()["run"] for _ in range(4)]
    number = worker_of(begun[-1])  # of one that waits for its turn
    killed = workers[number]
    killed.send_signal(signal.SIGKILL)
    until(lambda: any(n == number and p != killed for n, p in shared.workers().items()))
    for run in (run for run in begun if worker_of(run) == number):
        until(lambda run=run: shared.call("GET", f"/runs/{run}").json()["status"] in OVER)
        if shared.call("GET", f"/runs/{run}").json()["status"] == "interrupted":
            assert shared.call("POST", f"/runs/{run}/resume").status_code == 202
        else:
            assert run != begun[-1]
    for run in begun:
        until(lambda run=run: shared.call("GET", f"/runs/{run}").json()["status"] == "finished")
        assert shared.call("GET", f"/runs/{run}").json()["outputs"] == {"answer": LONG}
    idle(shared)
    test_both_serve(shared)


def test_weights_are_in_memory_once(shared):
    seen: set[int | None] = set()
    asked = {"question": "What is the capital of Denmark?"}
    until(lambda: seen.add(whose(shared.run("ask", asked))) or seen == {0, 1})
    (host,) = shared.processes("llama.host")
    with_llama = [
        process.pid
        for process in (shared.head, *shared.head.children())
        if any("xllamacpp" in part.path for part in process.memory_maps())
    ]
    assert with_llama == [host.pid]
    host.send_signal(signal.SIGKILL)
    answers: list[httpx.Response] = []
    until(lambda: answers.append(shared.run("ask", asked)) or answers[-1].status_code == 200)
    assert [process.pid for process in shared.processes("llama.host")] != [host.pid]


def test_what_torch_computes_is_in_memory_once(shared):
    seen: set[int | None] = set()
    answers: list[dict[str, Any]] = []
    asked = {"question": "Copenhagen is a city.\nParis is a city."}

    def both() -> bool:
        answer = shared.run("alike", asked)
        seen.add(whose(answer))
        answers.append(answer.json()["outputs"])
        return seen == {0, 1}

    until(both, seconds=300)  # torch takes its time where much else goes on
    assert all(answer == answers[0] for answer in answers)
    (host,) = shared.processes("model_host")
    with_torch = [
        process.pid
        for process in (shared.head, *shared.head.children())
        if any("libtorch_cpu" in part.path for part in process.memory_maps())
    ]
    assert with_torch == [host.pid]


def test_when_the_head_is_killed_all_end(shared):
    all_of_it = shared.head.children()
    assert len(all_of_it) >= 3  # two workers, and the processes that models live in
    os.kill(shared.head.pid, signal.SIGKILL)
    assert psutil.wait_procs(all_of_it, 240)[1] == []


def test_a_flow_that_cannot_be_served_is_said_once(tmp_path):
    import subprocess

    words = [sys.executable, "-m", "patchbay.flows", "serve", str(tmp_path), "--workers", "2"]
    done = subprocess.run(
        [*words, "--port", "0"], env=plugin_environ(tmp_path), capture_output=True, text=True
    )
    assert done.returncode not in (0, -9)
    assert done.stderr.count("serve/no-flow") == 1, done.stderr
