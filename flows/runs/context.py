"""The `Context` that a node gets: streaming, progress, secrets, resources, sub-flows."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import (
    NO_TOKENS,
    Event,
    ModelTokens,
    NodeProgress,
    NodeStepped,
    NodeStreamed,
    NodeWaiting,
    NodeWarned,
    Tokens,
)
from patchbay.nodes.context import LANE, StepKind, in_lane
from patchbay.nodes.contract import InputField, Node, NodeError, Ports
from patchbay.nodes.threads import in_thread
from patchbay.nodes.values import SecretRef, Spec

if TYPE_CHECKING:
    from patchbay.flows.runs.node_steps import NodeSteps
    from patchbay.nodes.far_work import FarWork
    from patchbay.nodes.made_calls import ModelCall, ToolCall
    from patchbay.nodes.questions import Question, Reply
    from patchbay.nodes.remembered import Remembered

P = ParamSpec("P")
T = TypeVar("T")

SLOW_S = 0.1
"""Inside an item of a loop, a node gets a record of its own from this many seconds on."""

PROGRESS_EVERY_S = 0.1
"""Progress is passed on at most this often, in seconds."""


class SubflowRunner(Protocol):
    """Runs another saved flow inside this run."""

    def __call__(
        self, ctx: Tally, flow: str, inputs: Mapping[str, Any], path: str
    ) -> Awaitable[dict[str, Any]]:
        """Run `flow`; events of its nodes get `path` in front of their names."""


class Tally(Protocol):
    """What a sub-flow adds to: the tokens and the repeatability of the node that runs it."""

    tokens: Tokens
    repeatable: bool
    no_reuse: bool


@dataclass(slots=True)
class ItemTally:
    """What one run of a sub-flow adds up to that is kept as one record."""

    tokens: Tokens = NO_TOKENS
    repeatable: bool = True
    no_reuse: bool = False


class StepContext:
    """One node's view of the run. Also what the pool reports to while it opens something."""

    tokens = NO_TOKENS
    repeatable = True
    """Turns False when something inside gave a result that may differ next time."""
    no_reuse = False
    """Turns True when the result must not be used again, whatever the node's policy."""
    come_about: Callable[[], Ports] | None = None
    """Gives what there is when the run is stopped."""
    _kept: NodeSteps | None = None
    _cancelled: threading.Event | None = None
    _reported = ("", 0.0)
    _last: tuple[str, float, float | None] = ("", 0.0, None)
    _points: tuple[dict[str, float], ...] = ()
    """Figures that were measured since progress was passed on."""

    def __init__(
        self,
        path: str,
        env: Environment,
        emit: Callable[[Event], None],
        given: Mapping[str, Any],
        subflow: SubflowRunner,
        asks: Callable[[str], tuple[InputField, ...]],
        node: type[Node] = Node,
        digest: Callable[[str], str] = str,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.path = path
        self._digest = digest
        self._node = node
        self._asks = asks
        self._env, self._emit, self._given, self._subflow = env, emit, given, subflow
        self._tails: dict[str, str] = {}
        self._warned: set[str] = set()
        self._asked: dict[str, int] = {}
        self._loop = loop or asyncio.get_running_loop()
        self._thread = threading.get_ident()

    @property
    def cancelled(self) -> threading.Event:
        """Set when the run is being cancelled."""
        if self._cancelled is None:
            self._cancelled = threading.Event()
        return self._cancelled

    @property
    def folder(self) -> Path | None:
        """The folder of the flow."""
        return self._env.folder

    async def stream(self, port: str, piece: str) -> None:
        """Send a piece of an output. What may be the beginning of a secret waits for the rest."""
        if self._env.secrets.any_given:
            piece = self._env.secrets.redact_text(self._tails.pop(port, "") + piece)
            if held := self._env.secrets.held_back(piece):
                self._tails[port] = piece[-held:]
                piece = piece[:-held]
        if piece:
            self._emit(NodeStreamed(at=time.time(), node=self.path, port=port, piece=piece))

    def flush(self) -> None:
        """Send what `stream` held back."""
        for port, tail in self._tails.items():
            self._emit(NodeStreamed(at=time.time(), node=self.path, port=port, piece=tail))
        self._tails.clear()
        if self._points:
            self._tell(*self._last)

    def discard(self) -> None:
        """Forget what a failed try held back."""
        self._tails.clear()
        self._points = ()
        self._asked.clear()
        self.no_reuse = False

    def failed(self, error: BaseException) -> None:
        """A try failed: what it did is given again to the next one, in this process or later."""
        if self._kept is not None:
            self._kept.again(error)

    async def progress(
        self,
        label: str,
        done: float,
        total: float | None = None,
        points: Sequence[Mapping[str, float]] = (),
    ) -> None:
        """Say how far a slow step has come, and what was measured on the way."""
        if points:
            self._points += tuple(_finite(point) for point in points)
        self._report(label, done, total, bool(points))

    def so_far(self, give: Callable[[], Ports]) -> None:
        """Have what has come about kept if the run is stopped."""
        self.come_about = give

    @property
    def place(self) -> str:
        """How far it has come, in words; "" where that was not said."""
        label, done, total = self._last
        if not label or not done:
            return ""
        counted = f"{done:,.0f}" + (f" of {total:,.0f}" if total else "")
        return f"{self._env.secrets.redact_text(label)}: {counted}"

    async def warn(self, message: str) -> None:
        """Say something that the person should know, once: samples and items share a node."""
        if message not in self._warned:
            self._warned.add(message)
            self.warning(message)

    def use_once(self) -> None:
        """What the node gives now is not to be used again."""
        self.no_reuse = True

    def count_tokens(
        self,
        prompt: int,
        completion: int,
        first_token_s: float | None = None,
        generating_s: float = 0.0,
        *,
        model: str = "",
        cached: int = 0,
    ) -> None:
        """Add a request to the node's count."""
        models = (ModelTokens(model, prompt, cached, completion),) if model else ()
        self.tokens += Tokens(prompt, completion, first_token_s, generating_s, models)

    def called(self, call: ModelCall | ToolCall) -> None:
        """Tell the trace of the run, if it has one; from any thread."""
        if self._env.trace is not None:
            self._env.trace.called(self.path, call)

    def step(
        self,
        what: StepKind,
        text: str,
        *,
        who: str = "",
        tool: str = "",
        seconds: float | None = None,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
    ) -> None:
        """Say what an agent just did; from any thread."""
        event = NodeStepped(
            at=time.time(),
            node=self.path,
            what=what,
            text=self._env.secrets.redact_text(text),
            who=who,
            tool=tool,
            seconds=seconds,
            tokens=Tokens(prompt_tokens, completion_tokens),
        )
        if threading.get_ident() == self._thread:
            self._emit(event)
        else:
            with contextlib.suppress(RuntimeError):  # the run has ended, and its loop with it
                self._loop.call_soon_threadsafe(self._emit, event)

    async def ask(self, question: Question) -> Reply:
        """Ask a person: an answer that is there, or the end of this task until there is one."""
        from patchbay.flows.runs.asking import ask

        lane = "/".join(LANE.get())
        count = self._asked[lane] = self._asked.get(lane, 0) + 1
        place = self.path + (f"@{lane}" if lane else "") + (f"#{count}" if count > 1 else "")
        self.use_once()  # what a person said once is not said for the next run
        return await ask(self.path, place, question, self._env, self._emit)

    async def blocking(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking code in a thread that stops when the run does."""
        return await in_thread(fn, *args, stop=self.stop, **kwargs)

    def stop(self) -> None:
        """Tell blocking code that the run is being cancelled."""
        self.cancelled.set()

    @property
    def far_work(self) -> FarWork | None:
        """Where long work is done; None for here."""
        return self._env.far_work

    @property
    def recorded(self) -> bool:
        """Whether the run is recorded."""
        return self._env.journal is not None

    async def once(
        self,
        label: str,
        fn: Callable[..., Any],
        *args: Any,
        replay: bool = True,
        remade: bool = False,
    ) -> Any:
        """What `fn(*args)` gives, made once in a recorded run."""
        if self._env.journal is None:
            from patchbay.flows.runs.node_steps import called

            return await called(fn, args, self.blocking)
        return await self._steps().once(label, fn, args, replay=replay, remade=remade)

    def lane(self, name: str) -> AbstractContextManager[None]:
        """Work in a lane."""
        return in_lane(name)

    def _steps(self) -> NodeSteps:
        """The steps of this node. A node that makes none pays nothing."""
        if self._kept is None:
            from patchbay.flows.runs.node_steps import NodeSteps

            journal = self._env.journal
            assert journal is not None  # noqa: S101 - asked for by the callers
            maker = f"{self._node.kind} {self._node.version}.{self._node.edition}"
            self._kept = NodeSteps(
                journal, self.path, maker, self._env.secrets, self.warning, self.blocking
            )
        return self._kept

    def use(self, spec: Spec, *, slot: bool = True) -> AbstractAsyncContextManager[Any]:
        """Open a description and hold one of its slots, if one is wanted."""
        return self._env.pool.use(spec, self, slot=slot)

    @property
    def memory(self) -> Remembered:
        """What is kept of the run's thread, flow and person."""
        from patchbay.flows.runs.remembering import Remembering

        return Remembering.of(self._env)

    def secret(self, ref: SecretRef) -> str:
        """A secret's value."""
        return self._env.secrets.get(ref)

    def flow_input(self, name: str) -> Any:
        """The value given for a flow input."""
        if name not in self._given:
            raise NodeError(
                f"The flow input {name!r} has no value.",
                fix=f'Give one: "{name}" (on the command line --input {name}=…).',
                code="input/missing",
                retry=False,
            )
        return self._given[name]

    def flow_asks(self, flow: str) -> tuple[InputField, ...]:
        """The inputs that another saved flow asks for."""
        return self._asks(flow)

    def side_by_side(self, wanted: int) -> int:
        """How many calls of other flows should be under way at once."""
        return self._env.side_by_side(wanted)

    async def run_flow(
        self, flow: str, inputs: Mapping[str, Any], *, label: str = ""
    ) -> dict[str, Any]:
        """Run another saved flow and return its outputs."""
        path = f"{self.path}/{label}" if label else self.path
        if not label or self._env.journal is None:
            return await self._subflow(self, flow, inputs, path)
        digest = self._digest(flow)
        return await self._steps().item(self, self._subflow, path, flow, digest, inputs)

    # --- the pool's watcher -----------------------------------------------------------------

    def opening(self, label: str, done: float, total: float | None) -> None:
        """Progress of an opening; comes from another thread."""
        with contextlib.suppress(RuntimeError):  # this run has ended; another waits for the opening
            self._loop.call_soon_threadsafe(self._report, label, done, total)

    def waiting(self, resource: str, position: int) -> None:
        """All slots are taken."""
        self._emit(
            NodeWaiting(at=time.time(), node=self.path, resource=resource, position=position)
        )

    def warning(self, message: str) -> None:
        """Something the person should know."""
        text = self._env.secrets.redact_text(message)
        self._emit(NodeWarned(at=time.time(), node=self.path, message=text))

    def _report(self, label: str, done: float, total: float | None, measured: bool = False) -> None:
        last_label, last_at = self._reported
        now = time.monotonic()
        self._last = (label, done, total)
        # The label of a step that was measured names its figures: each is another.
        same = measured or label == last_label
        if same and done != total and now - last_at < PROGRESS_EVERY_S:
            return
        self._reported = (label, now)
        self._tell(label, done, total)

    def _tell(self, label: str, done: float, total: float | None) -> None:
        points, self._points = self._points, ()
        text = self._env.secrets.redact_text(label)
        self._emit(
            NodeProgress(
                at=time.time(), node=self.path, label=text, done=done, total=total, points=points
            )
        )


def _finite(point: Mapping[str, float]) -> dict[str, float]:
    """What can be drawn of a point, and stands in JSON."""
    return {name: value for name, value in point.items() if math.isfinite(value)}
