"""Servers that the studio starts: real processes, which end with it unless they are to stay."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.server.core.keys import digest, read
from patchbay.studio.server import served_flows
from patchbay.studio.server.served_flows import FlowServer, ServedFlows
from tests.flows.runs.harness import flow
from tests.flows.server.flows import asks, gives
from tests.paths import ROOT, python_path
from tests.ports import free_ports

ECHO = flow({"in": asks("text"), "out": gives()}, ["in.value > out.value"], "Echo")
STUDIO = """
import os, signal, sys
from pathlib import Path
from patchbay.studio.server import served_flows
from patchbay.studio.server.served_flows import ServedFlows
from tests.ports import free_ports

home, one, two = map(Path, sys.argv[1:])
served_flows.PORTS = free_ports(20)
served = ServedFlows(home)
served.start(one)
served.start(two, ["https://example.org"], stays=True)
for path in (one, two):
    assert served.settled(served.of(path)) == "serving", served.said(path)
os.kill(os.getpid(), signal.SIGKILL)
"""
"""A studio that starts two servers and is killed."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    home = tmp_path / "home"
    monkeypatch.setenv("PATCHBAY_HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", python_path(ROOT))
    monkeypatch.setattr(served_flows, "PORTS", free_ports(20))  # of no other test's studio
    yield home
    for server in ServedFlows(home).running():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
            psutil.Process(server.pid).kill()


def put(folder: Path, name: str) -> Path:
    path = folder / f"{name}.json"
    path.write_text(canonical_text(ECHO), encoding="utf-8")
    return path


def call(home: Path, server: FlowServer, path: Path, text: str) -> httpx.Response:
    key = (home / "serve-key").read_text(encoding="utf-8").strip()
    headers = {"authorization": f"Bearer {key}"}
    where = f"{server.address}/flows/{path.stem}/run"
    return httpx.post(where, json={"text": text}, headers=headers, timeout=240)


def test_a_flow_is_served_until_it_is_stopped(home, tmp_path):
    served, path = ServedFlows(home), put(tmp_path, "echo")
    assert served.of(path) is None
    server = served.start(path)
    assert served.start(path) is server
    assert served.settled(server) == "serving"
    assert call(home, server, path, "hi").json()["outputs"] == {"answer": "hi"}

    key = served.page_key(path)
    (caller,) = read(served.keys).values()
    assert (caller.flows, caller.requests_a_day) == (frozenset({"echo"}), 1000)
    assert key not in served.keys.read_text(encoding="utf-8")

    served.stop(path)
    assert served.settled(server) == "ended"
    assert server.told_to_end
    assert served.running() == []
    assert served.start(path).port == server.port  # what was copied goes on being right


def test_flows_served_at_once_have_ports_of_their_own(home, tmp_path):
    served = ServedFlows(home)
    paths = [put(tmp_path, name) for name in ("first", "second", "third")]
    servers = [served.start(path) for path in paths]
    assert len({server.port for server in servers}) == 3
    assert [served.settled(server) for server in servers] == ["serving"] * 3
    for server, path in zip(servers, paths, strict=True):
        assert call(home, server, path, path.stem).json()["outputs"] == {"answer": path.stem}
    served.stop(paths[0])
    served.settled(servers[0])
    fourth = served.start(put(tmp_path, "fourth"))
    assert fourth.port not in {server.port for server in servers[1:]}
    assert served.start(paths[0]).port not in {s.port for s in (*servers[1:], fourth)}


def test_one_that_cannot_be_served_says_why(home, tmp_path):
    served = ServedFlows(home)
    path = tmp_path / "broken.json"
    path.write_text("{}", encoding="utf-8")
    server = served.start(path)
    assert served.settled(server) == "ended"
    assert not server.told_to_end
    assert "file/no-format" in served.said(path)


def test_it_ends_with_a_studio_that_is_killed_unless_it_is_to_stay(home, tmp_path):
    one, two = put(tmp_path, "one"), put(tmp_path, "two")
    words = [sys.executable, "-c", STUDIO, str(home), str(one), str(two)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr

    later = ServedFlows(home)
    tied, stays = later.of(one), later.of(two)
    with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended already
        psutil.Process(tied.pid).wait(240)
    assert later.state(tied) == "ended"
    assert later.state(stays) == "serving"
    assert stays.origins == ("https://example.org",)
    assert call(home, stays, two, "still").json()["outputs"] == {"answer": "still"}
    later.stop(two)
    assert later.settled(stays) == "ended"


def test_a_flow_that_is_gone_is_not_served_any_more(home, tmp_path):
    served, path = ServedFlows(home), put(tmp_path, "gone")
    other = put(tmp_path, "other")
    server = served.start(path)
    served.settled(server)
    kept = served.page_key(other)
    served.page_key(path)
    before = served.keys.read_text(encoding="utf-8")
    process = psutil.Process(server.pid)
    path.unlink()
    served.forget(path)
    served.forget(path)  # may come again
    after = served.keys.read_text(encoding="utf-8")
    assert [caller.flows for caller in read(served.keys).values()] == [frozenset({"other"})]
    assert after in before
    assert list(read(served.keys)) == [digest(kept)]
    assert served.of(path) is None
    psutil.wait_procs([process], 240)
    assert not served.running()
    assert list((home / "served").glob("*")) == []


def test_names_of_other_alphabets_are_written_so_that_the_server_reads_them(home, tmp_path):
    served = ServedFlows(home)
    for name in ("größe 😀", 'with "quotes"', "back\\slash"):
        served.page_key(put(tmp_path, name))
    found = tomllib.loads(served.keys.read_text(encoding="utf-8")).values()
    assert {table["flows"][0] for table in found} == {"größe 😀", 'with "quotes"', "back\\slash"}
