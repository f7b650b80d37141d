"""Fetching in the background: how far it is, stopped and gone on with, refused, deleted."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.weights.resolve import delete, listing
from patchbay.studio.runs.pulls import Pull, Pulls
from tests.nodes.models.site import BLOCK, Site, serve

DATA = b"GGUF" + bytes(range(256)) * 2000
REF = "hf:me/repo/model.gguf@main"
PINNED = f"{REF}#sha256={hashlib.sha256(DATA).hexdigest()}"
OTHER = ("PATCHBAY_OFFLINE", "HF_HUB_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A hub on the loopback device that has one model, and an empty weights folder."""
    for name in OTHER:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(tmp_path / "weights"))
    with serve() as site:
        monkeypatch.setenv("HF_ENDPOINT", site.url)
        site.files["/me/repo/resolve/main/model.gguf"] = DATA
        yield site


def until(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 240
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def ended(pull: Pull) -> Pull:
    until(lambda: not pull.active)
    return pull


def present() -> list[str]:
    return [info.name for info in listing() if info.present]


def test_a_pull_tells_how_far_it_is_and_the_weights_can_be_deleted(hub: Site) -> None:
    hub.stall_after = 4 * BLOCK
    pulls = Pulls()
    pull = pulls.start(REF)
    until(lambda: pull.done > 0)
    assert (pull.active, pull.total) == (True, len(DATA))
    assert 0 < pull.done < len(DATA)
    assert pulls.start(REF) is pull, "nothing is fetched twice at once"
    assert pulls.all() == [pull]
    assert present() == []
    hub.wake.set()
    assert ended(pull).error == ""
    assert present() == [REF]
    assert pulls.all() == []
    assert delete(REF)
    assert present() == []
    assert not delete(REF)


def test_a_stopped_pull_is_no_error_and_goes_on_from_there(hub: Site) -> None:
    hub.stall_after = 4 * BLOCK
    pulls = Pulls()
    pull = pulls.start(PINNED)
    until(lambda: pull.done > 2 * BLOCK)
    pull.cancel()
    assert ended(pull).error == ""
    assert present() == []
    hub.stall_after = None
    hub.wake.set()
    assert ended(pulls.start(PINNED)).error == ""
    assert present() == [REF]
    assert hub.ranges_asked()[-1] not in (None, "bytes=0-")


def test_what_cannot_be_had_is_said_until_it_is_tried_again(hub: Site) -> None:
    pulls = Pulls()
    pull = ended(pulls.start("hf:me/repo/none.gguf"))
    assert "none.gguf" in pull.error
    assert pulls.all() == [pull]
    assert ended(pulls.start("no such weights")).error
    # A thread is listed for a moment after its last word.
    until(lambda: not [t for t in threading.enumerate() if t.name.startswith("pull ")])


def test_a_fetch_tells_its_rate_and_the_time_left_once_both_are_sure() -> None:
    pull = Pull("some")
    assert pull.rate_words() == ""
    pull.report("Fetching", 1e6, 101e6)
    began = pull._since[1] if pull._since else 0.0
    pull.report("Fetching", 21e6, 101e6)
    assert pull.rate_words(began + 1) == ""
    assert pull.rate_words(began + 10) == ", 2 MB a second, 40 s left"
    pull.total = None
    assert pull.rate_words(began + 10) == ", 2 MB a second"
    pull.report("Checking", 0.0, 101e6)
    assert pull.rate_words(began + 100) == "", "something else has begun"
