"""What happens during a run: the only channel to the command line, the studio and history.

`node` is the path of a node: its id, or `outer/inner` and `outer/item/inner` inside a sub-flow.
`at` is Unix time in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from patchbay.flows.problems import Problem
from patchbay.nodes.context import StepKind
from patchbay.nodes.values import encode


@dataclass(frozen=True, slots=True)
class ModelTokens:
    """Tokens of one model; `cached` are those of `prompt` that its provider had kept."""

    model: str
    prompt: int
    cached: int
    completion: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens read and written by models, and how fast."""

    prompt: int = 0
    completion: int = 0
    first_token_s: float | None = None
    """Seconds from the first request to its first token."""
    generating_s: float = 0.0
    """Seconds from first to last token, added up over all requests."""
    models: tuple[ModelTokens, ...] = ()
    """Those that are known to be of a certain model, each once."""

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Tokens:
        """Tokens from their plain form."""
        models = tuple(ModelTokens(**one) for one in stored.get("models", ()))
        return cls(**{**stored, "models": models})

    @property
    def total(self) -> int:
        """Both together."""
        return self.prompt + self.completion

    @property
    def per_second(self) -> float | None:
        """Tokens written per second of generating, or None where that is not known."""
        return self.completion / self.generating_s if self.generating_s > 0 else None

    def __add__(self, other: Tokens) -> Tokens:
        if other is NO_TOKENS:  # most nodes ask no model, and each is added up several times
            return self
        if self is NO_TOKENS:
            return other
        first = other.first_token_s if self.first_token_s is None else self.first_token_s
        return Tokens(
            self.prompt + other.prompt,
            self.completion + other.completion,
            first,
            self.generating_s + other.generating_s,
            _added(self.models, other.models),
        )

    def since(self, before: Tokens) -> Tokens:
        """What was added to `before` to get these; models that were asked only before have 0."""
        first = self.first_token_s if before.first_token_s is None else None
        less = (ModelTokens(m.model, -m.prompt, -m.cached, -m.completion) for m in before.models)
        return Tokens(
            self.prompt - before.prompt,
            self.completion - before.completion,
            first,
            self.generating_s - before.generating_s,
            _added(self.models, tuple(less)),
        )

    def as_dict(self) -> dict[str, Any]:
        """The plain form; times and models only where they are known."""
        told: dict[str, Any] = {"prompt": self.prompt, "completion": self.completion}
        if self.first_token_s is not None:
            told["first_token_s"] = round(self.first_token_s, 4)
        if self.generating_s:
            told["generating_s"] = round(self.generating_s, 4)
        if self.models:
            told["models"] = [asdict(one) for one in self.models]
        return told


NO_TOKENS = Tokens()
"""What most nodes use."""


