"""`--trace`: runs of the command line as traces."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from patchbay.flows.cli import say
from patchbay.flows.runs.running import Run
from patchbay.flows.traces.sending import asked_for
from patchbay.flows.traces.trace_parent import TraceParent

PARENT = "TRACEPARENT"
"""The variable of the environment by which a program hands its trace on to those it starts."""


@contextlib.contextmanager
def traced(run: Run, address: str | None, content: bool, quiet: bool) -> Iterator[str]:
    """Send a trace of a run, which begins in the block. Yields its id; "" for none.

    Raises:
        FlowError: OpenTelemetry is not installed, or there is no such address.
    """
    traces = asked_for(address, content)
    if traces is None:
        yield ""
        return
    trace = traces.follow(run, parent=TraceParent.read(os.environ.get(PARENT, "")))
    try:
        yield trace.place.trace
    finally:
        trace.end("cancelled")
        traces.close()
        if traces.lost:
            say.err("warning: The trace could not be sent; is a collector at that address?")
        elif not quiet:
            say.err(f"Trace {trace.place.trace}")
