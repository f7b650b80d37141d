"""What the sessions of a studio share is one for all of them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import pytest

from patchbay.studio.server.services import Services, made_once

AT_ONCE = 8
MEMBERS = [name for name, made in vars(Services).items() if isinstance(made, cached_property)]


class Slow:
    """Takes its time to make what it has."""

    @made_once
    def member(self) -> object:
        time.sleep(0.05)
        return object()

    @made_once
    def pair(self) -> tuple[object, object]:
        return self.member, self.member


def at_once(asked: object, name: str) -> list[object]:
    """What so many threads get that ask in the same moment."""
    ready = threading.Barrier(AT_ONCE)

    def ask(_: int) -> object:
        ready.wait()
        return getattr(asked, name)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(ask, range(AT_ONCE)))


@pytest.mark.parametrize("name", ["member", "pair"])
def test_threads_that_ask_at_once_get_the_same(name: str) -> None:
    assert len({id(found) for found in at_once(Slow(), name)}) == 1


@pytest.mark.parametrize("name", ["documents", "library", "cards", "runner"])
def test_sessions_that_start_at_once_share_all_there_is(name: str, tmp_path: Path) -> None:
    assert len({id(found) for found in at_once(Services(tmp_path), name)}) == 1


@pytest.mark.parametrize("name", MEMBERS)
def test_every_member_is_made_once(name: str) -> None:
    assert isinstance(vars(Services)[name], made_once)


def test_what_fails_is_made_when_it_is_asked_for_again() -> None:
    class Late:
        tries = 0

        @made_once
        def member(self) -> int:
            self.tries += 1
            if self.tries < 2:
                raise OSError("not yet")
            return self.tries

    late = Late()
    with pytest.raises(OSError, match="not yet"):
        _ = late.member
    assert (late.member, late.member, late.tries) == (2, 2, 2)
