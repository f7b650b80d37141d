"""Long work on Ray, such as a training: an actor of its own for each, which ends with it.

An actor has the GPUs that models get, and all cores of its machine; one that dies is made anew, and
the work goes on from what it left on the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

from patchbay.flows.cluster.far_pool import RETRIES
from patchbay.flows.cluster.model_actor import use_all_cores
from patchbay.flows.cluster.sending import (
    GetsWeights,
    files_to_send,
    names_of_weights,
    send_all,
)
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.subflows import as_node_error
from patchbay.flows.wording import first_line
from patchbay.nodes.errors import NodeError, error_as_json, error_from_json
from patchbay.nodes.far_work import LongWork

T = TypeVar("T")

STEP_S = 15.0
"""So long work that is stopped may take to the end of its step."""


class WorkActor(GetsWeights):
    """Does one piece of work. One process on some machine."""

    def __init__(self) -> None:
        use_all_cores()
        self._stop = threading.Event()

    async def do(
        self, work: LongWork[Any], given: tuple[Any, ...]
    ) -> AsyncIterator[tuple[str, Any]]:
        """What it tells, as `told`; then what it gave, `done`, or what it raised, `wrong`."""
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

        def say(*what: Any) -> None:
            loop.call_soon_threadsafe(told.put_nowait, what)

        def tell(*what: Any) -> None:
            say("told", what)

        def all_of_it() -> None:
            try:
                say("done", work(*given, tell, self._stop))
            except NodeError as error:
                say("wrong", error_as_json(error))
            except Exception as error:
                failed = NodeError(f"{type(error).__name__}: {error}", code="node/raised")
                say("wrong", error_as_json(failed))

        threading.Thread(target=all_of_it, name="patchbay-work", daemon=True).start()
        while True:
            what = await told.get()
            yield what
            if what[0] != "told":
                return

    def stop(self) -> None:
        """Have the work end after the step at hand."""
        self._stop.set()

    def place(self) -> tuple[str, int]:
        """Its machine and its process."""
        return socket.gethostname(), os.getpid()


class RayWork:
    """Does long work on Ray. See `patchbay.nodes.far_work.FarWork`.

    Args:
        gpus: how many GPUs each piece gets.
        at_once: how many pieces at the same time; others wait.
    """

    def __init__(self, gpus: float = 0, at_once: int = 1) -> None:
        self._gpus, self._room = gpus, asyncio.Semaphore(at_once)

    async def do(
        self,
        work: LongWork[T],
        *given: object,
        hear: Mapping[str, Callable[..., None]],
        cancelled: threading.Event,
    ) -> T:
        """See `FarWork`."""
        import ray

        report = hear["report"]
        files = await asyncio.to_thread(files_to_send, list(names_of_weights(given)))
        if self._room.locked():
            report("waiting for other work", 0, None)
        async with self._room:
            for left in range(RETRIES, -1, -1):
                made = ray.remote(
                    num_cpus=0, num_gpus=self._gpus, max_restarts=0, scheduling_strategy="SPREAD"
                )(WorkActor)
                actor: Any = made.remote()
                try:
                    if files:
                        await asyncio.to_thread(send_all, ray, [actor], files)
                    return await _done(actor, work, given, hear)  # type: ignore[no-any-return]
                except asyncio.CancelledError:
                    await _stopped(actor)
                    raise
                except ray.exceptions.RayActorError as error:
                    if not left:
                        raise _gone(error) from None
                    report("its process died; another one goes on", 0, None)
                except ray.exceptions.RayError as error:
                    raise _gone(error) from None
                except FlowError as error:
                    raise as_node_error(error) from error
                finally:
                    ray.kill(actor)
        raise AssertionError  # for mypy: the last turn raises


async def _done(
    actor: Any, work: Any, given: tuple[object, ...], hear: Mapping[str, Callable[..., None]]
) -> Any:
    host, process = await actor.place.remote()
    hear["report"](f"begins on {host}, process {process}", 0, None)
    async for sent in actor.do.options(num_returns="streaming").remote(work, given):
        kind, said = await sent
        if kind == "done":
            return said
        if kind == "wrong":
            raise error_from_json(said)
        name, *what = said
        hear[name](*what)
    raise NodeError("The work ended without a word.", code="cluster/work-died")


async def _stopped(actor: Any) -> None:
    """Let the step at hand end, which leaves a state to go on from."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(STEP_S):
            await actor.stop.remote()
            while True:
                await actor.place.remote()
                await asyncio.sleep(0.2)


def _gone(error: Exception) -> NodeError:
    return NodeError(
        f"The process of the work has died {RETRIES + 1} times, or cannot be made: "
        f"{first_line(error)}",
        fix="Give it more memory, or smaller batches; Ray's logs say more. Run it again to go on.",
        code="cluster/work-died",
        retry=False,
    )
