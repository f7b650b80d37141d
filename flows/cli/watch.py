"""A run on the terminal: what is shown while it goes on, and at its end."""

from __future__ import annotations

import json
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol, assert_never

from patchbay.flows.checks.resolve import Resolved
from patchbay.flows.cli import say
from patchbay.flows.problems import FlowError
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
from patchbay.flows.runs.warned import RunWarning, Warnings
from patchbay.nodes.units import duration, size_in_words

if TYPE_CHECKING:
    from patchbay.flows.runs.prices import Cost

REPORT_EVERY_S = 5.0
"""Where standard error is no terminal, progress is written this often, in seconds."""


WIDEST = 60
"""Letters of a table's cell that a terminal gets; a file gets all."""
STEP_LINES = 12
"""Lines of an agent's step that are shown."""


class View(Protocol):
    """Shows events."""

    trace: str
    """The id of the run's trace; "" for none."""

    def show(self, event: Event) -> None:
        """Show one event."""


class EventLines:
    """One JSON event a line; warnings stand on standard error as well."""

    trace = ""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet, self._heard = quiet, Warnings()

    def show(self, event: Event) -> None:
        """Write the event."""
        say.out(json.dumps(as_json(event), ensure_ascii=False))
        for warning in self._heard.of(event):
            if not self._quiet:
                say.err(line_of(warning))


class JsonResult:
    """One JSON object at the end, with the warnings, which stand on standard error as well."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet, self._heard = quiet, Warnings()
        self._warnings: list[dict[str, str]] = []
        self.trace = ""

    def show(self, event: Event) -> None:
        """Write the object when the run has ended."""
        for warning in self._heard.of(event):
            self._warnings.append(told_of(warning))
            if not self._quiet:
                say.err(line_of(warning))
        if isinstance(event, RunEnd):
            data = as_json(event)
            data["status"] = data.pop("type").removeprefix("run_")
            data["warnings"] = self._warnings
            if cost := cost_of(event.tokens):
                data["cost"] = cost.as_dict()
            if self.trace:
                data["trace"] = self.trace
            say.out(json.dumps(data, ensure_ascii=False, indent=2))


def cost_of(tokens: Tokens) -> Cost:
    """What tokens cost by the person's prices; where those cannot be read, that is said."""
    from patchbay.flows.runs.prices import Cost, read_prices

    if not tokens.total:
        return Cost()
    try:
        return read_prices().cost(tokens)
    except FlowError as error:
        say.problems(error.problems)
        return Cost()


def line_of(warning: RunWarning) -> str:
    """A warning as people read it."""
    return f"warning{warning.node and ' ' + warning.node}: {warning.message}"


def told_of(warning: RunWarning) -> dict[str, str]:
    """A warning in JSON; one of the run itself names no node."""
    return {**({"node": warning.node} if warning.node else {}), "message": warning.message}


