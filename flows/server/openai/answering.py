"""How a run answers: which output is the text, its pieces, its end, and a question as words."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Literal

from patchbay.flows.runs.events import Event, NodeRetrying, NodeStepped, NodeStreamed, NodeWarned
from patchbay.flows.runs.thread_holds import answer_of
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.nodes.models.asking import WAS_CUT
from patchbay.nodes.strict_json import parse_json
from patchbay.nodes.values import Document, Message, as_text

_NAMES = ("answer", "text", "output", "response", "result")


def answer_name(flow: ServedFlow) -> str | None:
    """The output that is the answer; None where all of them are."""
    if len(flow.outputs) == 1:
        return next(iter(flow.outputs))
    return next((name for name in _NAMES if name in flow.outputs), None)


class Answering:
    """Follows one run, and gives its answer as text: in pieces, and whole.

    Args:
        flow: the flow.
    """

    def __init__(self, flow: ServedFlow) -> None:
        self._flow, self._name = flow, answer_name(flow)
        self._live = any(name == self._name for name in flow.streams.values())
        self.pieces: list[tuple[Literal["text", "thought"], str]] = []
        self._said = ""
        self.cut = False

    def hear(self, event: Event) -> None:
        """An event of the run."""
        match event:
            case NodeStreamed() if self._live:
                if self._flow.streams.get((event.node, event.port)) == self._name:
                    self._said += event.piece
                    self.pieces.append(("text", event.piece))
            case NodeStepped() if event.what != "answer":
                who = f"{event.who}: " if event.who else ""
                tool = f" {event.tool}" if event.tool else ""
                self.pieces.append(("thought", f"{who}{event.what}{tool}: {event.text}\n"))
            case NodeWarned() if event.message.startswith(WAS_CUT):
                self.cut = True
            case NodeRetrying():
                self.cut = False

    def text(self, outputs: Mapping[str, Any]) -> str:
        """The whole answer."""
        if self._name is not None and self._name in outputs:
            return as_text(outputs[self._name])
        return answer_of(dict(outputs)) if outputs else ""

    def rest(self, outputs: Mapping[str, Any]) -> str:
        """What has not been said of it in pieces."""
        whole = self.text(outputs)
        if not self._said:
            return whole
        return whole[len(self._said) :] if whole.startswith(self._said) else ""

    def sources(self, outputs: Mapping[str, Any]) -> list[Document]:
        """The documents among the outputs: what the answer rests on."""
        found: list[Document] = []
        for value in outputs.values():
            items = value if isinstance(value, list) else [value]
            found += [item for item in items if isinstance(item, Document)]
        return found

    @property
    def reason(self) -> str:
        """Why it ended."""
        return "length" if self.cut else "stop"


async def pieces_of(
    live: ServedRun, answering: Answering
) -> AsyncGenerator[tuple[str, str] | None, None]:
    """The pieces of an answer as they come; None now and then, so that a line is kept open."""
    reading, given = live.read(), 0
    try:
        async for told in reading:
            if told is None:
                yield None
            while given < len(answering.pieces):
                given += 1
                yield answering.pieces[given - 1]
    finally:
        await reading.aclose()


async def question_text(service: FlowService, run: str) -> str:
    """The question that a run waits with, as an assistant would put it; the run's id stands in the
    last line, so that the next message is its answer."""
    questions = await service.questions(run)
    return "\n\n".join([*(words_of(asks) for asks in questions[:1]), f"{MARK}{run}"])


MARK = "Waiting run: "


def words_of(asks: Mapping[str, Any]) -> str:
    """A question in words, with how it is answered."""
    wants, parts = asks["wants"], [str(asks["title"])]
    if asks.get("value") is not None:
        value = asks["value"]
        parts.append(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    match wants["kind"]:
        case "approval":
            parts.append("Answer yes, or no and why.")
        case "choice":
            parts.append(f"Answer with one of: {', '.join(wants['options'])}.")
        case "edit":
            parts.append("Answer with the text as it should be, or yes to leave it as it is.")
        case "form":
            fields = ", ".join(wants["schema"].get("properties", {}))
            parts.append(f"Answer with a JSON object with the fields: {fields}.")
        case "decision":
            arguments = json.dumps(wants["arguments"], ensure_ascii=False)
            parts.append(f"The tool {wants['tool']} is to be called with {arguments}.")
            parts.append("Answer yes, no and why, or a JSON object with other arguments.")
    return "\n\n".join(parts)


def waiting_run(messages: list[Message]) -> str | None:
    """The run whose question the last message of the user answers, if there is one."""
    if len(messages) < 2 or messages[-1].role != "user" or messages[-2].role != "assistant":
        return None
    _, mark, run = messages[-2].content.rpartition(MARK)
    return run.strip() or None if mark else None


def reply_of(asks: Mapping[str, Any], text: str) -> dict[str, Any]:
    """An answer in words as `GivenReply` has it.

    Raises:
        ValueError: it is none, in words.
    """
    said, kind = text.strip(), asks["wants"]["kind"]
    word, _, why = said.partition(" ")
    word = word.casefold().rstrip(",.:;!")
    yes, no = word in ("y", "yes", "ok", "approve"), word in ("n", "no", "reject")
    if kind == "choice":
        return {"choose": said}
    if kind == "edit":
        return {"value": asks["value"]} if yes and not why else {"value": text}
    if kind in ("approval", "decision"):
        if yes:
            return {"approve": True, **({"comment": why} if why else {})}
        if no:
            return {"reject": why}
    if kind in ("form", "decision"):
        try:
            found = parse_json(said)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return {"form": found} if kind == "form" else {"value": found}
    raise ValueError("This is not an answer to the question.")
