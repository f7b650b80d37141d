"""For tests of nodes, of plugins too: run one without an engine, over a scripted model.

from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node

model = ScriptedModel(lines=(("capital of France", "Paris."),))
outputs = run_node(MyNode, {"style": "short"}, {"model": model, "text": "…"})
"""

from __future__ import annotations

import asyncio
import inspect
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from patchbay.nodes.context import in_lane
from patchbay.nodes.contract import UNSET, InputField, Node, NodeError, Ports
from patchbay.nodes.errors import Suspended
from patchbay.nodes.far_work import FarWork
from patchbay.nodes.questions import Question, Reply, checked
from patchbay.nodes.remembered import Fact, Remembered, Scope, Summary
from patchbay.nodes.values import ModelSpec, Opening, SecretRef, Spec

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from patchbay.nodes.made_calls import ModelCall, ToolCall

SubFlow = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


@dataclass
class RecordingContext:
    """Does what the engine's context does and keeps what the node said."""

    flow_inputs: Mapping[str, Any] = field(default_factory=dict)
    flows: Mapping[str, SubFlow] = field(default_factory=dict)
    asks: Mapping[str, tuple[InputField, ...]] = field(default_factory=dict)
    """The inputs that other flows ask for."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)
    streamed: list[tuple[str, str]] = field(default_factory=list)
    progressed: list[tuple[str, float, float | None]] = field(default_factory=list)
    points: list[Mapping[str, float]] = field(default_factory=list)
    """Figures that were told on the way."""
    warnings: list[str] = field(default_factory=list)
    folder: Path | None = None
    calls: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token_s: float | None = None
    steps: list[tuple[str, str, str]] = field(default_factory=list)
    """What, text and who of the steps of agents."""
    made_calls: list[ModelCall | ToolCall] = field(default_factory=list)
    """The calls of models and tools that have ended."""
    opened: list[Any] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    """What people will answer: values, or `Reply`s, one after another."""
    questions: list[Question] = field(default_factory=list)
    """What people were asked."""
    come_about: Callable[[], Ports] | None = None
    """What the node has come to, as it would be kept if the run were stopped."""
    used_once: bool = False
    """Whether the node said that its result is not to be used again."""

    memory: Remembered = field(default_factory=lambda: RememberedHere())
    far_work: FarWork | None = None
    """Where long work is done; None for here."""

    async def stream(self, port: str, piece: str) -> None:
        self.streamed.append((port, piece))

    async def progress(
        self,
        label: str,
        done: float,
        total: float | None = None,
        points: Sequence[Mapping[str, float]] = (),
    ) -> None:
        self.progressed.append((label, done, total))
        self.points += points

    def so_far(self, give: Callable[[], Ports]) -> None:
        self.come_about = give

    async def warn(self, message: str) -> None:
        if message not in self.warnings:
            self.warnings.append(message)

    def use_once(self) -> None:
        self.used_once = True

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
        self.prompt_tokens += prompt
        self.completion_tokens += completion
        self.first_token_s = first_token_s

    def called(self, call: ModelCall | ToolCall) -> None:
        self.made_calls.append(call)

    def step(self, what: str, text: str, *, who: str = "", **facts: Any) -> None:
        self.steps.append((what, text, who))

    async def ask(self, question: Question) -> Reply:
        self.questions.append(question)
        if not self.answers:
            raise Suspended(("question",))
        given = self.answers.pop(0)
        answer = given if isinstance(given, Reply) else Reply(given, "ada", 0.0)
        return replace(answer, value=checked(question, answer.value))

    async def blocking(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(fn, *args, **kwargs)

    recorded: bool = False
    """A run that nobody records: steps are just made."""

    async def once(
        self,
        label: str,
        fn: Callable[..., Any],
        *args: Any,
        replay: bool = True,
        remade: bool = False,
    ) -> Any:
        if inspect.iscoroutinefunction(fn):
            return await fn(*args)
        result = await self.blocking(fn, *args)
        return await result if inspect.isawaitable(result) else result

    def lane(self, name: str) -> AbstractContextManager[None]:
        return in_lane(name)

    @asynccontextmanager
    async def use(self, spec: Spec, *, slot: bool = True) -> AsyncIterator[Any]:
        opened = await asyncio.to_thread(spec.open, self)
        try:
            yield opened
        finally:
            if callable(close := getattr(opened, "close", None)):
                await asyncio.to_thread(close)

    def open(self, spec: Spec) -> Any:
        """Open a part of what is being opened."""
        self.opened.append(opened := spec.open(self))
        return opened

    def report(self, label: str, done: float, total: float | None) -> None:
        """What an opening reports (the context is the `Opening`, too)."""
        self.progressed.append((label, done, total))

    def secret(self, ref: SecretRef) -> str:
        if ref.secret not in self.secrets:
            raise NodeError(f"The secret {ref.secret} is not set.", code="secret/missing")
        return self.secrets[ref.secret]

    def flow_input(self, name: str) -> Any:
        return self.flow_inputs[name]

    def flow_asks(self, flow: str) -> tuple[InputField, ...]:
        return self.asks.get(flow, ())

    def side_by_side(self, wanted: int) -> int:
        return wanted

    async def run_flow(
        self, flow: str, inputs: Mapping[str, Any], *, label: str = ""
    ) -> dict[str, Any]:
        self.calls.append((flow, dict(inputs), label))
        return await self.flows[flow](inputs)


class RememberedHere:
    """What a context of a test remembers: in this process, of one thread, flow and person."""

    def __init__(self) -> None:
        self.kept: dict[str, list[Fact]] = {}
        self.summaries: dict[str, Summary] = {}

    def store(self, scope: Scope, fact: Fact) -> bool:
        known = self.kept.setdefault(scope, [])
        new = all(one.text != fact.text for one in known)
        self.kept[scope] = [one for one in known if one.text != fact.text] + [fact]
        return new

    def facts(self, scope: Scope) -> list[Fact]:
        return list(self.kept.get(scope, []))

    def summary(self, node: str) -> Summary | None:
        return self.summaries.get(node)

    def keep_summary(self, node: str, summary: Summary) -> None:
        self.summaries[node] = summary


def run_node(
    node: type[Node],
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    ctx: RecordingContext | None = None,
) -> dict[str, Any]:
    """Run one node as the engine would, and check every output against its declared type."""
    checked = node.Params.model_validate(params or {})
    ports = node.input_ports(checked)(**(inputs or {}))
    outputs = asyncio.run(node().run(ports, checked, ctx or RecordingContext()))
    assert_declared(node.output_ports(checked), outputs)
    return outputs.as_dict()


def assert_declared(declared: type[Ports], outputs: Ports) -> None:
    """Every output that is set is a declared port and of the declared type."""
    for name, value in outputs.as_dict().items():
        if name not in declared.declared:
            raise AssertionError(f"{name} is not a declared output")
        if value is not UNSET and not declared.declared[name].type.accepts(value):
            raise AssertionError(f"{name} is not what its port gives: {value!r}")


class ScriptedModel(ModelSpec):
    """A chat model that answers with the first line whose pattern is in the last message.

    It is opened, streamed and counted like any other. What it was asked, and with which options,
    stands in `ScriptedModel.asked`; clear that before a test.
    """

    backend: ClassVar[str] = "scripted"
    asked: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    lines: tuple[tuple[str, str], ...]
    """Pattern (a regular expression) and answer; "" where none fits."""

    def open(self, opening: Opening) -> BaseChatModel:
        """Open it, as the pool does."""
        return _scripted(self.lines)


def _scripted(lines: tuple[tuple[str, str], ...]) -> BaseChatModel:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
    from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

    def answer(messages: list[BaseMessage], options: dict[str, Any]) -> str:
        last = str(messages[-1].text)
        ScriptedModel.asked.append((last, options))
        return next((text for pattern, text in lines if re.search(pattern, last)), "")

    class Chat(BaseChatModel):
        def _generate(
            self,
            messages: list[BaseMessage],
            stop: Any = None,
            run_manager: Any = None,
            **more: Any,
        ) -> ChatResult:
            message = AIMessage(content=answer(messages, more))
            return ChatResult(generations=[ChatGeneration(message=message)])

        def _stream(
            self,
            messages: list[BaseMessage],
            stop: Any = None,
            run_manager: Any = None,
            **more: Any,
        ) -> Iterator[ChatGenerationChunk]:
            for piece in re.findall(r"\S+\s*", answer(messages, more)) or [""]:
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))

        @property
        def _llm_type(self) -> str:
            return "scripted"

    return Chat()
