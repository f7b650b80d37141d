"""The events of a run as a chat follows them: what came so far, then what comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable

from patchbay.flows.server.core.event_stream import PING, event
from patchbay.flows.server.core.told import shown
from patchbay.studio.chat.telling import answering, rests_on
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.runs.steps import Told, spent, tokens_of
from patchbay.studio.server.news_queue import NewsQueue
from patchbay.studio.server.services import services
from patchbay.studio.views.live import titles_of

ENDS = ("run_finished", "run_failed", "run_cancelled", "run_waiting")


async def pieces(run: str) -> AsyncGenerator[bytes, None]:
    """The events of a run of this process, as server-sent events, until the run or the server ends;
    nothing where it has none."""
    with NewsQueue[Told]() as queue:
        heard = services().runner.hear(run, queue.put)
        if heard is None:
            return
        live, before, leave = heard
        streams = answering(live)
        try:
            for told in before:
                yield as_sent(live, told, streams)
                if told["type"] in ENDS:
                    return
            if text := text_so_far(live, streams):
                yield as_sent(live, text, streams)
            while (came := await queue.batch(is_piece)) is not None:
                if not came:
                    yield PING
                for told in gathered(came):
                    yield as_sent(live, told, streams)
                    if told["type"] in ENDS:
                        return
        finally:
            leave()


def is_piece(told: Told) -> bool:
    """Whether it is a piece of a text, behind which others come."""
    return bool(told["type"] == "node_streamed")


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
