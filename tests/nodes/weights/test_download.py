"""Fetching from a hub: every way in which a network, a disk or a person gets in between."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.weights.resolve import content_id, delete, find, listing, resolve, stamp
from tests.nodes.models.site import Site

DATA = b"GGUF" + bytes(range(256)) * 2000
SHA = hashlib.sha256(DATA).hexdigest()
URL = "/me/repo/resolve/main/model.gguf"
REF = "hf:me/repo/model.gguf"
PINNED = f"{REF}#sha256={SHA}"


class StoppedError(Exception):
    """What a cancelled run raises."""


def place(folder: Path) -> Path:
    return folder / "hf/me/repo/main/model.gguf"


def part(folder: Path) -> Path:
    path = place(folder)
    return path.with_name(path.name + ".part")


def failure(ref: str = PINNED) -> NodeError:
    with pytest.raises(NodeError) as caught:
        resolve(ref)
    return caught.value


@pytest.mark.parametrize("ref", [REF, PINNED])
def test_fetched_once_then_never_asked_again(hub: Site, folder: Path, ref: str) -> None:
    hub.files[URL] = DATA
    seen = []
    path = resolve(ref, lambda label, done, total: seen.append((label, done, total)))
    assert path == place(folder)
    assert path.read_bytes() == DATA
    assert (f"Fetching {ref}", len(DATA), len(DATA)) in seen
    assert not part(folder).exists()
    assert resolve(ref) == path
    assert len(hub.requests) == 1


def test_works_offline_once_fetched(
    hub: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.files[URL] = DATA
    path = resolve(REF)
    monkeypatch.setenv("PATCHBAY_OFFLINE", "1")
    assert resolve(REF) == path


def test_the_token_and_the_revision_are_sent(
    hub: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hush")
    hub.login = "Bearer hush"
    hub.files["/me/repo/resolve/v2/sub/model.gguf"] = DATA
    assert resolve("hf:me/repo/sub/model.gguf@v2").read_bytes() == DATA


def test_a_broken_connection_is_resumed_in_the_same_call(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    hub.drops = [100_000, 50_000]
    assert resolve(PINNED).read_bytes() == DATA
    assert hub.ranges_asked() == [None, "bytes=100000-", "bytes=150000-"]


def test_a_server_without_ranges_sends_it_all_again(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    hub.ranges, hub.drops = False, [100_000]
    assert resolve(PINNED).read_bytes() == DATA


def test_cancelled_in_the_middle_then_resumed(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    hub.pause_s = 0.02

    def stop(label: str, done: float, total: float | None) -> None:
        if done > 100_000:
            raise StoppedError

    with pytest.raises(StoppedError):
        resolve(PINNED, stop)
    held = part(folder).stat().st_size
    assert 100_000 < held < len(DATA)
    assert not place(folder).exists()
    hub.pause_s = 0
    assert resolve(PINNED).read_bytes() == DATA
    assert hub.ranges_asked()[-1] == f"bytes={held}-"


def test_cancelled_while_the_server_says_nothing(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    hub.stall_after = 65_536
    ticks = []

    def stop(label: str, done: float, total: float | None) -> None:
        ticks.append(done)
        if ticks.count(65_536) > 2:  # the server has fallen silent
            raise StoppedError

    with pytest.raises(StoppedError):
        resolve(PINNED, stop)
    assert not hub.wake.is_set()


def test_without_a_pin_an_old_part_is_not_trusted(hub: Site, folder: Path) -> None:
    part(folder).parent.mkdir(parents=True)
    part(folder).write_bytes(b"GGUF of another version")
    hub.files[URL] = DATA
    assert resolve(REF).read_bytes() == DATA


def test_a_part_that_is_too_long_starts_over(hub: Site, folder: Path) -> None:
    part(folder).parent.mkdir(parents=True)
    part(folder).write_bytes(DATA + b"more")
    hub.files[URL] = DATA
    assert resolve(PINNED).read_bytes() == DATA


def test_always_cut_short(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    hub.ranges, hub.always_drop = False, 100_000
    error = failure()
    assert error.code == "weights/interrupted"
    assert "100,000" in error.message
    assert not place(folder).exists()
    assert part(folder).stat().st_size == 100_000


@pytest.mark.parametrize("pinned", [True, False], ids=["our pin", "the hub's own hash"])
def test_wrong_bytes_are_not_kept(hub: Site, folder: Path, pinned: bool) -> None:
    wrong = b"GGUF" + b"?" * 1000
    hub.files[URL] = wrong
    if not pinned:
        hub.headers["X-Linked-Etag"] = f'"{SHA}"'
    error = failure(PINNED if pinned else REF)
    assert error.code == "weights/wrong-hash"
    assert SHA in error.message
    assert hashlib.sha256(wrong).hexdigest() in error.message
    assert not error.retry
    assert [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"] == []


def test_a_web_page_is_not_a_model(hub: Site, folder: Path) -> None:
    hub.files[URL] = b"<html>Please log in</html>"
    assert "not a GGUF file" in failure(REF).message
    assert not place(folder).exists()


@pytest.mark.parametrize(("status", "word"), [(401, "HF_TOKEN"), (403, "HF_TOKEN"), (404, "names")])
def test_a_refusal_says_what_to_do(hub: Site, folder: Path, status: int, word: str) -> None:
    hub.statuses = [status]
    error = failure()
    assert error.code == "weights/refused"
    assert str(status) in error.message
    assert word in error.fix
    assert len(hub.requests) == 1


def test_a_busy_server_is_asked_again(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    hub.statuses = [503, 429]
    assert resolve(PINNED).read_bytes() == DATA


def test_nobody_answers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    error = failure()
    assert error.code == "weights/unreachable"
    assert str(place(folder)) in error.fix
    assert SHA in error.fix


@pytest.mark.parametrize("switch", ["PATCHBAY_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_says_which_file_to_put_where(
    hub: Site, folder: Path, monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    monkeypatch.setenv(switch, "1")
    error = failure("smollm2-135m-instruct")
    assert error.code == "weights/offline"
    for fact in (
        str(folder / "SmolLM2-135M-Instruct.Q4_1.gguf"),
        "98,362,432 bytes",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ):
        assert fact in error.fix
    assert hub.requests == []


def test_a_file_put_there_by_hand_is_checked(
    hub: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBAY_OFFLINE", "1")
    place(folder).parent.mkdir(parents=True)
    place(folder).write_bytes(DATA)
    assert resolve(PINNED) == place(folder)
    place(folder).write_bytes(DATA + b"!")
    error = failure()
    assert error.code == "weights/wrong-hash"
    assert SHA in error.message
    assert hashlib.sha256(DATA + b"!").hexdigest() in error.message
    assert place(folder).read_bytes() == DATA + b"!"  # a person's file is not removed


def test_a_truncated_file_in_its_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHBAY_OFFLINE", "1")
    folder.mkdir()
    (folder / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"GGUF")
    error = failure("smollm2-135m-instruct")
    assert error.code == "weights/truncated"
    assert "hold 4 bytes, but 98,362,432 are expected" in error.message


def test_a_damaged_file_is_fetched_again(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    resolve(PINNED)
    place(folder).write_bytes(DATA[:-1])
    assert resolve(PINNED).read_bytes() == DATA


def test_a_checked_file_is_not_hashed_again(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    path = resolve(PINNED)
    was = path.stat()
    path.write_bytes(DATA[:-1] + b"!")  # other content that looks untouched
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    labels: list[str] = []
    resolve(PINNED, lambda label, done, total: labels.append(label))
    assert labels == []
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns + 1))  # now it looks changed
    assert resolve(PINNED).read_bytes() == DATA


def test_more_than_the_disk_holds(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    hub.claim = 10**17
    error = failure()
    assert error.code == "weights/disk-full"
    assert f"{10**17:,}" in error.message
    assert "free" in error.message
    assert not error.retry


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_the_disk_fills_up_in_the_middle(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    part(folder).parent.mkdir(parents=True)
    part(folder).symlink_to("/dev/full")
    error = failure()
    assert error.code == "weights/disk-full"
    assert not place(folder).exists()


def test_a_folder_that_cannot_be_made(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    folder.write_text("a file where the folder should be")
    error = failure()
    assert error.code == "weights/unwritable"
    assert "PATCHBAY_WEIGHTS" in error.fix


PROCESS = """
import json, sys
from patchbay.nodes.weights.resolve import resolve
labels = []
def report(label, done, total):
    if label not in labels:
        labels.append(label)
        print(json.dumps(label), flush=True)
