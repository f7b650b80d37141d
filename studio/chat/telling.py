"""A flow, its conversations and their runs, as the chat's component is told of them.

The shapes are those of `flows/server/http/addresses.py`, and say more: whoever asks has the flow
open. The component's side is `studio/canvas/frontend/src/chat/caller.ts`.
"""

from __future__ import annotations

from typing import Any

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.history import PastRun
from patchbay.flows.runs.threads import Thread, Threads, ThreadTurn
from patchbay.flows.runs.thumbs import thumbs_by_run
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector.sources import sources_of
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.runs.steps import spent
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services
from patchbay.studio.views.live import title_of

CAN = ("threads", "again", "shared")
"""What this server offers beyond `patchbay serve`: conversations to choose among, answers made
anew, and inputs that the Run tab asks for."""


def threads() -> Threads:
    """The store of threads."""
    return Threads(services().history)


def flow_told(document: FlowDocument) -> dict[str, Any]:
    """The open flow: its `title`, and with `talk` the input that a message goes to."""
    wanted, flow = asked(document.flow), document.flow
    kind = "messages" if wanted.remembers else "text"
    name = wanted.chat_input
    talk = None if name is None else {"input": name, "kind": kind, "description": ""}
    return {
        "name": document.id,
        "title": flow.name,
        "description": flow.description,
        "inputs": [],
        "talk": talk,
        "can": list(CAN),
    }


# --- conversations --------------------------------------------------------------------------------


def mine(
    document: FlowDocument, browser: str, search: str = "", *, limit: int = 30
) -> list[Thread]:
    """This person's conversations with the flow, and those that are anybody's."""
    place, people = str(document.path or ""), [browser, ""]
    return threads().listed(search, place=place, people=people, limit=limit)


def thread_told(document: FlowDocument, browser: str, thread: Thread) -> dict[str, Any]:
    """A conversation with its turns; `now` is the run that is at work or waits in it, or that ended
    in it without an answer."""
    turns, name = threads().turns(thread.id), asked(document.flow).chat_input or ""
    live = services().runner.latest(document.id, browser)
    if live is not None:
        services().runner.catch_up(live)
    if live is not None and not _belongs(live, thread, turns):
        live = None
    now = None if live is None else run_told(live, name)
    if live is None and (past := _asleep(document, thread)) is not None:
        now = past_told(past, name)
    kept = turns[: live.run.turns_before] if live is not None and live.active else turns
    thumbs = thumbs_by_run()
    return {**thread_line(thread), "turns": [_turn(t, thread, name, thumbs) for t in kept],
            "now": now}  # fmt: skip


def thread_line(thread: Thread) -> dict[str, Any]:
    """A conversation, without its turns."""
    names = ("id", "title", "flow", "created_at", "updated_at", "turns")
    return {name: getattr(thread, name) for name in names}


def _belongs(live: LiveRun, thread: Thread, turns: list[ThreadTurn]) -> bool:
    """Whether a run is at work in this conversation, or ended in it without a turn."""
    return live.run.thread == thread.id and (
        live.active or all(turn.run != live.id for turn in turns)
    )


def _asleep(document: FlowDocument, thread: Thread) -> PastRun | None:
    """The run that this conversation waits for, where no page saw it fall asleep."""
    if not thread.run:
        return None
    try:
        past = services().history.get(thread.run)
    except FlowError:
        return None
    if past.status != "waiting":
        return None
    services().runner.show_in(past.id, document.id)
    return past


def _turn(
    turn: ThreadTurn, thread: Thread, name: str, thumbs: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "number": turn.number,
        "asked": "" if turn.damaged else turn.asked,
        "answer": "" if turn.damaged else turn.answer,
        "run": turn.run,
        "damaged": turn.damaged,
    }
    if thumb := thumbs.get(turn.run):
        told["thumb"] = {
            "rating": int(thumb.get("rating") or 0),
            "comment": str(thumb.get("comment") or ""),
        }
    ran = services().runner.get(turn.run)
    if ran is not None and not ran.active and ran.run.thread == thread.id:
        told["told"] = run_told(ran, name)
    return told


# --- runs -----------------------------------------------------------------------------------------


def run_told(live: LiveRun, name: str) -> dict[str, Any]:
    """A run of this process: how it stands, what was `asked`, and all that an answer shows."""
    progress = live.progress
    told: dict[str, Any] = {
        "run": live.id,
        "thread": live.run.thread,
        "status": progress.status,
        "asked": last_said(live.inputs.get(name, "")),
        "warnings": list(progress.warnings),
        "done": [
            {"node": path, "title": title_of(live, path), "steps": node.steps}
            for path, node in progress.nodes.items()
            if node.steps
        ],
    }
    if progress.status == "finished":
        told |= {"outputs": progress.outputs, "sources": rests_on(live)}
    elif progress.status == "failed":
        told["error"] = progress.problem or {}
    elif progress.status == "waiting":
        told["questions"] = questions_of(live.id)
    elif progress.status == "cancelled":
        told["said"] = streamed(live)
    if progress.status not in ("running", "waiting", "elsewhere"):
        told["facts"] = spent(progress.seconds, progress.tokens)
    return told


def past_told(past: PastRun, name: str) -> dict[str, Any]:
    """A recorded run that is not in this process, as far as a chat shows it."""
    at_work = past.status == "running"
    told: dict[str, Any] = {
        "run": past.id,
        "status": "elsewhere" if at_work else past.status,
        "asked": last_said(past.inputs.get(name, "")),
    }
    if past.status == "waiting":
        told["questions"] = questions_of(past.id)
    elif past.status == "finished":
        told["outputs"] = past.outputs
    elif past.problem is not None:
        told["error"] = past.problem
    return told


def questions_of(run: str) -> list[dict[str, Any]]:
    """The open questions of a run."""
    return [question.as_dict() for question in services().history.inbox.open(run)]


def last_said(given: Any) -> str:
    """A text, or the last message of a conversation, as an input of a run holds it."""
    if isinstance(given, list) and given and isinstance(given[-1], dict):
        return str(given[-1].get("content", ""))
    return str(given)


def answering(live: LiveRun) -> dict[tuple[str, str], str]:
    """The outputs of nodes whose text is what the flow answers, to the names of its outputs."""
    ends = {node: name for name, node in asked(live.flow).outputs.items()}
    return {
        (edge.source_node, edge.source_port): ends[edge.target_node]
        for edge in live.flow.edges
        if edge.target_node in ends
    }


def streamed(live: LiveRun) -> str:
    """The text of an answer as far as it came."""
    for node, _ in answering(live):
        if (step := live.progress.nodes.get(node)) is not None:
            return step.text
    return ""


def rests_on(live: LiveRun) -> list[Any]:
    """The documents that what a flow answered rests on."""
    return sources_of(live, asked(live.flow).outputs.values())
