"""A server in trouble: a full disk, a held history, a broken file of keys, too little memory."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.runs import thumbs
from patchbay.flows.runs.recording import Recording
from patchbay.flows.server import app
from patchbay.flows.server.core import uploads
from patchbay.flows.server.core.keys import Keys, add, read
from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.core.uploads import OLD_S, uploads_folder
from patchbay.nodes.errors import NodeError
from tests.flows.server.flows import write
from tests.flows.server.nodes import Letters
from tests.flows.server.serving import code, serving
from tests.flows.server.test_openai import PNG
from tests.flows.server.test_runs import until


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))


def test_large_answers_do_not_fill_the_memory(tmp_path: Path):
    with serving(write(tmp_path / "flows", "words"), Settings(keep=100_000)) as served:
        runs = [
            served.run("words", {"question": "a" * 30_000, "stream": True}).headers["x-run-id"]
            for _ in range(5)
        ]
        until(lambda: sum(live.weight for live in served.service.live.values()) <= 100_000)
        assert runs[0] not in served.service.live
        small = served.run("words", {"question": "a", "stream": True}).headers["x-run-id"]
        assert served.http.get(f"/runs/{small}/events").status_code == 200


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (NodeError("No such model.", fix="Pull it."), "No such model. Pull it."),
        (RuntimeError("refused"), "RuntimeError"),
        (KeyError("x"), "KeyError"),
        (OSError("gone"), "OSError"),
    ],
)
def test_embeddings_that_fail_are_no_mistake_of_ours(tmp_path: Path, monkeypatch, error, says):
    def broken(self: object, opening: object) -> object:
        raise error

    monkeypatch.setattr(Letters, "open", broken)
    with serving(write(tmp_path / "flows", "vectors")) as served:
        answer = served.http.post("/v1/embeddings", json={"model": "vectors", "input": "a"})
        told = answer.json()["error"]
        assert answer.status_code == 500
        assert told["code"] in ("node/failed", "resource/failed")
        assert says in told["message"]
        assert served.service.slots.busy == 0


@pytest.mark.parametrize(
    ("error", "status", "known"),
    [
        (errno.ENOSPC, 503, "system/file"),
        (errno.EMFILE, 503, "system/file"),
        (errno.EISDIR, 500, "run/defect"),
    ],
)
def test_a_full_disk_is_no_mistake_of_ours(tmp_path, monkeypatch, caplog, error, status, known):
    def full(path: Path) -> Path:
        raise OSError(error, os.strerror(error), str(path))

    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    talk = [{"role": "user", "content": [{"type": "text", "text": "?"}, picture]}]
    with serving(write(tmp_path / "flows", "size", "sees", "shout")) as served:
        run = served.run("shout", {"text": "a"}).json()["run"]
        monkeypatch.setattr(uploads, "private_folder", full)
        monkeypatch.setattr(thumbs, "home", lambda: full(tmp_path))
        post = served.http.post
        form = post("/flows/size/run", files={"file": ("a.txt", b"a")})
        thumb = post(f"/runs/{run}/feedback", json={"rating": 1})
        seen = post("/v1/chat/completions", json={"model": "sees", "messages": talk})
        for answer in (form, thumb, seen):
            assert code(answer) == (status, known)
            assert str(tmp_path) not in answer.text
            assert ("retry-after" in answer.headers) == (status == 503)
        assert str(tmp_path) in caplog.text  # the owner is told which file
        monkeypatch.undo()
        assert served.run("shout", {"text": "a"}).status_code == 200


def test_a_file_of_keys_that_breaks_is_said(tmp_path: Path, caplog):
    file = tmp_path / "keys.toml"
    key = add(file, "ada")
    keys = Keys("of the owner", file)
    for change in (lambda: file.write_text("[ada\n"), file.unlink):
        change()
        keys._looked = 0.0
        caplog.clear()
        assert keys.caller(key) is not None
        assert "The keys of before go on" in caplog.text
    file.write_text(f'[""]\nsha256 = "{"a" * 64}"\n')
    with pytest.raises(FlowError, match="No caller may be called"):
        read(file)


def test_old_uploads_are_deleted_while_it_runs(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(app, "_SWEEP_EVERY_S", 0.05)
    with serving(write(tmp_path / "flows", "shout")):
        old, new = uploads_folder() / "old", uploads_folder() / "new"
        for folder in (old, new):
            folder.mkdir(parents=True)
        past = time.time() - OLD_S - 60
        os.utime(old, (past, past))
        until(lambda: not old.exists())
        assert new.exists()


def test_a_history_that_another_holds_keeps_no_other_caller_waiting(tmp_path: Path):
    """A backup program, say: runs that are recorded wait for it, beside the loop."""
    path = tmp_path / "history.sqlite"
    flows = write(tmp_path / "flows", "shout", "chat")
    with serving(flows, history=f"sqlite:///{path}") as served:
        assert served.run("chat", {"conversation": "a", "thread": "t"}).status_code == 200
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with ThreadPoolExecutor(3) as pool:
                recorded = [
                    pool.submit(served.run, "shout", {"text": "a", "thread": "new"}),
                    pool.submit(served.run, "shout", {"text": "a", "background": True}),
                    pool.submit(served.run, "chat", {"conversation": "b", "thread": "t"}),
                ]
                until(lambda: served.service.slots.busy == 3)
                begun = time.monotonic()
                for _ in range(20):
                    assert served.run("shout", {"text": "a"}).status_code == 200
                    time.sleep(0.02)
                assert time.monotonic() - begun < 20  # thirty pass until a write gives up
                assert not any(one.done() for one in recorded)
                other.execute("ROLLBACK")
                assert [one.result().status_code for one in recorded] == [200, 202, 200]


def test_a_run_that_could_not_be_recorded_asks_nobody(tmp_path: Path, monkeypatch):
    """What it asked was kept without its run: it waited for ever, and no inbox had the question."""
    begins = Recording._begin

    def refuses(self: Recording, db: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with serving(write(tmp_path / "flows", "approve")) as served:
        monkeypatch.setattr(Recording, "_begin", refuses)
        told = served.run("approve", {"mail": "Dear Ada"})
        assert (told.json()["status"], code(told)) == ("failed", (503, "history/unwritable"))
        monkeypatch.setattr(Recording, "_begin", begins)
        assert served.run("approve", {"mail": "Dear Ada"}).json()["questions"]
