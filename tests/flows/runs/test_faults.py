"""Whatever is raised in the scheduler, and wherever: the run ends, and says why."""

from __future__ import annotations

import asyncio
import contextlib
import linecache
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from patchbay.flows.runs import engine
from patchbay.flows.runs.cache import FolderCache
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event, RunEnd, RunFailed, RunFinished
from patchbay.flows.runs.running import Run
from patchbay.nodes.contract import Context, Ports
from patchbay.nodes.values import Opening
from tests.flows.runs.harness import CATALOG, OUT, environment, flow
from tests.flows.runs.nodes import Fail, MakeThing, Thing

PACKAGE = Path(engine.__file__).parent
SCHEDULER = (
    "engine",
    "node_work",
    "plan",
    "arrivals",
    "context",
    "keys",
    "failures",
    "resources",
    "running",
)
"""Every line of these modules that a run reaches gets its fault."""
HANG_S = 120.0
"""A run of the flow below takes milliseconds; one that goes on for this long hangs."""

CALLED = {("running", "events"), ("running", "_stop")}
"""What the caller of a run calls may raise to the caller."""


class Panic(BaseException):
    """What libraries in Rust raise, which is no `Exception`."""


class QuickThing(Thing):
    """Something that opens at once."""

    backend = "quick"

    def open(self, opening: Opening) -> Any:
        opening.report("opening", 1, 1)
        return self.made()


class MuteError(Exception):
    """An exception that cannot even be written out."""

    def __str__(self) -> str:
        raise ValueError("no words")


class MakeQuick(MakeThing):
    """Describe something that opens at once."""

    kind = "test.quick"

    class Outputs(Ports):
        thing: QuickThing

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Outputs:
        return self.Outputs(thing=QuickThing())


FLOW = flow(
    {
        "q": ("io.input", {"name": "self", "kind": "text"}),
        "t": ("prompt.template", {"template": "{self} {again}"}),
        "s": "test.switch",
        "r": "test.upper",
        "m": ("logic.merge", {"carries": "any"}),
        "u": "test.upper",
        "f": ("test.fail", {"times": 1, "name": "faults"}, {"retries": 1, "backoff_s": 0}),
        "c": ("test.fail", {"how": "raise"}, {"on_error": "continue"}),
        "thing": "test.quick",
        "use": ("test.use", {"wait_s": 0}),
        "o": OUT,
    },
    [
        "q.value > t.self", "q.value > t.again", "t.text > s.text", "s.left > m.values",
        "s.right > r.text", "m.value > u.text", "u.text > f.text", "f.text > o.value",
        "thing.thing > use.thing",
    ],
)  # fmt: skip
"""A flow that goes through the scheduler's steps: a branch, a retry, a failure, a resource."""


Place = tuple[str, str, int]
"""Module, function and line."""


@cache
def module_of(file: str) -> str | None:
    """The scheduler's module in a file, if it is one; asked at each call of any function."""
    path = Path(file)
    return path.stem if path.parent == PACKAGE and path.stem in SCHEDULER else None


def place_of(frame: FrameType) -> Place | None:
    """The line of the scheduler that is about to run, if it is one."""
    module = module_of(frame.f_code.co_filename)
    return None if module is None else (module, frame.f_code.co_name, frame.f_lineno)


@cache
def _is_try(file: str, line: int) -> bool:
    """`try:` does nothing, so nothing can be raised there."""
    return linecache.getline(file, line).strip() == "try:"


class Tracer:
    """Watches a run line by line, and raises at one of them, once."""

    def __init__(self, at: Place | None = None, fault: BaseException | None = None):
        self.seen: dict[Place, None] = {}
        self._at, self._fault = at, fault

    def __call__(self, frame: FrameType, kind: str, _arg: Any) -> Any:
        where = place_of(frame)
        if where is None:
            return None
        if kind == "line" and not _is_try(frame.f_code.co_filename, frame.f_lineno):
            self.seen.setdefault(where)
            if where == self._at and self._fault is not None:
                fault, self._fault = self._fault, None
                raise fault
        return self

    @property
    def raised(self) -> bool:
        return self._fault is None


def surroundings(folder: Path) -> Environment:
    return environment(
        catalog=CATALOG.extended([MakeQuick]), cache=FolderCache(folder, CATALOG.value_types)
    )


async def whole_run(env: Environment, found: list[Event], tracer: Tracer) -> None:
    """Collect the events of one run, however it ends; a run that hangs is an error."""
    Fail.seen.clear()
    run = Run(FLOW, {"self": "hi"}, env)

    sys.settrace(tracer)
    threading.settrace(tracer)  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(HANG_S):
            async for event in run.events():
                found.append(event)  # noqa: PERF401 - what came before a fault counts
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]


@contextlib.contextmanager
def only_noise() -> Iterator[None]:
    """Faults at the very end of a thread or a task are seen by no run; Python would print them."""
    before = threading.excepthook, sys.unraisablehook
    threading.excepthook = sys.unraisablehook = lambda _: None  # type: ignore[assignment]
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = before


def lines() -> list[Place]:
    """Every line of the scheduler that a whole run comes to."""
    tracer, found = Tracer(), []
    for module in SCHEDULER:  # what the lines outside of functions do is done once
        import_module(f"{engine.__package__}.{module}")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(whole_run(surroundings(Path(folder)), found, tracer))
    assert isinstance(found[-1], RunFinished), found[-1]
    return list(tracer.seen)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_a_fault_in_every_step_of_the_scheduler_ends_the_run(tmp_path: Path) -> None:
    steps = lines()
    assert len(steps) > 200, "the tracer sees the scheduler"
    assert {module for module, _, _ in steps} == set(SCHEDULER)
    wrong, missed = [], []
    for number, at in enumerate(steps):
        fault = Panic("injected") if number % 2 else MuteError("injected")
        tracer, found, raised = Tracer(at, fault), [], None
        with only_noise():
            try:
                env = surroundings(tmp_path / str(number))
                asyncio.run(whole_run(env, found, tracer))
            except (Panic, MuteError, TimeoutError) as error:
                raised = error
        if not tracer.raised:
            missed.append(at)
        if raised is not None and at[:2] in CALLED:
            continue
        if raised is not None or not ends_said(found):
            wrong.append((at, repr(raised), found[-1:]))
    assert wrong == []
    assert len(missed) <= 3, "a run came to other steps than the one before, not just to a lock"


def ends_said(found: list[Event]) -> bool:
    """Whether there is one end: a failure with its reason, or all that the flow gives."""
    ends = [event for event in found if isinstance(event, RunEnd)]
    if len(ends) != 1 or found[-1] is not ends[0]:
        return False
    if isinstance(ends[0], RunFailed):
        return all((ends[0].problem.code, ends[0].problem.message, ends[0].problem.fix))
    return isinstance(ends[0], RunFinished) and ends[0].outputs == {"out": "worked at try 2"}
