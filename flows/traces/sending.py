"""Where traces go: OTLP over HTTP, which Langfuse, Phoenix and every collector read."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.traces import conventions as words
from patchbay.flows.traces.trace_parent import TraceParent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    from patchbay.flows.runs.running import Run
    from patchbay.flows.traces.run_trace import RunTrace

log = logging.getLogger("patchbay.traces")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_ADDRESS = "PATCHBAY_TRACE"
_TIMES = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
_NEEDED = "opentelemetry.exporter.otlp.proto.http"
_END_S = 5
_OURS = "patchbay-studio"
HERE = "-"
"""Given for an address: the one that OpenTelemetry's own variables of the environment name."""


class Traces:
    """Sends the traces of runs.

    Args:
        address: the OTLP address, such as `http://127.0.0.1:6006`; `-` for that of the environment.
        content: whether prompts, answers and values go with them.

    Raises:
        FlowError: OpenTelemetry is not installed, or there is no such address.
    """

    def __init__(self, address: str, *, content: bool = False) -> None:
        _check()
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self.content = content
        name = os.environ.get("OTEL_SERVICE_NAME", "patchbay")
        resource = Resource.create({"service.name": name, "service.version": version(_OURS)})
        seconds = None if any(map(os.environ.get, _TIMES)) else _END_S
        exporter = OTLPSpanExporter(endpoint=_endpoint(address), timeout=seconds)
        self._sender = counted(exporter)
        # Not the process's own provider: what other libraries trace is theirs.
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._sender))
        self._tracer = self._provider.get_tracer("patchbay", version(_OURS))

    def run(
        self,
        flow: str,
        *,
        parent: TraceParent | None = None,
        secrets: Secrets | None = None,
        thread: str = "",
        person: str = "",
        kinds: Mapping[str, str] | None = None,
    ) -> RunTrace:
        """The trace of a new run."""
        from patchbay.flows.traces.run_trace import RunTrace

        about = {words.CONVERSATION: thread, words.SESSION: thread} if thread else {}
        about |= {words.USER: person} if person else {}
        return RunTrace(
            self._tracer, flow, parent=parent, content=self.content, secrets=secrets,
            about=about, kinds=kinds,
        )  # fmt: skip

    def follow(self, run: Run, *, parent: TraceParent | None = None, person: str = "") -> RunTrace:
        """Have a run followed that has not begun. Whoever runs it ends the trace."""
        trace = self.run(
            run.flow.name,
            parent=parent,
            secrets=run.secrets,
            thread=run.thread,
            person=person,
            kinds={node.id: node.kind for node in run.flow.nodes},
        )
        run.trace_by(trace)
        return trace

    @property
    def lost(self) -> int:
        """Spans that could not be sent."""
        return int(self._sender.lost)

    def flush(self) -> None:
        """Send what is there now. Blocks."""
        self._provider.force_flush(_END_S * 1000)

    def close(self) -> None:
        """Send what is left; whoever does not answer is given up after a while. Blocks."""
        self.flush()
        self._provider.shutdown()


def asked_for(address: str | None, content: bool, env: Mapping[str, str] = os.environ) -> Any:
    """What sends traces, if anybody asked for it; else None, and nothing is imported.

    Args:
        address: as the person gave it; None leaves it to `PATCHBAY_TRACE`.
        content: whether prompts are asked for.
        env: the environment.

    Raises:
        FlowError: OpenTelemetry is not installed, or there is no such address.
    """
    address = address or env.get(_ADDRESS, "") or (HERE if content else "")
    if not address or env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    said = env.get(_CONTENT, "").strip().lower() not in ("", "0", "false", "no", "no_content")
    return Traces(address, content=content or said)


def hand_on(address: str | None, content: bool) -> None:
    """Have what runs in this process from now on be traced, as if the environment asked for it.

    Raises:
        FlowError: OpenTelemetry is not installed, or there is no such address.
    """
    _check()
    _endpoint(address or HERE)
    os.environ[_ADDRESS] = address or HERE
    if content:
        os.environ[_CONTENT] = "true"


def _endpoint(address: str) -> str | None:
    """The address that spans are posted to; None where the environment says it."""
    if address == HERE:
        if not any(os.environ.get(name) for name in _ENDPOINTS):
            fix = f"Set {_ENDPOINTS[1]}, or name an address: --trace http://127.0.0.1:4318"
            raise _wrong("Where do the traces go?", fix)
        return None
    if not address.startswith(("http://", "https://")):
        fix = "Write one such as http://127.0.0.1:4318; OTLP over HTTP is what is spoken."
        raise _wrong(f'"{address}" is no address for traces.', fix)
    whole = address.rstrip("/")
    return whole if whole.endswith("/v1/traces") else f"{whole}/v1/traces"


def _check() -> None:
    try:
        there = importlib.util.find_spec(_NEEDED) is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        fix = "Install it with: pip install 'patchbay-studio[telemetry]'"
        raise FlowError([Problem("trace/missing", "OpenTelemetry is not installed here.", fix)])


def _wrong(message: str, fix: str) -> FlowError:
    return FlowError([Problem("trace/address", message, fix)])


def counted(exporter: SpanExporter) -> Any:
    """The exporter, which counts what it could not send, and says so once in a row."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Counted(SpanExporter):
        lost = 0
        _well = True

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = exporter.export(spans)
            well = result is SpanExportResult.SUCCESS
            if not well:
                self.lost += len(spans)
                if self._well:
                    log.warning("Traces cannot be sent; %d spans are lost.", len(spans))
            self._well = well
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return exporter.force_flush(timeout_millis)

    # Each try has a line of its own there, with a trace of Python.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    return Counted()
