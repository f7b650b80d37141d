"""A turn of a conversation, started with what was said and what stands in the form of the flow."""

from __future__ import annotations

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.thread_runs import InThread
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector import starting
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services


def start_turn(
    document: FlowDocument, browser: str, text: str, thread: str | None, *, again: bool = False
) -> LiveRun:
    """Start it.

    Args:
        document: the flow.
        browser: who says it.
        text: what is said.
        thread: the conversation; None for one that is begun.
        again: make the last turn anew; the text is then that of before.

    Raises:
        FlowError: the flow is no chat or has errors, or the conversation is in use.
    """
    wanted = asked(document.flow)
    name = wanted.chat_input
    if name is None:
        message = "This flow cannot be talked to: it asks for no messages and no text alone."
        raise FlowError([Problem("thread/no-input", message, "Use the Run tab.")])
    said = [{"role": "user", "content": text}] if wanted.remembers else text
    use = InThread(thread, again=again, when_busy="refuse", person=browser)
    inputs = {**starting.form_values(document, browser), name: said}
    if not starting.start(document, browser, inputs, thread=use):
        raise FlowError(starting.refusals(document, browser))
    live = services().runner.latest(document.id, browser)
    assert live is not None  # noqa: S101 - it has just been started
    return live
