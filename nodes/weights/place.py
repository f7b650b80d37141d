"""Fetched files in their places: whether one is the right one, and who may fetch it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import weights_dir
from patchbay.nodes.private import private_folder
from patchbay.nodes.weights import errors as words
from patchbay.nodes.weights.digest import sha256_of
from patchbay.nodes.weights.errors import Wanted
from patchbay.nodes.weights.refs import Report

_WAIT_S = 0.2


def stamp(path: Path) -> Path:
    """The file beside fetched weights that remembers their hash."""
    return path.with_name(path.name + ".json")


def part_of(wanted: Wanted) -> Path:
    """The file that a download grows in."""
    return wanted.path.with_name(wanted.path.name + ".part")


def ready(wanted: Wanted, report: Report) -> bool:
    """Whether the right file is in its place. It is hashed once; the stamp remembers that."""
    with contextlib.suppress(OSError):
        size = wanted.path.stat().st_size
        if wanted.size is not None and size != wanted.size:
            return False
        known = sha256_of(wanted.path, report, stamp(wanted.path))
        return known == (wanted.sha256 or known)
    return False


def missing(wanted: Wanted, report: Report) -> NodeError:
    """Offline: the file is not here, or not the right one."""
    if not wanted.path.is_file():
        return words.missing_offline(wanted)
    size = wanted.path.stat().st_size
    if wanted.size is not None and size != wanted.size:
        return words.wrong_size(wanted, size, kept=True)
    return words.wrong_hash(wanted, sha256_of(wanted.path, report, stamp(wanted.path)), kept=True)


def make_folder(path: Path) -> None:
    """A folder for weights and those above it: for their owner only, as all of the cache.

    A place that a person has named for weights (`PATCHBAY_WEIGHTS`) may be shared by a group; there
    the usual rights hold.

    Raises:
        OSError: it cannot be made.
    """
    if os.environ.get("PATCHBAY_WEIGHTS"):
        path.mkdir(parents=True, exist_ok=True)
    else:
        private_folder(path)


@contextlib.contextmanager
def alone(wanted: Wanted, report: Report) -> Iterator[None]:
    """Let one process at a time fetch a file. The others wait, and say so."""
    from filelock import FileLock, Timeout

    name = hashlib.sha256(str(wanted.path.absolute()).encode()).hexdigest()[:32]
    path = weights_dir() / ".locks" / f"{name}.lock"
    try:
        make_folder(path.parent)
        make_folder(wanted.path.parent)
        lock = FileLock(path)
        while True:
            try:
                lock.acquire(timeout=_WAIT_S)
                break
            except Timeout:
                report(f"Waiting for another process that fetches {wanted.label}", 0, None)
    except OSError as error:
        raise words.from_os_error(wanted, error, 0) from error
    try:
        yield
    finally:
        lock.release()
