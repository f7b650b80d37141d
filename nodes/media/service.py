"""What nodes share that ask an OpenAI-compatible server for sound or pictures."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.contract import Context, Field, NodeError, NodeParams
from patchbay.nodes.home import cache_dir
from patchbay.nodes.models.servers.address import Address, async_settings, client_settings
from patchbay.nodes.models.servers.errors import Server
from patchbay.nodes.private import private_folder
from patchbay.nodes.units import duration
from patchbay.nodes.values import FileRef, SecretRef

if TYPE_CHECKING:
    import httpx

OPENAI = "https://api.openai.com/v1"
MOST = 100_000_000
"""Bytes of an answer that are taken."""


class ServiceParams(NodeParams):
    """Where the server is."""

    base_url: Address = Field(OPENAI, max_length=2000)
    """Where the server is: OpenAI's own, or any that speaks its protocol."""
    api_key: SecretRef | None = Field(None, widget="secret")
    """The secret that holds the key. It goes to this server only."""
    seconds: float = Field(300, gt=0, le=3600)
    """The longest that it may take."""


@contextlib.asynccontextmanager
async def asked(
    params: ServiceParams, model: str, path: str, ctx: Context, **request: Any
) -> AsyncIterator[httpx.Response]:
    """The answer to a POST, its body not read yet. Says how long it takes meanwhile.

    Raises:
        NodeError: the server is not there, refuses, or takes too long; in words.
    """
    import httpx

    key = ctx.secret(params.api_key) if params.api_key else ""
    server = Server(params.base_url, model, params.api_key.secret if params.api_key else "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    settings = client_settings(params.base_url, params.seconds)
    try:
        async with (
            asyncio.timeout(params.seconds),
            httpx.AsyncClient(**settings, **async_settings()) as client,
        ):
            sent = client.build_request(
                "POST", f"{params.base_url}{path}", headers=headers, **request
            )
            async with _clock(ctx):
                answer = await client.send(sent, stream=True)
            try:
                if answer.status_code != 200:
                    await answer.aread()
                    answer.raise_for_status()
                    raise server.strange(f"it answers with status {answer.status_code}")
                yield answer
            finally:
                await answer.aclose()
    except TimeoutError as error:
        raise NodeError(
            f"{params.base_url} took longer than {duration(params.seconds)}.",
            fix="Raise seconds, or ask for less.",
            code="media/timeout",
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise await asyncio.to_thread(server.in_words, error) from error


@contextlib.asynccontextmanager
async def _clock(ctx: Context) -> AsyncIterator[None]:
    """Show that time passes while a server works: it does not say how far it is."""

    async def tick() -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(1)
            await ctx.progress("Waiting for the server, seconds", round(time.monotonic() - began))

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()


async def read_all(answer: httpx.Response, what: str, ctx: Context) -> bytes:
    """The body of an answer, with progress.

    Raises:
        NodeError: it is longer than is taken.
    """
    told = answer.headers.get("content-length", "")
    total = float(told) if told.isdigit() else None
    data = bytearray()
    async for piece in answer.aiter_bytes():
        data += piece
        if len(data) > MOST:
            raise NodeError(
                f"The answer is longer than {MOST:,} bytes.",
                fix="Ask for less.",
                code="media/answer",
                retry=False,
            )
        await ctx.progress(f"{what}, bytes", len(data), total)
    return bytes(data)


def kept(data: bytes, ending: str) -> FileRef:
    """A file with these bytes, in the cache, under their hash."""
    digest = hashlib.sha256(data).hexdigest()
    path: Path = private_folder(cache_dir() / "media") / f"{digest[:32]}.{ending}"
    if not path.exists():
        write_atomic(path, data)
    return FileRef(path=str(path), sha256=digest, size=len(data))


def strange(params: ServiceParams, why: str) -> NodeError:
    """The server answered something else."""
    return NodeError(
        f"{params.base_url} does not answer as OpenAI's protocol says: {why}.",
        fix="Look whether the server has this interface, and the model.",
        code="media/answer",
        retry=False,
    )
