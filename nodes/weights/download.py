"""Fetch one file over HTTP: resumable, cancellable at any moment, checked for its size."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.nodes.errors import NodeError
from patchbay.nodes.weights import errors as words
from patchbay.nodes.weights.errors import Wanted
from patchbay.nodes.weights.place import make_folder
from patchbay.nodes.weights.refs import Report

if TYPE_CHECKING:
    import httpx

TRIES = 4
"""Tries in a row that may fail without a single new byte."""
_PAUSE_S = 0.2
_TICK_S = 0.1
_CONNECT_S, _READ_S = 15.0, 30.0


@dataclass
class Download:
    """A file to fetch into `part`, which may hold the beginning of it already.

    Afterwards `linked` holds the SHA-256 that a hub says the file has, where it says so.
    """

    url: str
    part: Path
    wanted: Wanted
    headers: Mapping[str, str] = field(default_factory=dict)
    done: int = 0
    total: int | None = None
    linked: str = ""


def fetch(job: Download, report: Report) -> None:
    """Fetch a file. Call it from a thread without an event loop.

    What `report` raises ends the download within a tenth of a second; the part stays for the next
    time.

    Raises:
        NodeError: it cannot be had, in words.
    """
    asyncio.run(_watched(job, report))


async def _watched(job: Download, report: Report) -> None:
    task = asyncio.create_task(_tries(job))
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=_TICK_S)
            report(f"Fetching {job.wanted.label}", job.done, job.total)
        task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _tries(job: Download) -> None:
    import httpx

    best, failures = _size(job.part), 0
    timeout = httpx.Timeout(_CONNECT_S, read=_READ_S)
    async with httpx.AsyncClient(follow_redirects=True, timeout=timeout) as client:
        while True:
            try:
                await _try(client, job)
                return
            except (httpx.TransportError, _TryAgainError) as error:
                if _size(job.part) > best:
                    best, failures = _size(job.part), 0
                failures += 1
                if failures >= TRIES:
                    raise _gave_up(job, error, best) from error
            except httpx.HTTPError as error:  # too many redirects, a broken encoding
                raise words.unreachable(job.wanted, _text(error)) from error
            await asyncio.sleep(_PAUSE_S * 2 ** (failures - 1))


class _TryAgainError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


def _gave_up(job: Download, error: Exception, done: int) -> NodeError:
    if isinstance(error, _TryAgainError):
        return words.refused(job.wanted, error.status)
    if done:
        return words.interrupted(job.wanted, done, _text(error))
    return words.unreachable(job.wanted, _text(error))


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _try(client: httpx.AsyncClient, job: Download) -> None:
    start = _size(job.part)
    if start and start == job.wanted.size:
        job.done = job.total = start
        return
    headers = {**job.headers, "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    async with client.stream("GET", job.url, headers=headers) as response:
        for step in (*response.history, response):
            job.linked = step.headers.get("x-linked-etag", job.linked).strip('"')
        if response.status_code == 416:  # the part is longer than the file: it is of another one
            job.part.unlink(missing_ok=True)
            raise _TryAgainError(416)
        if response.status_code in (408, 429) or response.status_code >= 500:
            raise _TryAgainError(response.status_code)
        if response.status_code not in (200, 206):
            raise words.refused(job.wanted, response.status_code)
        start = _offset(response, start)
        await _store(response, job, start)


def _offset(response: httpx.Response, asked: int) -> int:
    """Where the body begins. A server that ignores the range sends the whole file again."""
    if response.status_code == 206:
        given = response.headers.get("content-range", "")
        if given.startswith(f"bytes {asked}-"):
            return asked
        raise _TryAgainError(206)
    return 0


async def _store(response: httpx.Response, job: Download, start: int) -> None:
    length = response.headers.get("content-length", "")
    job.total = start + int(length) if length.isdigit() else job.wanted.size
    if job.wanted.size and job.total != job.wanted.size:
        job.part.unlink(missing_ok=True)
        raise words.wrong_size(job.wanted, job.total or 0)
    left = (job.total or 0) - start
    words.need_space(job.wanted, left)
    job.done = start
    try:
        make_folder(job.part.parent)
        with job.part.open("ab" if start else "wb") as file:
            async for block in response.aiter_raw():
                file.write(block)
                job.done += len(block)
    except OSError as error:
        raise words.from_os_error(job.wanted, error, left) from error
    if job.total is not None and job.done != job.total:
        job.part.unlink(missing_ok=True)
        raise words.wrong_size(job.wanted, job.done)


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