print(json.dumps(str(resolve(sys.argv[1], report))), flush=True)
"""


def test_two_processes_at_once_fetch_it_once(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    hub.stall_after = 65_536  # the first cannot end before the second waits
    start = [sys.executable, "-c", PROCESS, PINNED]
    first = subprocess.Popen(start, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert json.loads(first.stdout.readline()) == f"Fetching {PINNED}"
    second = subprocess.Popen(start, stdout=subprocess.PIPE, text=True)
    assert second.stdout is not None
    assert json.loads(second.stdout.readline()).startswith("Waiting for another process")
    hub.wake.set()
    for process in (first, second):
        out, _ = process.communicate(timeout=240)
        assert process.returncode == 0
        assert json.loads(out.splitlines()[-1]) == str(place(folder))
    assert place(folder).read_bytes() == DATA
    assert len(hub.requests) == 1


def test_a_killed_process_leaves_no_lock_behind(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    hub.stall_after = 65_536
    process = subprocess.Popen([sys.executable, "-c", PROCESS, PINNED], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    hub.wake.set()
    assert resolve(PINNED).read_bytes() == DATA


def test_listed_known_and_deleted(hub: Site, folder: Path) -> None:
    hub.files[URL] = DATA
    assert [info.name for info in listing() if info.present] == []
    assert find(REF) is None
    assert content_id(REF) == REF
    resolve(REF)
    (info,) = [info for info in listing() if info.present]
    assert (info.name, info.size, info.sha256) == (f"{REF}@main", len(DATA), SHA)
    assert content_id(REF) == f"sha256:{SHA}"
    assert find(REF) == place(folder)
    assert delete(REF)
    assert not delete(REF)
    assert not stamp(place(folder)).exists()
    assert find(REF) is None
