"""How far a run is, added up from its events: what pages show and browsers are told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from patchbay.flows.problems import Problem
from patchbay.flows.runs.events import (
    Event,
    NodeAnswered,
    NodeAsked,
    NodeFailed,
    NodeFinished,
    NodeProgress,
    NodeRetrying,
    NodeSkipped,
    NodeStarted,
    NodeStepped,
    NodeStopped,
    NodeStreamed,
    NodeWaiting,
    NodeWarned,
    RunCancelled,
    RunEnd,
    RunFailed,
    RunFinished,
    RunStarted,
    RunWaiting,
    RunWarned,
    Tokens,
    as_json,
)
from patchbay.flows.runs.past_events import event_of
from patchbay.nodes.units import duration, pace
from patchbay.nodes.values import encode
from patchbay.studio.runs.steps import step_of, told_tokens

TEXT_LIMIT = 20_000
"""Characters of streamed text that are repeated to a page that joins late."""
COUNTED = 1_000_000
"""Below it a total counts things, which are told; above, bytes, of which the share says enough."""
SURE_S = 3.0
"""Seconds after which a pace says something."""
LOOK = 120
"""Characters of what a question is about that stand on the node."""
POINTS = 500
"""Figures measured on the way that are kept for pages, spread over all of them."""
STEPS = 400
"""Steps of an agent that are kept for pages, the latest; the history has all."""

Followed = (
    NodeStarted
    | NodeProgress
    | NodeWarned
    | NodeWaiting
    | NodeAsked
    | NodeAnswered
    | NodeRetrying
    | NodeFinished
    | NodeSkipped
    | NodeStopped
    | NodeFailed
)
"""Events that change what is shown of a node; the others add to it."""


@dataclass
class Pace:
    """How fast something goes that tells how far it is: so that the time left can be told."""

    label: str = ""
    since: float = 0.0
    """Unix time in seconds when it was first heard of, and how far it was then."""
    before: float = 0.0

    def words(self, event: NodeProgress) -> str:
        """`Embedding 80 of 400, 20%, 28 a second, 11 s left`; what is not known is left out."""
        if event.label != self.label or event.done < self.before:
            self.label, self.since, self.before = event.label, event.at, event.done
        if not event.total:
            return event.label
        counted = f" {event.done:,.0f} of {event.total:,.0f}," if event.total < COUNTED else ""
        words = f"{event.label}{counted} {event.done / event.total:.0%}"
        passed, done = event.at - self.since, event.done - self.before
        if passed < SURE_S or done <= 0 or event.done >= event.total:
            return words
        left = duration(max(1.0, (event.total - event.done) * passed / done))
        rate = f" {pace(done / passed)}," if counted else ""
        return f"{words},{rate} {left} left"


@dataclass
class NodeState:
    """One node of a run. `status` is one of the words of the canvas."""

    status: str = "queued"
    started: float = 0.0
    seconds: float | None = None
    tokens: Tokens = field(default_factory=Tokens)
    text: str = ""
    message: str = ""
    pace: Pace = field(default_factory=Pace)
    share: float | None = None
    """How much of what it is at is done, from 0 to 1, where that is known."""
    points: list[dict[str, float]] = field(default_factory=list)
    """Figures that were measured on the way, each with its `step`; of many only some."""
    warnings: list[str] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    """What an agent did, as `patchbay.studio.runs.steps.step_of` tells it."""
    outputs: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    problem: dict[str, Any] | None = None

    def measured(self, points: Iterable[dict[str, float]]) -> None:
        """Figures that were measured. Of more than are drawn, every second one is forgotten."""
        self.points = [*self.points, *points]
        while len(self.points) > POINTS:
            self.points = self.points[:-1:2] + self.points[-1:]

    def goes_on(self) -> None:
        """It does something, so it waits no longer."""
        if self.status == "waiting":
            self.status, self.message = "running", ""

    def message_of(self, node: str) -> dict[str, Any]:
        """What a browser needs to draw it."""
        told: dict[str, Any] = {"node": node, "status": self.status}
        for name in ("seconds", "message"):
            if getattr(self, name) not in (None, ""):
                told[name] = getattr(self, name)
        told |= told_tokens(self.tokens)
        if self.status == "running" and self.started:
            told["since"] = self.started
        if self.status == "running" and self.share is not None:
            told["share"] = round(self.share, 3)
        if self.warnings:
            told["warned"] = len(self.warnings)
        return told


@dataclass
class Progress:
    """A run: its nodes by path, its outputs, how it ended. Outputs are in their stored form."""

    status: str = "running"
    started: float = 0.0
    seconds: float = 0.0
    tokens: Tokens = field(default_factory=Tokens)
    nodes: dict[str, NodeState] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    problem: dict[str, Any] | None = None
    failed: tuple[str, ...] = ()
    questions: dict[str, NodeAsked] = field(default_factory=dict)
    """What people are asked and have not answered, by the question's id."""
    warnings: list[str] = field(default_factory=list)
    """What is to be known of the run as a whole; that of a node stands with it."""
    recorded: bool = False
    """Whether its events come out of the history, so that values are in their stored form."""

    def begin(self, at: float, nodes: Iterable[str] = ()) -> None:
        """The run has been accepted."""
        self.started = at
        self.nodes = {}

    def node(self, path: str) -> NodeState:
        """The progress of a node."""
        return self.nodes.setdefault(path, NodeState())

    def take(self, event: Event) -> dict[str, Any] | None:
        """Follow an event. Returns what browsers should hear, or None."""
        if isinstance(event, RunStarted):
            self.started = event.at
            return None
        if isinstance(event, RunWarned):
            self.warnings.append(event.message)
            return {"run": self.summary(event.run)}
        if isinstance(event, RunEnd):
            self._end(event)
            return None
        node = self.node(event.node)
        if isinstance(event, NodeStreamed):
            node.goes_on()
            node.text = (node.text + event.piece)[-TEXT_LIMIT:]
            return {"node": event.node, "status": "running", "text": event.piece}
        if isinstance(event, NodeStepped):
            node.goes_on()
            step = step_of(as_json(event))
            node.steps = [*node.steps[1 - STEPS :], step]
            return {**node.message_of(event.node), "step": step}
        had = bool(node.points)
        self._follow(node, event)
        told = node.message_of(event.node)
        if isinstance(event, NodeProgress) and event.points:
            told["points"] = list(event.points)
        if isinstance(event, (NodeStarted, NodeRetrying)):
            told |= {"text_all": "", "points_all": []} if had else {"text_all": ""}
        return told

    def _follow(self, node: NodeState, event: Followed) -> None:
        match event:
            case NodeStarted():
                node.status, node.started, node.text, node.message = "running", event.at, "", ""
                node.points, node.share = [], None
            case NodeProgress():
                node.status = "running"
                node.share = min(1.0, event.done / event.total) if event.total else None
                node.message = node.pace.words(event)
                node.measured(event.points)
            case NodeWarned():
                node.warnings.append(event.message)
            case NodeWaiting():
                node.status = "waiting"
                node.message = waiting_words(event.resource, event.position)
            case NodeAsked():
                node.status, node.message = "asking", asked_words(event.asks)
                self.questions[event.question] = event
            case NodeAnswered():
                self.questions.pop(event.question, None)
                node.message = f"{event.author} answered."
            case NodeRetrying():
                node.text, node.points, node.share = "", [], None
                node.message = f"Tries again: {event.problem.message}"
            case NodeFinished():
                node.status = "done" if event.source == "run" else "cached"
                node.seconds, node.tokens = event.seconds, event.tokens
                node.outputs = self._kept(event.outputs)
                node.message = ""
            case NodeSkipped():
                node.status, node.message = "skipped", event.reason
            case NodeStopped():
                node.status, node.message = "cancelled", event.message
                node.seconds, node.tokens = event.seconds, event.tokens
                node.outputs = self._kept(event.outputs)
            case NodeFailed():
                node.status, node.seconds = "failed", event.seconds
                node.message, node.problem = event.problem.message, event.problem.as_dict()
                node.inputs = self._kept(event.inputs)
            case _:
                assert_never(event)

    def _kept(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value if self.recorded else encode(value) for name, value in values.items()}

    def _end(self, event: RunEnd) -> None:
        self.seconds, self.tokens = event.seconds, event.tokens
        match event:
            case RunFinished():
                self.status, self.failed = "finished", event.failed
                self.outputs = self._kept(event.outputs)
            case RunFailed():
                self.status, self.problem = "failed", event.problem.as_dict()
            case RunCancelled():
                self.status = "cancelled"
            case RunWaiting():
                self.status = "waiting"
                return self._sleep(event)
            case _:
                assert_never(event)
        self._stopped()

    def _stopped(self) -> None:
        """Nothing of it is at work any more, and nobody is asked."""
        self.questions.clear()
        for node in self.nodes.values():
            if node.status in ("running", "waiting", "asking", "queued"):
                node.status, node.message = "cancelled", ""

    def _sleep(self, event: RunWaiting) -> None:
        """What is left waits for people, or for nodes that do."""
        open_ones = set(event.questions)
        self.questions = {q: asked for q, asked in self.questions.items() if q in open_ones}
        for node in self.nodes.values():
            if node.status in ("running", "waiting"):
                node.status, node.message = "asking", "It waits for an answer."

    def broke(self, words: str) -> None:
        """The run ended by a defect."""
        self.status = "failed"
        self.problem = Problem("run/defect", words, "Please report this.").as_dict()

    @property
    def state(self) -> str:
        """The status; of a run that works while it asks people, with how many questions."""
        if self.status == "running" and self.questions:
            return f"asking-{len(self.questions)}"
        return self.status

    def catch_up(self, status: str, events: Iterable[Mapping[str, Any]]) -> None:
        """The run went on in another process: all that is recorded of it now, in JSON form."""
        past = Progress(recorded=True)
        for recorded in events:
            if (event := event_of(recorded)) is not None:
                past.take(event)
        if status in ("cancelled", "interrupted"):
            past._stopped()
        for path, node in past.nodes.items():
            if path in self.nodes:
                node.points = self.nodes[path].points  # nobody records them
        self.nodes = {**self.nodes, **past.nodes}
        self.questions = past.questions
        self.warnings = list(dict.fromkeys([*self.warnings, *past.warnings]))
        if past.status != "running":
            self.seconds, self.tokens = past.seconds, past.tokens
            self.outputs, self.problem, self.failed = past.outputs, past.problem, past.failed
        self.status = status  # last: whoever sees it sees the rest

    def summary(self, run_id: str) -> dict[str, Any]:
        """The run as a whole, for browsers."""
        told: dict[str, Any] = {"id": run_id, "status": self.state, "started": self.started}
        if self.warnings:
            told["warnings"] = list(self.warnings)
        if self.status != "running":
            told |= {"seconds": round(self.seconds, 3), **told_tokens(self.tokens)}
            if self.problem:
                told["message"] = self.problem.get("message", "")
        return told

    def messages(self, run_id: str) -> list[dict[str, Any]]:
        """All that a browser which joins now should hear."""
        told: list[dict[str, Any]] = [{"reset": True, "run": self.summary(run_id)}]
        for path, node in self.nodes.items():
            one = node.message_of(path)
            if node.text and node.status in ("running", "waiting"):
                one["text_all"] = node.text
            if node.steps:
                one["steps_all"] = node.steps
            if node.points:
                one["points_all"] = node.points
            told.append(one)
        return told


def asked_words(asks: Mapping[str, Any]) -> str:
    """`Send it? Dear Ada …`: a question and the beginning of what to look at."""
    value = asks["value"]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = "" if value is None else " ".join(text.split())
    return f"{asks['title']} {shown[:LOOK]}{'…' if len(shown) > LOOK else ''}".strip()


def waiting_words(resource: str, position: int) -> str:
    """`Waits for chat model, 2 before it`. `position` counts from 1."""
    before = position - 1
    return f"Waits for {resource}" + (f", {before} before it" if before else ", next in line")
