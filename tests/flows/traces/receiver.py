"""A collector on this machine: takes OTLP over HTTP and keeps the spans, decoded."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import served


@dataclass
class GotSpan:
    """A span as it came."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    seconds: float
    status: int
    attributes: dict[str, Any]
    events: list[str]


@dataclass
class Collector:
    """What was sent."""

    url: str = ""
    spans: list[GotSpan] = field(default_factory=list)
    resource: dict[str, Any] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)

    def named(self, name: str) -> GotSpan:
        """The only span of a name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def said(self) -> str:
        """All words of all spans, to look for what must not be there."""
        return repr([(span.name, span.attributes, span.events) for span in self.spans])


class Handler(BaseHTTPRequestHandler):
    collector: Collector

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
            ExportTraceServiceResponse,
        )

        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.collector.headers.append(dict(self.headers))
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.collector.resource |= _plain(group.resource.attributes)
            for scope in group.scope_spans:
                self.collector.spans += map(_span, scope.spans)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def _span(span: Any) -> GotSpan:
    return GotSpan(
        span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.kind,
        (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9, span.status.code,
        _plain(span.attributes), [event.name for event in span.events],
    )  # fmt: skip


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """Collect until the end of the block."""
    collector = Collector()
    with served(Handler, collector=collector) as collector.url:
        yield collector
