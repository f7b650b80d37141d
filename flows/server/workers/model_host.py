"""The process that models of Transformers live in, for the workers of a server.

    python -m patchbay.flows.server.workers.model_host SOCKET PIPE

Both are file descriptors that it inherits: a socket that listens, and one whose other end closes
when whoever started it is gone. `patchbay.nodes.models.hosted.line` says what is spoken.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import sys
from typing import Any

from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.secrets import Secrets
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.cut_texts import with_cut
from patchbay.nodes.errors import NodeError, error_as_json
from patchbay.nodes.models.hosted.calls import as_given
from patchbay.nodes.models.hosted.inherited import inherited_socket
from patchbay.nodes.threads import in_thread
from patchbay.nodes.values import SecretRef, Spec, decode

WORDS = (sys.executable, "-m", "patchbay.flows.server.workers.model_host")
"""What starts it; the numbers of its socket and its pipe follow."""
SOCKET = "networks.sock"
_MOST = 1 << 27
log = logging.getLogger("patchbay.serve")


class _Telling:
    """What the pool reports of an opening, sent to whoever asked."""

    def __init__(self, writing: asyncio.StreamWriter, secrets: Secrets) -> None:
        self._writing, self._secrets = writing, secrets
        self._loop = asyncio.get_running_loop()

    def opening(self, label: str, done: float, total: float | None) -> None:
        """Comes from a thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.send, {"report": [label, done, total]})

    def waiting(self, resource: str, position: int) -> None:
        """Slots are counted by the workers."""

    def warning(self, message: str) -> None:
        """Something that whoever runs the server should know."""
        log.warning("models: %s", message)

    def secret(self, ref: SecretRef) -> str:
        """A secret's value."""
        return self._secrets.get(ref)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; what nobody reads any more is lost."""
        if not self._writing.is_closing():
            self._writing.write(json.dumps(message).encode() + b"\n")

    async def sent(self, message: dict[str, Any]) -> None:
        """Send a message, and wait where whoever asked does not read: else all of a long answer
        would lie here."""
        self.send(message)
        with contextlib.suppress(OSError):  # it is gone, which ends the call
            await self._writing.drain()


class NetworkHost:
    """Answers calls of models, which it opens when they are first asked for.

    Args:
        catalog: the kinds of values that there are.
        pool: opens them, and lets go of those that are idle where memory is short.
    """

    def __init__(self, catalog: Catalog, pool: Pool | None = None) -> None:
        self._catalog, self.pool, self._secrets = catalog, pool or Pool(), Secrets()

    async def hear(self, reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        """One call, which ends when whoever asked is gone."""
        telling = _Telling(writing, self._secrets)
        try:
            asked = json.loads(await reading.readline())
            answering = asyncio.ensure_future(self._answered(asked, telling))
            leaving = asyncio.ensure_future(reading.read(1))
            try:
                await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (answering, leaving):
                    task.cancel()
                await asyncio.gather(answering, leaving, return_exceptions=True)
            with contextlib.suppress(OSError):
                await writing.drain()
        except (OSError, ValueError):
            pass  # it left before it had asked
        finally:
            writing.close()

    async def _answered(self, asked: dict[str, Any], telling: _Telling) -> None:
        try:
            spec = decode(asked["spec"], self._catalog.value_types)
            assert isinstance(spec, Spec)  # noqa: S101 - workers send nothing else
            async with self.pool.use(spec, telling, slot=False) as opened:
                await self._do(opened, spec, asked, telling)
            telling.send({"end": True})
        except asyncio.CancelledError:
            raise
        except NodeError as error:
            telling.send({"error": error_as_json(error)})
        except Exception as error:
            log.exception("a call of a model broke")
            failure = NodeError(f"{type(error).__name__}: {error}", code="model/failed")
            telling.send({"error": error_as_json(failure)})

    async def _do(self, opened: Any, spec: Spec, asked: dict[str, Any], telling: _Telling) -> None:
        from langchain_core.messages import messages_from_dict

        match asked["do"]:
            case "open":
                told = {name: getattr(opened, name) for name in type(spec).told}
                telling.send({"about": {**_about(opened), "told": told}})
            case "chat":
                await _chat(opened, asked, telling)
            case "count":
                messages = messages_from_dict(asked["messages"])
                telling.send({"value": await in_thread(opened.count, messages)})
            case "tokens_in":
                telling.send({"value": await in_thread(opened.tokens_in, asked["text"])})
            case "embed_documents" | "embed_query" as what:
                ask = getattr(opened, what)
                vectors, cut = await in_thread(with_cut, opened, ask, asked["given"])
                telling.send({"value": {"vectors": vectors, "cut": cut}})
            case "call" if asked["method"] in type(spec).calls:
                given = [as_given(value) for value in asked["given"]]
                value = await in_thread(getattr(opened, asked["method"]), *given)
                telling.send({"value": value})
            case what:
                raise NodeError(f"A model in another process is not asked to {what}.")


async def _chat(opened: Any, asked: dict[str, Any], telling: _Telling) -> None:
    from langchain_core.messages import messages_from_dict

    from patchbay.nodes.models.hosted.chat import chunk_as_json

    messages = messages_from_dict(asked["messages"])
    coming = opened._astream(messages, asked["stop"], **asked["options"])
    async with contextlib.aclosing(coming) as chunks:
        async for chunk in chunks:
            await telling.sent({"chunk": chunk_as_json(chunk)})


def _about(opened: Any) -> dict[str, Any]:
    chats = hasattr(opened, "_astream")
    said = {"name": getattr(opened, "model_name", ""), "context": getattr(opened, "context", 0)}
    return {"chats": chats, "max_tokens": getattr(opened, "max_tokens", 0), **said}


async def _serve(listening: socket.socket) -> None:
    host = NetworkHost(default_catalog())
    server = await asyncio.start_unix_server(host.hear, sock=listening, limit=_MOST)
    await server.serve_forever()


def main() -> None:
    """Serve until whoever started this process is gone."""
    asyncio.run(_serve(inherited_socket()))


if __name__ == "__main__":
    main()
