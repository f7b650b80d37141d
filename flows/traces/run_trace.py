"""One run as a trace: a span for the run, one for each node, model call and call of a tool."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, assert_never
from urllib.parse import urlsplit

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
    RunFailed,
    RunFinished,
    RunStarted,
    RunWaiting,
    RunWarned,
)
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.traces import conventions as words
from patchbay.flows.traces.said import answer_json, asked_json, tools_json, value_json
from patchbay.flows.traces.trace_parent import TraceParent
from patchbay.nodes.made_calls import ModelCall, ToolCall
from patchbay.nodes.values import encode

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

_LONGEST = 32_000
"""Characters of what was said that a span carries at most."""


class RunTrace:
    """The spans of one run. The one of the run begins at once, since callers want its id.

    Args:
        tracer: makes spans.
        flow: the flow's name.
        parent: the caller's place in a trace, which goes on here.
        content: whether prompts, answers and values of nodes go into the spans.
        secrets: blacks secrets out of them.
        about: more attributes of the run, such as the thread.
        kinds: kinds of the nodes by their ids.
    """

    def __init__(
        self,
        tracer: Tracer,
        flow: str,
        *,
        parent: TraceParent | None = None,
        content: bool = False,
        secrets: Secrets | None = None,
        about: Mapping[str, str] | None = None,
        kinds: Mapping[str, str] | None = None,
    ) -> None:
        self._tracer, self._content, self._kinds = tracer, content, kinds or {}
        self._secrets = secrets or Secrets(env={}, files=())
        self._thread = (about or {}).get(words.CONVERSATION, "")
        self._nodes: dict[str, Span] = {}
        self._lock = threading.Lock()
        self._over = False
        attributes = {
            words.OPERATION: "invoke_workflow",
            words.AGENT: flow,
            words.WORKFLOW: flow,
            words.KIND: "CHAIN",
            **(about or {}),
        }
        self._root = tracer.start_span(
            f"invoke_workflow {flow}".strip(), _context(parent), attributes=attributes
        )

    @property
    def place(self) -> TraceParent:
        """The run's place in its trace."""
        context = self._root.get_span_context()
        return TraceParent(
            f"{context.trace_id:032x}", f"{context.span_id:016x}", context.trace_flags.sampled
        )

    # --- events -------------------------------------------------------------------------------

    def event(self, event: Event) -> None:
        """An event of the run."""
        match event:
            case RunStarted():
                self._root.set_attribute("patchbay.run.id", event.run)
                self._say(self._root, words.INPUT, event.inputs)
            case NodeStarted():
                self._node(event.node, event.at)
            case NodeRetrying():
                told = {"attempt": str(event.attempt), "problem": event.problem.code}
                self._note(self._node(event.node, event.at), "retry", event.at, told)
            case NodeWarned():
                span = self._node(event.node, event.at)
                self._note(span, "warning", event.at, text=event.message)
            case NodeAsked():
                span = self._node(event.node, event.at)
                self._note(span, "question", event.at, {"question": event.question})
            case NodeSkipped():
                told = {"node": event.node}
                self._note(self._root, "node skipped", event.at, told, event.reason)
            case NodeFinished():
                span = self._node(event.node, event.at - event.seconds)
                span.set_attribute("patchbay.node.source", event.source)
                self._say(span, words.OUTPUT, event.outputs)
                self._ended(event.node, event.at)
            case NodeStopped():
                span = self._node(event.node, event.at - event.seconds)
                self._note(span, "stopped", event.at, text=event.message)
                self._say(span, words.OUTPUT, event.outputs)
                self._ended(event.node, event.at)
            case NodeFailed():
                self._failed(self._node(event.node, event.at - event.seconds), event.problem)
                self._ended(event.node, event.at)
            case RunWarned():
                self._note(self._root, "warning", event.at, text=event.message)
            case RunFinished():
                self._say(self._root, words.OUTPUT, event.outputs)
                self.end("finished", event.at)
            case RunFailed():
                self._failed(self._root, event.problem)
                self.end("failed", event.at)
            case RunCancelled():
                self.end("cancelled", event.at)
            case RunWaiting():
                self.end("waiting", event.at)
            case NodeStepped():
                pass  # the calls of an agent are spans of their own
            case NodeAnswered() | NodeProgress() | NodeStreamed() | NodeWaiting():
                pass
            case _:
                assert_never(event)

    def end(self, status: str, at: float | None = None) -> None:
        """The run is over, or never began. A second time it is nothing."""
        with self._lock:
            if self._over:
                return
            self._over = True
            for span in self._nodes.values():
                span.end(_nanos(at))
            self._nodes.clear()
        self._root.set_attribute("patchbay.run.status", status)
        self._root.end(_nanos(at))

    # --- nodes --------------------------------------------------------------------------------

    def _node(self, path: str, at: float) -> Span:
        with self._lock:
            if (span := self._nodes.get(path)) is None:
                attributes = {"patchbay.node": path, words.KIND: "CHAIN"}
                if kind := self._kinds.get(path):
                    attributes["patchbay.node.kind"] = kind
                span = self._tracer.start_span(
                    path, self._below(path), attributes=attributes, start_time=_nanos(at)
                )
                self._nodes[path] = span
            return span

    def _ended(self, path: str, at: float) -> None:
        with self._lock:
            if span := self._nodes.pop(path, None):
                span.end(_nanos(at))

    def _below(self, path: str) -> Any:
        """The span that a node hangs below: the innermost one that it lies in, else the run's."""
        from opentelemetry.trace import set_span_in_context

        outer = path
        while outer:
            outer = outer.rpartition("/")[0]
            if outer in self._nodes:
                return set_span_in_context(self._nodes[outer])
        return set_span_in_context(self._root)

    # --- calls --------------------------------------------------------------------------------

    def called(self, node: str, call: ModelCall | ToolCall) -> None:
        """A call of a model or a tool has ended."""
        with contextlib.suppress(Exception):  # nothing of a run depends on who looks on
            self._model(node, call) if isinstance(call, ModelCall) else self._tool(node, call)

    def _model(self, node: str, call: ModelCall) -> None:
        from opentelemetry.trace import SpanKind

        host, port = _place_of(call.address)
        given: dict[str, Any] = {
            words.OPERATION: "chat",
            words.PROVIDER: call.provider,
            words.REQUEST_MODEL: call.model,
            words.STREAM: True,
            words.KIND: "LLM",
            words.INPUT_TOKENS: call.prompt,
            words.OUTPUT_TOKENS: call.completion,
        }
        given |= {words.CACHED_TOKENS: call.cached} if call.cached else {}
        given |= {words.THOUGHT_TOKENS: call.thought} if call.thought else {}
        given |= {words.FIRST_CHUNK: call.first_token_s} if call.first_token_s else {}
        given |= {words.FINISH_REASONS: [call.end]} if call.end and call.error is None else {}
        given |= {words.ADDRESS: host} if host else {}
        given |= {words.PORT: port} if host and port else {}
        given |= {words.CONVERSATION: self._thread} if self._thread else {}
        given |= _options(call.options)
        if self._content:
            given[words.INPUT_MESSAGES] = self._safe(asked_json(call.messages))
            if call.tools:
                given[words.TOOL_DEFINITIONS] = self._safe(tools_json(call.tools))
            if call.error is None:
                said = answer_json(call.answer, call.calls, call.end)
                given[words.OUTPUT_MESSAGES] = self._safe(said)
        kind = SpanKind.INTERNAL if call.here else SpanKind.CLIENT
        self._whole(node, f"chat {call.model}", call, given, kind)

    def _tool(self, node: str, call: ToolCall) -> None:
        from opentelemetry.trace import SpanKind

        given: dict[str, Any] = {
            words.OPERATION: "execute_tool",
            words.TOOL: call.tool,
            words.TOOL_TYPE: "function",
            words.AGENT: call.who,
            words.KIND: "TOOL",
        }
        if call.description:
            given[words.TOOL_DESCRIPTION] = call.description[:1000]
        if self._content:
            given[words.TOOL_ARGUMENTS] = self._safe(value_json(dict(call.arguments)))
            given[words.TOOL_RESULT] = self._safe(call.result)
        self._whole(node, f"execute_tool {call.tool}", call, given, SpanKind.INTERNAL)

    def _whole(
        self, node: str, name: str, call: ModelCall | ToolCall, given: dict[str, Any], kind: Any
    ) -> None:
        """A span of something that has ended."""
        with self._lock:
            below = self._below(f"{node}/call")
        span = self._tracer.start_span(
            name, below, kind, attributes=given, start_time=_nanos(call.began)
        )
        if call.error:
            code = getattr(call.error, "code", "") or type(call.error).__name__
            where = code if isinstance(call, ModelCall) else "tool_error"
            self._broke(span, where, str(call.error))
        span.end(_nanos(call.began + call.seconds))

    # --- words --------------------------------------------------------------------------------

    def _failed(self, span: Span, problem: Problem) -> None:
        self._broke(span, problem.code, problem.message)

    def _broke(self, span: Span, code: str, message: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        said = self._safe(message)[:1000] if self._content else code
        span.set_attribute(words.ERROR, code)
        span.set_status(Status(StatusCode.ERROR, said))

    def _say(self, span: Span, name: str, value: Mapping[str, Any]) -> None:
        if self._content:
            span.set_attribute(name, self._safe(value_json(encode(dict(value)))))

    def _note(
        self,
        span: Span,
        name: str,
        at: float,
        told: Mapping[str, str] | None = None,
        text: str = "",
    ) -> None:
        """Something that happened in a span. Its words may quote an answer."""
        words_of_it = {"message": self._safe(text)} if text and self._content else {}
        span.add_event(name, {**(told or {}), **words_of_it}, _nanos(at))

    def _safe(self, text: str) -> str:
        text = self._secrets.redact_text(text)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, (word, kind) in words.REQUEST.items():
        value = options.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            told[word] = kind(value)
    if stop := options.get("stop"):
        told[words.STOP] = [str(text) for text in stop]
    if options.get("response_format") or options.get("json_schema"):
        told[words.OUTPUT_TYPE] = "json"
    return told


def _context(parent: TraceParent | None) -> Any:
    """The context below a caller's span; an empty one where there is none."""
    from opentelemetry.context import Context
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        set_span_in_context,
    )

    if parent is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    place = SpanContext(int(parent.trace, 16), int(parent.span, 16), True, flags)
    return set_span_in_context(NonRecordingSpan(place), Context())


def _nanos(at: float | None) -> int | None:
    return None if at is None else int(at * 1e9)


def _place_of(address: str) -> tuple[str, int | None]:
    """Host and port of a server's address."""
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.hostname or "", port or {"http": 80, "https": 443}.get(parts.scheme)
