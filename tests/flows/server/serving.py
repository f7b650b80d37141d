"""A real server on a free port, in a thread of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from patchbay.flows.runs.elsewhere import Elsewhere
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.history import History
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.server.app import application
from patchbay.flows.server.core.keys import Keys
from patchbay.flows.server.core.owners import Owners
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.core.shelf import Shelf
from patchbay.flows.server.listening import Listening, listen, server
from patchbay.flows.traces.sending import Traces
from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from tests.flows.server.nodes import NODES

KEY = "pb_of-the-owner"
CATALOG = Catalog(NODES, table=BUILTIN)


@dataclass
class Served:
    """A server that listens; `http` sends the owner's key."""

    address: str
    service: FlowService
    http: httpx.Client
    server: Listening
    folder: Path

    @property
    def host(self) -> str:
        """Where it listens."""
        return self.address.removeprefix("http://").partition(":")[0]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rpartition(":")[2])

    def run(self, flow: str, given: Any = None, **more: Any) -> httpx.Response:
        """Run a flow with JSON."""
        return self.http.post(f"/flows/{flow}/run", json=given or {}, **more)


@contextlib.contextmanager
def serving(
    folder: Path,
    settings: Settings | None = None,
    keys: Keys | None = None,
    history: str | None = None,
    traces: Traces | None = None,
    elsewhere: Elsewhere | None = None,
) -> Iterator[Served]:
    """Serve the flows of a folder until the end of the block."""
    settings = replace(settings or Settings(), drain_s=(settings or Settings(drain_s=0.2)).drain_s)
    env = Environment(CATALOG, Pool(), Secrets(env={}, files=()), elsewhere=elsewhere)
    shelf = Shelf([folder], CATALOG, settings.variables)
    service = FlowService(
        shelf, keys or Keys(KEY), settings, Owners(b"of the tests"), env,
        History(history or f"sqlite:///{folder.parent / 'history.sqlite'}"), traces=traces,
    )  # fmt: skip
    socket = listen("127.0.0.1", 0)
    listening = server(application(service), service, "127.0.0.1", 0)
    up = threading.Event()
    listening.when_up = up.set
    thread = threading.Thread(target=listening.run, args=([socket],), daemon=True)
    thread.start()
    assert up.wait(120)
    address = f"http://127.0.0.1:{socket.getsockname()[1]}"
    with httpx.Client(
        base_url=address, headers={"authorization": f"Bearer {KEY}"}, timeout=120
    ) as http:
        try:
            yield Served(address, service, http, listening, folder)
        finally:
            listening.should_exit = True
            thread.join(120)
            env.pool.close()
    assert not thread.is_alive()


def events_in(text: str) -> list[tuple[str, str, str]]:
    """Id, type and data of the events in a stream's text."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.split("\n") if ": " in line and line[0] != ":"
        )
        if "data" in fields:
            found.append((fields.get("id", ""), fields.get("event", ""), fields["data"]))
    return found


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status of an answer, and the code of the problem in it."""
    return answer.status_code, answer.json()["error"]["code"]
