"""What `patchbay serve` starts: one server, or the head of several workers, or one of them."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from patchbay.flows.cli import say
from patchbay.flows.wording import did_you_mean

if TYPE_CHECKING:
    from patchbay.flows.batch.clusters import Cluster
    from patchbay.flows.runs.environment import Environment
    from patchbay.flows.server.core.keys import Keys
    from patchbay.flows.server.core.service import FlowService
    from patchbay.flows.server.core.settings import Settings
    from patchbay.flows.server.core.shelf import Shelf
    from patchbay.flows.server.workers.worker import ServerWorker, WorkerPlace
    from patchbay.flows.traces.sending import Traces

_PLUGINS, _NONE = "PYDANTIC_DISABLE_PLUGINS", "__all__"
_MOMENT_S = 0.05
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Serving:
    """What is served, and how.

    Args:
        flows: flow files, and folders of them.
        host: the address to listen on.
        port: the port; 0 for a free one.
        settings: the limits.
        key_from: a file with the keys of other callers.
        no_key: whether anybody may call.
        tied: whether it ends with the program that started it.
        traces: sends traces of runs.
    """

    flows: tuple[Path, ...]
    host: str
    port: int
    settings: Settings
    key_from: Path | None
    no_key: bool
    tied: bool
    traces: Traces | None

    def begin(self, workers: int = 1) -> None:
        """Serve until a signal.

        Raises:
            FlowError: a flow cannot be served, or the port is not to be had.
            typer.Exit: the first of several workers could not begin, and has said why.
        """
        _hurry()
        if workers == 1:
            self._alone()
            return
        from patchbay.flows.server.workers.worker import WorkerPlace

        if (place := WorkerPlace.here()) is None:
            self._head(workers)
        else:
            self._worker(place)

    def begin_on(self, cluster: Cluster, at_once: int | None, quiet: bool) -> None:
        """Likewise, with runs, items of loops and models on Ray.

        Args:
            cluster: where.
            at_once: how many runs at the same time; what the workers take unless given.
            quiet: whether it says little.
        """
        if cluster.is_here:
            self.begin()
            return
        from patchbay.flows.cli.places import on_ray
        from patchbay.flows.runs.defaults import default_environment

        shelf = self._shelf()
        env = default_environment(use_cache=self.settings.use_cache)
        env = replace(env, variables=self.settings.variables)
        ready = [flow.prepared for flow in shelf.all()]
        with on_ray(cluster, env, ready, quiet, streams=True) as spread:
            settings = replace(self.settings, at_once=at_once or spread.flows.takes)
            replace(self, settings=settings)._alone(spread.env)

    def _shelf(self) -> Shelf:
        from patchbay.flows.runs.defaults import default_catalog
        from patchbay.flows.server.core.shelf import Shelf

        return Shelf(list(self.flows), default_catalog(), self.settings.variables)

    def _service(
        self, worker: ServerWorker | None = None, env: Environment | None = None
    ) -> FlowService:
        from patchbay.flows.runs.prices import read_prices
        from patchbay.flows.server.core.keys import Keys, owner_key, signing_key
        from patchbay.flows.server.core.overrides import check_declared
        from patchbay.flows.server.core.owners import Owners
        from patchbay.flows.server.core.service import FlowService

        shelf = self._shelf()
        number = None if worker is None else worker.number
        for file, found in shelf.problems.items() if not number else ():
            say.problems(found, f"{file}: ")
        check_declared(self.settings.overrides, shelf)
        read_prices()  # a mistake in them is said now
        keys = Keys(None if self.no_key else owner_key(), self.key_from)
        if self.key_from is not None and not number:
            _mind_names(keys, shelf)
        return FlowService(
            shelf, keys, self.settings, Owners(signing_key(), number), env, traces=self.traces,
            shared=None if worker is None else worker.admission,
        )  # fmt: skip

    def _alone(self, env: Environment | None = None) -> None:
        from patchbay.flows.server.app import application
        from patchbay.flows.server.listening import listen, server

        service = self._service(env=env)
        socket = listen(self.host, self.port)
        address = f"http://{shown_host(self.host)}:{socket.getsockname()[1]}"
        listening = server(application(service), service, self.host, self.port)

        def up() -> None:
            _settle()
            tell(service, address, self.host, self.no_key)

        listening.when_up = up
        if self.tied:
            from patchbay.flows.server.tied import end_with_parent

            end_with_parent(listening)
        listening.run(sockets=[socket])

    def _head(self, workers: int) -> None:
        """Hold the port, and start the workers that serve at it."""
        import asyncio

        from patchbay.flows.server.listening import listen
        from patchbay.flows.server.workers.head import Head, serve_command

        if sys.platform == "win32":
            fix = "Leave --workers out."
            raise say.usage("Workers cannot share a port on Windows.", fix)

        _settle()

        async def run() -> int:
            socket = listen(self.host, self.port)
            head = Head(serve_command(), workers, socket, self.settings)
            if self.tied:
                from patchbay.flows.server.tied import when_parent_ends

                loop = asyncio.get_running_loop()
                when_parent_ends(lambda: loop.call_soon_threadsafe(head.end))
            return await head.run()

        if code := asyncio.run(run()):
            raise typer.Exit(code)

    def _worker(self, place: WorkerPlace) -> None:
        """Serve, as one of several processes, at the port that the head holds."""
        from patchbay.flows.server.app import application
        from patchbay.flows.server.listening import server
        from patchbay.flows.server.workers.forwarding import Forwarding
        from patchbay.flows.server.workers.model_host import SOCKET
        from patchbay.flows.server.workers.worker import ServerWorker
        from patchbay.nodes.models.hosted.opening import open_there

        worker = ServerWorker(place)
        service = self._service(worker)
        service.pool.elsewhere = partial(open_there, place.folder / SOCKET)
        sockets = place.listening()
        address = f"http://{shown_host(self.host)}:{sockets[0].getsockname()[1]}"
        app = application(service, lambda app: Forwarding(app, place.number, place.folder))
        listening = server(app, service, self.host, 0, shared=True)
        listening.when_up = _settle
        listening.then = lambda: worker.begin(
            listening, lambda: tell(service, address, self.host, self.no_key)
        )
        listening.run(sockets=sockets)


def _mind_names(keys: Keys, shelf: Shelf) -> None:
    """Warn of keys that name a flow which is not there: their holders would be told so, not you."""
    names = [flow.name for flow in shelf.all()]
    there = {*names, *(Path(file).stem for file in shelf.problems)}
    for caller, flow in keys.naming(there):
        fix = did_you_mean(flow, names, "Its file may come later.")
        say.notice(f'The key of {caller.name} names the flow "{flow}", which is not served. {fix}')


def _hurry() -> None:
    """Until it listens: look for no garbage, since imports make none and are many; and for no
    plugins of pydantic, for which it reads the description of every installed package."""
    gc.disable()
    os.environ.setdefault(_PLUGINS, _NONE)


def _settle() -> None:
    """Look for garbage from now on, and not among what there is: it stays. Classes that are built
    from now on have their plugins, as have the programs that this one starts."""
    if os.environ.get(_PLUGINS) == _NONE:
        del os.environ[_PLUGINS]
    gc.freeze()
    gc.enable()


def shown_host(host: str) -> str:
    """A host as this machine calls it."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - only looked at
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def tell(service: FlowService, address: str, host: str, no_key: bool) -> None:
    """Say where it is, and a moment later how it is called: first answers go first."""
    import asyncio

    say.err(f"Serving {len(list(service.shelf.all()))} flows at {address}; Ctrl+C ends.")
    loop = asyncio.get_running_loop()
    loop.call_later(_MOMENT_S, _tell_more, service, address, host, no_key)


def _tell_more(service: FlowService, address: str, host: str, no_key: bool) -> None:
    from patchbay.flows.server.core.keys import owner_file
    from patchbay.flows.server.snippets import ServedAt, curl, python

    flows = list(service.shelf.all())
    if not flows:  # their files have gone since
        return
    for flow in flows:
        say.err(f"  {flow.name:<24} POST {address}/flows/{flow.in_address}/run")
    say.err(f"  a chat with each         {address}/chat/{flows[0].in_address}")
    say.err(f"  the flows, described     {address}/docs and {address}/openapi.json")
    if no_key:
        whom = "every program of this machine" if host in _LOOPBACK else "EVERYBODY who reaches it"
        say.err(f"warning Without a key {whom} may run these flows (--no-key).")
    else:
        say.err(f"  your key                 {owner_file()}")
    key = "" if no_key else owner_file().read_text(encoding="utf-8").strip()
    first = ServedAt(flows[0], address, key, None if no_key else owner_file())
    say.err("\nTry it:\n")
    for line in (curl(first), "", *python(first).splitlines()):
        say.err(f"  {line}" if line else "")
    say.err("")
