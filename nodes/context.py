"""What a node may ask of the run. Implemented by the engine, passed to `Node.run`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar

from patchbay.nodes.input_field import InputField
from patchbay.nodes.values import SecretRef, Spec

if TYPE_CHECKING:
    from patchbay.nodes.far_work import FarWork
    from patchbay.nodes.made_calls import ModelCall, ToolCall
    from patchbay.nodes.ports import Ports
    from patchbay.nodes.questions import Question, Reply
    from patchbay.nodes.remembered import Remembered

P = ParamSpec("P")
T = TypeVar("T")

StepKind = Literal["thought", "tool call", "tool result", "delegation", "answer", "note"]
"""What an agent can do in a step."""

LANE: ContextVar[tuple[str, ...]] = ContextVar("lane", default=())
"""Where in a node the code at hand works: the names of its lanes, from the outside in."""

IDEMPOTENCY_KEY: ContextVar[str] = ContextVar("idempotency key", default="")
"""The key of the step at hand, the same whenever it is made again; "" where nothing is recorded.

What changes something elsewhere by HTTP sends it as `Idempotency-Key`.
"""


PIECEWISE: ContextVar[bool] = ContextVar("piecewise", default=True)
"""Whether somebody may read an answer while it is written; else it may come in few pieces."""


@contextlib.contextmanager
def unread() -> Iterator[None]:
    """Work where nobody reads answers while they are written."""
    before = PIECEWISE.set(False)
    try:
        yield
    finally:
        PIECEWISE.reset(before)


@contextlib.contextmanager
def in_lane(name: str) -> Iterator[None]:
    """Work in a lane of the one at hand. See `Context.lane`."""
    before = LANE.set((*LANE.get(), name))
    try:
        yield
    finally:
        LANE.reset(before)


def lane_at_hand() -> str:
    """The name of the innermost lane; "" outside of any."""
    return LANE.get()[-1].rpartition("/")[2] if LANE.get() else ""


class Context(Protocol):
    """What a node needs from the run. Implemented by the engine, passed to `run`."""

    @property
    def cancelled(self) -> threading.Event:
        """Set when the run is being cancelled; blocking code should look at it now and then."""

    @property
    def folder(self) -> Path | None:
        """The folder of the flow, where relative paths in params start; None: it has none."""

    async def stream(self, port: str, piece: str) -> None:
        """Send a piece of text that will be part of the output `port`."""

    async def progress(
        self,
        label: str,
        done: float,
        total: float | None = None,
        points: Sequence[Mapping[str, float]] = (),
    ) -> None:
        """Say how far a slow step has come.

        Args:
            label: what is being done.
            done: how much of it is over.
            total: how much there is; None where that is not known.
            points: figures that were measured on the way, each with the `step` that it belongs to,
                such as `{"step": 3, "loss": 1.7}`. They are drawn as curves while the node works;
                what is to be kept belongs in an output. Quick ones are told together.
        """

    def so_far(self, give: Callable[[], Ports]) -> None:
        """Have what has come about kept, and marked, if the run is stopped while the node works.

        Args:
            give: makes the outputs of what there is at that moment, quickly; called at most once,
                and only then. A node that has said so before says it anew.
        """

    async def warn(self, message: str) -> None:
        """Say something that the person should know although the node goes on."""

    def use_once(self) -> None:
        """Say that what the node gives now is not to be used again, such as half an answer.

        It is not kept in the cache, not even where the person pins the result.
        """

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
        """Add a request to the node's count: tokens read and written.

        Args:
            prompt: tokens read.
            completion: tokens written.
            first_token_s: seconds from the request to the first token.
            generating_s: seconds from the first token to the last.
            model: which model, by the name that it has in a table of prices.
            cached: those of the tokens read that its provider had kept from before.
        """

    def called(self, call: ModelCall | ToolCall) -> None:
        """Tell of a call of a model or a tool that has ended, for traces. Where nobody traces the
        run it is dropped. May be called from any thread."""

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
        """Say what an agent inside this node just did. May be called from any thread.

        Args:
            what: the kind of step.
            text: the thought, the arguments or result of a tool call, the answer.
            who: the role whose step it is.
            tool: the tool that is called.
            seconds: how long the step took.
            prompt_tokens: tokens read for it.
            completion_tokens: tokens written for it.
        """

    async def ask(self, question: Question) -> Reply:
        """Ask a person, and go on with the answer.

        While there is none, the task of the node ends here: it holds no thread, no slot and no
        memory, and what it opened is let go of. The node begins anew when there is an answer, and
        this call then gives it. Whatever must not happen twice goes through `once`.

        Questions that are asked side by side in one node each stand in a `lane` of their own;
        within a lane they count in their order.

        Args:
            question: what is asked. Asked otherwise after a pause, it is another question.

        Raises:
            NodeError: nobody answered in time, and there is no default; or nobody can be asked.
        """

    async def blocking(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking code in a thread. Cancelling the run raises in that thread."""

    @property
    def far_work(self) -> FarWork | None:
        """Where long work is done for whole processes of its own; None for in this one."""

    @property
    def recorded(self) -> bool:
        """Whether the run is recorded, so that steps are kept."""

    async def once(
        self,
        label: str,
        fn: Callable[..., Any],
        *args: Any,
        replay: bool = True,
        remade: bool = False,
    ) -> Any:
        """What `fn(*args)` gives, made once in a recorded run: for mail, rows, what costs money.

        It is on the disk before it is returned. When the node runs again in the same run, after a
        kill, a failure or an answer, the step at the same place with the same label and arguments
        gives its stored result. Where nothing is recorded `fn` is just called.

        Calls of models and tools go through it by themselves. `fn` may be a coroutine function; a
        plain one is called in a thread. While it runs, `IDEMPOTENCY_KEY` holds a key that stays the
        same: a kill after its effect and before it is on the disk repeats that one step.

        Args:
            label: what it is, in words.
            fn: makes it. What it gives must be JSON, bytes, tuples, or values of a port.
            args: for `fn`, of the same types; they are compared.
            replay: False for what goes stale, such as the time. Its result counts only where a
                later step was built on it.
            remade: whether a retry makes it anew where the node failed by what came of its steps
                and not in one of them.

        Raises:
            NodeError: an argument or the result cannot be stored.
        """

    def lane(self, name: str) -> AbstractContextManager[None]:
        """Work in a lane: calls side by side whose order may change need a name each.

        A step is known by its lanes and its number within them, counted as steps begin.
        """

    def use(self, spec: Spec, *, slot: bool = True) -> AbstractAsyncContextManager[Any]:
        """Open a description (once per process) and hold one of its slots.

        Without a `slot` it is only kept open: for agents and others that call now and then.
        What was opened queues calls by itself.
        """

    @property
    def memory(self) -> Remembered:
        """What is kept of the run's thread, flow and person. Its methods block."""

    def secret(self, ref: SecretRef) -> str:
        """A secret's value. Raises `NodeError` when it is not set."""

    def flow_input(self, name: str) -> Any:
        """The value given for a flow input."""

    def flow_asks(self, flow: str) -> tuple[InputField, ...]:
        """The inputs that another saved flow asks for. Raises `NodeError` where it is broken."""

    def side_by_side(self, wanted: int) -> int:
        """How many calls of other flows should be under way at once: as many as are wanted, and
        more where they run on other machines."""

    async def run_flow(
        self, flow: str, inputs: Mapping[str, Any], *, label: str = ""
    ) -> dict[str, Any]:
        """Run another saved flow and return its outputs. `label` tells calls of one node apart."""
