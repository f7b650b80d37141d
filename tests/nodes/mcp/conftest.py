"""The server of this folder over streamable HTTP on this machine, and as a program in settings."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("server.py")
TOKEN = "t-1"


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of a server that wants a token."""
    import uvicorn
    from starlette.responses import PlainTextResponse

    from tests.nodes.mcp.server import server

    app = server.streamable_http_app()

    async def guarded(scope, receive, send):  # type: ignore[no-untyped-def]
        headers = dict(scope.get("headers") or [])
        if scope["type"] == "http" and headers.get(b"authorization") != f"Bearer {TOKEN}".encode():
            await PlainTextResponse("who are you?", 401)(scope, receive, send)
            return
        await app(scope, receive, send)

    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(guarded, log_level="error", lifespan="on"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
    running.should_exit = True
    thread.join(5)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder whose settings name the program as `shop`."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    monkeypatch.setenv("SHOP_GIVEN", "1")
    monkeypatch.setenv("SHOP_KEPT", "1")
    file = tmp_path / "settings.toml"
    file.write_text(
        f'[mcp.servers.shop]\ncommand = "{sys.executable}"\nargs = ["{PROGRAM}"]\n'
        'env = ["SHOP_GIVEN"]\n'
    )
    return file