def _added(
    ours: tuple[ModelTokens, ...], theirs: tuple[ModelTokens, ...]
) -> tuple[ModelTokens, ...]:
    if not ours or not theirs:
        return ours or theirs
    found = {one.model: one for one in ours}
    for one in theirs:
        had = found.get(one.model, ModelTokens(one.model, 0, 0, 0))
        found[one.model] = ModelTokens(
            one.model,
            had.prompt + one.prompt,
            had.cached + one.cached,
            had.completion + one.completion,
        )
    return tuple(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The flow is valid and its inputs are accepted."""

    type: Literal["run_started"] = "run_started"
    at: float
    run: str
    flow: str
    inputs: dict[str, Any]
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWarned:
    """Something the person should know of the run as a whole, although it goes on."""

    type: Literal["run_warned"] = "run_warned"
    at: float
    run: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStarted:
    """A try of a node begins. `attempt` counts from 1."""

    type: Literal["node_started"] = "node_started"
    at: float
    node: str
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStreamed:
    """A piece of text that will be part of an output."""

    type: Literal["node_streamed"] = "node_streamed"
    at: float
    node: str
    port: str
    piece: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeProgress:
    """How far a slow step has come; `total` is None where it is not known.

    `points` are figures that were measured on the way, such as the loss of each step, since the
    event before: each has the `step` that it belongs to, and numbers by their names.
    """

    type: Literal["node_progress"] = "node_progress"
    at: float
    node: str
    label: str
    done: float
    total: float | None
    points: tuple[dict[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWarned:
    """Something the person should know although the node goes on."""

    type: Literal["node_warned"] = "node_warned"
    at: float
    node: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWaiting:
    """The node waits for a slot of a resource. `position` counts from 1."""

    type: Literal["node_waiting"] = "node_waiting"
    at: float
    node: str
    resource: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStepped:
    """An agent inside the node thought, called a tool, delegated or answered.

    `who` is its role, `seconds` and `tokens` are those of the step where they are known.
    """

    type: Literal["node_stepped"] = "node_stepped"
    at: float
    node: str
    what: StepKind
    text: str
    who: str = ""
    tool: str = ""
    seconds: float | None = None
    tokens: Tokens = Tokens()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAsked:
    """The node asks a person, and its task ends until there is an answer.

    `question` is its id within the run, `asks` the stored form of a `nodes.questions.Question`,
    `until` when it is too late (Unix time in seconds).
    """

    type: Literal["node_asked"] = "node_asked"
    at: float
    node: str
    question: str
    asks: dict[str, Any]
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAnswered:
    """Somebody answered; `answer` is the stored form of a `nodes.questions.Reply`.

    `at` is when. The node begins anew, with what it had done before kept.
    """

    type: Literal["node_answered"] = "node_answered"
    at: float
    node: str
    question: str
    author: str
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRetrying:
    """A try failed and another follows after `wait_s` seconds. What was streamed is void."""

    type: Literal["node_retrying"] = "node_retrying"
    at: float
    node: str
    attempt: int
    wait_s: float
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFinished:
    """A node has its outputs. `source` tells whether they were computed now."""

    type: Literal["node_finished"] = "node_finished"
    at: float
    node: str
    seconds: float
    source: Literal["run", "cache", "resumed", "pinned"]
    tokens: Tokens
    outputs: dict[str, Any]
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSkipped:
    """A node did not run, and why."""

    type: Literal["node_skipped"] = "node_skipped"
    at: float
    node: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStopped:
    """The run was stopped while the node worked; `outputs` are what had come about by then.

    Only of nodes that give what there is, such as the finished items of a loop. Nothing is built
    on it: the node is done anew, or goes on from its journal, when the run is resumed.
    """

    type: Literal["node_stopped"] = "node_stopped"
    at: float
    node: str
    seconds: float
    tokens: Tokens
    message: str
    outputs: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed:
    """A node failed for good. `inputs` are the values that went in."""

    type: Literal["node_failed"] = "node_failed"
    at: float
    node: str
    seconds: float
    problem: Problem
    inputs: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run has its outputs. `failed` names nodes that failed and were told to continue."""

    type: Literal["run_finished"] = "run_finished"
    at: float
    run: str
    seconds: float
    tokens: Tokens
    outputs: dict[str, Any]
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    """The run ended because of a problem."""

    type: Literal["run_failed"] = "run_failed"
    at: float
    run: str
    seconds: float
    tokens: Tokens
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCancelled:
    """Somebody stopped the run."""

    type: Literal["run_cancelled"] = "run_cancelled"
    at: float
    run: str
    seconds: float
    tokens: Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWaiting:
    """All that is left waits for people; the run has ended until somebody answers.

    It has neither failed nor been cancelled. `questions` are the ids of those that are open.
    """

    type: Literal["run_waiting"] = "run_waiting"
    at: float
    run: str
    seconds: float
    tokens: Tokens
    questions: tuple[str, ...] = ()


NodeEvent = (
    NodeStarted
    | NodeStreamed
    | NodeProgress
    | NodeWarned
    | NodeWaiting
    | NodeStepped
    | NodeAsked
    | NodeAnswered
    | NodeRetrying
    | NodeFinished
    | NodeSkipped
    | NodeFailed
    | NodeStopped
)
RunEnd = RunFinished | RunFailed | RunCancelled | RunWaiting
Event = RunStarted | RunWarned | NodeEvent | RunEnd
"""Every event, discriminated by `type`.

Whoever follows a run matches them all and ends in `assert_never`: a new event that one of them
forgets is found by the type checker. `tests/test_exhaustive.py` sees it do so.
"""


def as_json(event: Event) -> dict[str, Any]:
    """The plain JSON form of an event, values encoded."""
    return {f.name: _plain(getattr(event, f.name)) for f in fields(event)}


def _plain(value: Any) -> Any:
    if isinstance(value, Problem):
        return value.as_dict()
    if isinstance(value, Tokens):
        return value.as_dict()
    if isinstance(value, tuple):
        return list(value)
    return encode(value)
