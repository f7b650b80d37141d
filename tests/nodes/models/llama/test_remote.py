"""A model in another process stays loaded between calls, and is held anew where that process is."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.llama import host
from patchbay.nodes.models.llama.gathering import said_in
from patchbay.nodes.models.llama.remote import RemoteEngine
from patchbay.nodes.weights.resolve import find
from tests.nodes.models.conftest import SPEC

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such sockets there")
SMALL = SPEC.model_copy(update={"context": 256, "parallel": 1})
ASKED = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, "temperature": 0}


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    folder = tempfile.mkdtemp(prefix="pb-")  # a short path: that of a socket has 104 signs
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as found:
        found.bind(f"{folder}/models.sock")
        found.listen(8)
        yield found
    shutil.rmtree(folder)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was loaded by hosts of this process; each load says how it goes."""
    real, seen = host.local_engine, []

    def counted(spec: Any, path: Path, report: Any) -> Any:
        seen.append(spec.weights)
        report("loading", 0.5, 1.0)
        return real(spec, path, report)

    monkeypatch.setattr(host, "local_engine", counted)
    return seen


def serve(listening: socket.socket) -> host.ModelHost:
    models = host.ModelHost()

    def forever() -> None:
        with contextlib.suppress(OSError):  # the test is over
            models.serve(listening)

    threading.Thread(target=forever, daemon=True).start()
    return models


def engine(listening: socket.socket, report: Any = lambda *_: None) -> RemoteEngine:
    path = find(SMALL.weights)
    assert path is not None
    return RemoteEngine(Path(listening.getsockname()), SMALL, path, report)


def said(model: RemoteEngine) -> int:
    """How many pieces an answer has."""
    chunks: list[Any] = []
    model.chat(ASKED, chunks.append, threading.Event())
    return len(chunks)


def until_freed(models: host.ModelHost) -> None:
    ended = threading.Event()
    while models._models:
        assert not ended.wait(0.02)


def test_a_second_call_does_not_load(listening, loads):
    models, reports = serve(listening), []
    model = engine(listening, lambda *report: reports.append(report))
    assert reports == [("loading", 0.5, 1.0)]
    assert [said(model) > 1 for _ in range(3)] == [True] * 3
    other = engine(listening)
    model.close()
    assert said(other) > 1, "somebody still holds it"
    assert len(loads) == 1
    other.close()
    until_freed(models)
    with pytest.raises(NodeError):
        said(other)
    again = engine(listening)
    assert said(again) > 1
    assert len(loads) == 2, "what nobody holds was freed"
    again.close()
    until_freed(models)


def test_what_nobody_reads_along_is_sent_in_few_pieces(listening, loads):
    models = serve(listening)
    model = engine(listening)
    told: list[Any] = []
    gathered: list[Any] = []
    asked = {**ASKED, "max_tokens": 12}
    model.chat(asked, told.append, threading.Event())
    model.chat(asked, gathered.append, threading.Event(), gathered=True)
    pieces, few = ([text for _, text in map(said_in, some) if text] for some in (told, gathered))
    assert "".join(pieces) == "".join(few)
    assert len(pieces) > 2
    assert len(few) == 2
    used = [some[-1]["usage"]["completion_tokens"] for some in (told, gathered)]
    assert used[0] == used[1] > 2
    model.close()
    until_freed(models)


def test_a_new_process_holds_it_again(listening, loads):
    mine, its = socket.socketpair()
    with mine, its:
        numbers = (listening.fileno(), its.fileno())
        words = [sys.executable, "-m", "patchbay.nodes.models.llama.host", *map(str, numbers)]
        first = subprocess.Popen(words, pass_fds=numbers)
        try:
            model = engine(listening)
        finally:
            first.kill()
            first.wait()
    models = serve(listening)
    assert said(model) > 1, "the load before the answer is no answer"
    assert said(model) > 1
    assert len(loads) == 1
    model.close()
    until_freed(models)
    model.close()  # may be called again
