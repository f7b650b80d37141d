"""The events of a run as a chat follows them: what came so far, then what comes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable

from patchbay.flows.server.core.event_stream import PING, event
from patchbay.flows.server.core.told import shown
from patchbay.studio.chat.telling import answering, rests_on
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.runs.steps import Told, spent, tokens_of
from patchbay.studio.server.ending import ending
from patchbay.studio.server.services import services
from patchbay.studio.views.live import titles_of

PING_S = 15.0
"""Seconds without news after which something is sent, so that a lost connection is noticed."""
GATHER_S = 0.03
"""Seconds during which pieces of a text are gathered into one."""
ENDS = ("run_finished", "run_failed", "run_cancelled", "run_waiting")


async def pieces(run: str) -> AsyncGenerator[bytes, None]:
    """The events of a run of this process, as server-sent events, until the run or the server ends;
    nothing where it has none."""
    queue: asyncio.Queue[Told | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def put(told: Told | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(queue.put_nowait, told)

    heard = services().runner.hear(run, put)
    if heard is None:
        return
    live, before, leave = heard
    streams = answering(live)
    hear_no_more = ending.hear(lambda: put(None))
    try:
        for told in before:
            yield as_sent(live, told, streams)
            if told["type"] in ENDS:
                return
        if text := text_so_far(live, streams):
            yield as_sent(live, text, streams)
        while True:
            try:
                first = await asyncio.wait_for(queue.get(), PING_S)
            except TimeoutError:
                yield PING
                continue
            if first is not None and first["type"] == "node_streamed":
                await asyncio.sleep(GATHER_S)
            came = [first, *waiting(queue)]
            for told in gathered(told for told in came if told is not None):
                yield as_sent(live, told, streams)
                if told["type"] in ENDS:
                    return
            if None in came:
                return
    finally:
        hear_no_more()
        leave()


def waiting(queue: asyncio.Queue[Told | None]) -> Iterable[Told | None]:
    """What has come meanwhile."""
    while not queue.empty():
        yield queue.get_nowait()


def gathered(batch: Iterable[Told]) -> list[Told]:
    """The same events, pieces of one text together."""
    result: list[Told] = []
    for told in batch:
        last = result[-1] if result else {}
        same = all(told.get(name) == last.get(name) for name in ("type", "node", "port"))
        if same and told["type"] == "node_streamed":
            result[-1] = {**last, "piece": last["piece"] + told["piece"]}
        else:
            result.append(told)
    return result


def text_so_far(live: LiveRun, streams: dict[tuple[str, str], str]) -> Told | None:
    """What has streamed of the answer before somebody listened."""
    for node, port in streams:
        step = live.progress.nodes.get(node)
        if step is not None and step.text and step.status in ("running", "waiting"):
            return {"type": "node_streamed", "node": node, "port": port, "piece": step.text}
    return None


def as_sent(live: LiveRun, told: Told, streams: dict[tuple[str, str], str]) -> bytes:
    """An event as a chat is told it: without what the nodes in between gave."""
    kind = str(told["type"])
    found = shown(told, values=False)
    if kind == "node_streamed":
        output = streams.get((told["node"], told["port"]))
        if output is None:
            return b""
        found = {**found, "output": output}
    elif kind == "run_started":
        found = {**found, "thread": live.run.thread, "titles": titles_of(live)}
    elif kind in ENDS:
        found = {**found, "facts": spent(told.get("seconds"), tokens_of(told.get("tokens")))}
        if kind == "run_finished":
            found["sources"] = rests_on(live)
    return event(found, kind)