class Terminal:
    """For people: a status line, text as it streams, answers, and a summary.

    Args:
        resolved: the flow.
        quiet: only the answers.
        verbose: a line for every node.
    """

    def __init__(self, resolved: Resolved, quiet: bool = False, verbose: bool = False) -> None:
        self._quiet, self._verbose = quiet, verbose
        self.trace = ""
        self._live = _live_source(resolved) if sys.stdout.isatty() else None
        self._widest = WIDEST if sys.stdout.isatty() else None
        self._streamed = ""
        self._mid_line = False
        self._line = StatusLine(enabled=not quiet)
        self._ran = self._reused = 0
        self._asked: dict[str, NodeAsked] = {}
        self._heard = Warnings()
        self._warnings: list[RunWarning] = []

    def show(self, event: Event) -> None:
        """Show one event."""
        self._warnings = self._heard.of(event)
        match event:
            case RunStarted():
                pass
            case NodeStreamed():
                self._stream(event)
            case NodeStarted():
                self._ran += event.attempt == 1
                self._status(f"{event.node} …")
            case NodeProgress():
                if not self._mid_line:
                    self._line.progress(event)
            case NodeWaiting():
                before = f", {event.position - 1} before it" if event.position > 1 else ""
                self._status(f"{event.node}: waits for {event.resource}{before}")
            case NodeStepped():
                if self._verbose:
                    self._note(step_text(event))
                elif event.what == "thought" and not event.who:
                    self._note(f"{_titled(event)}; --verbose shows it")
                else:
                    self._status(f"{event.node}: {_head(event)}")
            case NodeAsked():
                self._asked[event.question] = event
            case NodeAnswered():
                self._asked.pop(event.question, None)
                self._answered(event)
            case NodeFinished():
                self._finish(event)
            case NodeSkipped():
                if self._verbose:
                    self._note(f"{event.node}: skipped. {event.reason}")
            case NodeWarned() | RunWarned():
                self._warn()
            case NodeRetrying():
                self._streamed = ""
                self._warn()
            case NodeStopped():
                self._note(f"{event.node}: {event.message}")
            case NodeFailed():
                pass  # its problem is told when the run ends, or as a warning when it goes on
            case RunFinished():
                self.settle()
                self._outputs(event.outputs)
                self._summary(event)
            case RunFailed():
                self.settle()
                say.problems([event.problem])
            case RunCancelled():
                self.settle()
                say.err(f"Stopped after {duration(event.seconds)}.")
            case RunWaiting():
                self.settle()
                self._wait(event)
            case _:
                assert_never(event)

    def _stream(self, event: NodeStreamed) -> None:
        if self._live == (event.node, event.port):
            self._line.clear()
            self._streamed += event.piece
            self._mid_line = True
            say.out(event.piece, end="")

    def _finish(self, event: NodeFinished) -> None:
        self._reused += event.source != "run"
        if self._live is not None and event.node == self._live[0]:
            self._end_line()
        if self._verbose:
            self._note(f"{event.node}: {_how(event)}")

    def _outputs(self, outputs: dict[str, Any]) -> None:
        if len(outputs) == 1:
            (value,) = outputs.values()
            text = self._text_of(value)
            if text != self._streamed:  # else it stands there already
                say.out(text)
            return
        for name, value in outputs.items():
            say.out(f"{name}:\n{self._text_of(value)}\n")

    def _text_of(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        from patchbay.flows.cli.figures import text_of

        return text_of(value, self._widest)

    def _answered(self, event: NodeAnswered) -> None:
        from patchbay.flows.runs.inbox import said

        self._note(f"{event.node}: {event.author} answered: {said(event.answer)}")

    def _wait(self, event: RunWaiting) -> None:
        from patchbay.flows.cli.questions import put

        for question in event.questions:
            if question in self._asked:
                put(event.run, self._asked[question], alone=len(event.questions) == 1)
        if not self._quiet:
            say.err(
                f"The run waits. It goes on when it is answered, here or elsewhere: {event.run}"
            )

    def _summary(self, event: RunFinished) -> None:
        for warning in self._warnings:
            say.err(line_of(warning))
        if self._quiet:
            return
        count = f"{self._ran} nodes ran" if self._ran != 1 else "1 node ran"
        reused = f"{self._reused} reused" if self._reused else ""
        cost = cost_of(event.tokens).words()
        parts = [count, reused, duration(event.seconds), say.tokens(event.tokens), cost]
        say.err(" · ".join(part for part in parts if part))

    def _status(self, text: str) -> None:
        if not self._mid_line:
            self._line.set(text)

    def _warn(self) -> None:
        for warning in self._warnings:
            self._note(line_of(warning))

    def _note(self, text: str) -> None:
        if not self._quiet:
            self.settle()
            say.err(text)

    def settle(self) -> None:
        """Leave the cursor at the beginning of an empty line."""
        self._line.clear()
        self._end_line()

    def _end_line(self) -> None:
        if self._mid_line:
            say.out()
        self._mid_line = False


class StatusLine:
    """One line on standard error, written over; in a file, a line now and then."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._terminal = sys.stderr.isatty()
        self._shown = False
        self._reported = time.monotonic() - REPORT_EVERY_S

    def set(self, text: str) -> None:
        """Show a text on a terminal."""
        if self._enabled and self._terminal:
            self._write(text)

    def progress(self, event: NodeProgress) -> None:
        """Show how far a slow step has come."""
        if not self._enabled:
            return
        text = f"{event.label}  {_bar(event)}"
        if self._terminal:
            self._write(text)
        elif time.monotonic() - self._reported >= REPORT_EVERY_S or event.done == event.total:
            self._reported = time.monotonic()
            say.err(text)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._shown = False

    def _write(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r\x1b[2K" + say.safe(text)[:width])
        sys.stderr.flush()
        self._shown = True


def _bar(event: NodeProgress) -> str:
    if not event.total:
        return f"{event.done:g}" if event.done else "…"
    share = min(event.done / event.total, 1.0)
    filled = round(share * 24)
    amount = f"{event.done:g}/{event.total:g}"
    if event.total >= 1e6:
        amount = f"{size_in_words(event.done)} of {size_in_words(event.total)}"
    return f"[{'█' * filled}{'·' * (24 - filled)}] {share:4.0%}  {amount}"


def step_text(event: NodeStepped) -> str:
    """One step of an agent: who did what, with what it cost, and the text below."""
    lines = event.text.strip().splitlines()
    if len(lines) > STEP_LINES:
        lines = [*lines[:STEP_LINES], f"… {len(lines) - STEP_LINES} more lines"]
    return "\n".join([_titled(event), *(f"    {line}" for line in lines)])


def _titled(event: NodeStepped) -> str:
    """The line above a step's text: who did what, and what it cost."""
    cost = [duration(event.seconds) if event.seconds is not None else ""]
    cost = [part for part in (*cost, say.tokens(event.tokens)) if part]
    return f"{event.node}: {_head(event)}" + (f" ({' · '.join(cost)})" if cost else "")


def _head(event: NodeStepped) -> str:
    return " · ".join(part for part in (event.who, event.what, event.tool) if part)


def _how(event: NodeFinished) -> str:
    if event.source != "run":
        return "from the cache" if event.source == "cache" else "kept from the interrupted run"
    return " · ".join(p for p in (duration(event.seconds), say.tokens(event.tokens)) if p)


def _live_source(resolved: Resolved) -> tuple[str, str] | None:
    """The node and port that feed the only output, whose text can be shown as it comes."""
    outputs = [node_id for node_id, node in resolved.nodes.items() if node.flow_output]
    if len(outputs) != 1:
        return None
    edges = resolved.incoming[outputs[0]].get("value", [])
    return (edges[0].source_node, edges[0].source_port) if len(edges) == 1 else None
