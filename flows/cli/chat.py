"""`patchbay chat`: a conversation with a flow, kept as a thread."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.cli import say
from patchbay.flows.cli.arguments import read_inputs
from patchbay.flows.cli.chat_questions import ask_here, waiting_run, waits
from patchbay.flows.cli.options import (
    Debug,
    EnvName,
    NoCache,
    Quiet,
    RunTraceContent,
    SendTrace,
    Verbose,
)
from patchbay.flows.cli.run import following, interruptible, leave
from patchbay.flows.cli.watch import Terminal, told_of
from patchbay.flows.document.reading import read_flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.events import (
    Event,
    RunCancelled,
    RunEnd,
    RunFailed,
    RunFinished,
    RunWaiting,
)
from patchbay.flows.runs.running import LoadedFlow, Run, settled
from patchbay.flows.runs.thread_runs import InThread, talked_to, turn_of
from patchbay.flows.runs.warned import Warnings
from patchbay.flows.wording import plural

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History
    from patchbay.nodes.contract import InputField

HELP = (
    "Ctrl+C stops an answer, Ctrl+D ends. /again makes the last answer anew, /answer answers "
    "what is asked, /help says this."
)
AGAIN, ANSWER = "/again", "/answer"


def chat(
    flow: Annotated[
        Path | None, typer.Argument(help="The flow file. Without one: that of the thread.")
    ] = None,
    thread: Annotated[
        str | None, typer.Option("--thread", "-t", help="The conversation; begun if it is new.")
    ] = None,
    messages: Annotated[
        list[str] | None,
        typer.Option("--message", "-m", help="Say this and end. May be repeated."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Make the last answer anew.")] = False,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", help="name=value of another input, or name=@file."),
    ] = None,
    person: Annotated[str, typer.Option(help="Whose conversation it is.")] = "",
    wait: Annotated[
        bool, typer.Option(help="Wait while another run is at work in the thread.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a turn.")] = False,
    env_name: EnvName = "",
    no_cache: NoCache = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    trace: SendTrace = None,
    trace_content: RunTraceContent = False,
    debug: Debug = False,
) -> None:
    """Talk to a flow in the terminal; the conversation is kept.

    Where standard input is no terminal, every line of it is a message; with --json a line may be
    a JSON text, which can hold line ends.
    """
    from patchbay.flows.runs.history import History

    history = History()
    say.notice(history.notice)
    path = flow or _flow_of(history, thread)
    document = read_flow(path)
    document = settled(document, env_name) if document.variables or env_name else document
    loaded = LoadedFlow(document, path.resolve().parent, path.resolve())
    env = default_environment(use_cache=not no_cache, folder=loaded.folder)
    resolved = resolve_once(loaded.flow, env.catalog)
    field = talked_to(resolved)
    use = InThread(thread, when_busy="wait" if wait else "refuse", person=person)
    talk = Talk(
        history, loaded, use, field, read_inputs(inputs or [], resolved),
        as_json=as_json, no_cache=no_cache, quiet=quiet, verbose=verbose, env_name=env_name,
        trace=trace, trace_content=trace_content,
    )  # fmt: skip
    said = _said(messages or [], again, as_json, quiet, talk)
    code = 0
    for message in said:
        code = talk.answer() if message == ANSWER else asyncio.run(talk.turn(message))
        while code == say.EXIT_WAITING and talk.with_person:
            code = talk.answer()
        if code and not talk.with_person:
            break
    leave(0 if talk.with_person else code)


@dataclass
class Talk:
    """A conversation that is going on: whom with, and how it is shown."""

    history: History
    flow: LoadedFlow
    use: InThread
    input: InputField
    given: dict[str, Any]
    as_json: bool = False
    no_cache: bool = False
    quiet: bool = False
    verbose: bool = False
    env_name: str = ""
    """The environment whose values the variables of flows that it runs have."""
    trace: str | None = None
    """Where traces of the turns go."""
    trace_content: bool = False
    with_person: bool = False

    async def turn(self, message: str) -> int:
        """Say something and show the answer. The exit code, were it the last.

        Raises:
            FlowError: what is wrong, where nobody sits at the terminal.
        """
        try:
            run = await self._begun(message)
        except FlowError as error:
            if not self.with_person:
                raise
            say.problems(error.problems)
            return say.EXIT_PROBLEM
        return await self._show(run)

    def answer(self) -> int:
        """Have the person answer what the conversation waits for. The exit code, were it the last.

        Here nothing runs meanwhile, so that Ctrl+C leaves the question open.
        """
        from patchbay.flows.runs.answers import gone_on_with

        run = waiting_run(self.history, self.use.id)
        if not run:
            say.err("Nothing is asked in this conversation.")
            return 0
        env = default_environment(use_cache=not self.no_cache, folder=self.flow.folder)
        mine = ask_here(self.history, run, env.catalog.value_types)
        if mine:
            return asyncio.run(self._show(gone_on_with(self.history, run, env)))
        if mine is False:
            say.err(f"The run {run} goes on where it is at work.")
        return 0

    async def _begun(self, message: str) -> Run:
        if run := waiting_run(self.history, self.use.id):
            raise waits(self.history, str(self.use.id), run)
        env = default_environment(use_cache=not self.no_cache, folder=self.flow.folder)
        env = replace(env, variables=self.env_name)
        use, inputs = replace(self.use, again=message == AGAIN), dict(self.given)
        if not use.again:
            said = [{"role": "user", "content": message}]
            inputs[self.input.name] = said if self.input.kind == "messages" else message
        turning = turn_of(self.flow, inputs, env, use, self.history)
        if self.use.id is None and not self.quiet:
            say.err(f"Thread {turning.thread.id}; go on with --thread {turning.thread.id}")
        self.use = replace(self.use, id=turning.thread.id)
        try:
            return await asyncio.wait_for(turning.when_free(), 0.3)
        except TimeoutError:
            say.err("Another run is at work in this thread; waiting for it.")
            return await turning.when_free()

    async def _show(self, run: Run) -> int:
        code, warnings, heard = 0, list[dict[str, str]](), Warnings()
        view = None if self.as_json else Terminal(run.resolved, self.quiet, self.verbose)
        quiet = self.quiet or self.with_person
        with (
            following(run, self.trace, self.trace_content, quiet),
            interruptible(run.cancel) as interrupted,
        ):
            async with contextlib.aclosing(run.events()) as stream:
                async for event in stream:
                    warnings += map(told_of, heard.of(event))
                    if view is not None and self.with_person and isinstance(event, RunWaiting):
                        view.settle()  # what is asked stands below, where it is answered
                    elif view is not None:
                        view.show(event)
                    elif isinstance(event, RunEnd):
                        say.out(json.dumps(self._told(run, event, warnings), ensure_ascii=False))
                    if isinstance(event, RunFailed):
                        code = say.EXIT_PROBLEM
                    elif isinstance(event, RunCancelled):
                        code = interrupted[0] if interrupted else say.EXIT_INTERRUPTED
                    elif isinstance(event, RunWaiting):
                        code = say.EXIT_WAITING
        return code

    def _told(self, run: Run, event: Event, warnings: list[dict[str, str]]) -> dict[str, Any]:
        from patchbay.flows.runs.thread_holds import answer_of

        told: dict[str, Any] = {"thread": run.thread, "run": run.id}
        told["status"] = event.type.removeprefix("run_")
        if isinstance(event, RunFinished):
            told["answer"] = answer_of(event.outputs) if event.outputs else None
        if isinstance(event, RunFailed):
            told["problem"] = event.problem.as_dict()
        if isinstance(event, RunEnd):
            told |= {"seconds": event.seconds, "tokens": event.tokens.as_dict()}
        return {**told, "warnings": warnings}


def _flow_of(history: History, thread: str | None) -> Path:
    """The flow that a thread is held with."""
    from patchbay.flows.runs.threads import Threads

    place = Threads(history).get(thread).place if thread else ""
    if not place:
        fix = "Write it like this: patchbay chat FLOW.json --thread ada"
        raise say.usage("No flow was named.", fix)
    return Path(place)


def _said(
    messages: list[str], again: bool, as_json: bool, quiet: bool, talk: Talk
) -> Iterator[str]:
    if again:
        yield AGAIN
    yield from messages
    if again or messages:
        return
    if sys.stdin.isatty():
        talk.with_person = True
        _hear_ctrl_c()
        yield from _typed(talk, quiet)
        return
    for line in sys.stdin:
        if text := line.strip():
            yield _line(text) if as_json else text


def _line(text: str) -> str:
    """A line of input: a JSON text, or the text itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str) else text


def _hear_ctrl_c() -> None:
    """Whoever types here presses Ctrl+C, and HELP says what it does. A program that was started by
    one in the background finds it ignored, and then Python leaves it so."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _typed(talk: Talk, quiet: bool) -> Iterator[str]:
    """What a person types, until Ctrl+D. Ctrl+C twice at an empty prompt ends, too."""
    with contextlib.suppress(ImportError):  # arrows and earlier lines, where the system has them
        import readline  # noqa: F401
    if not quiet:
        _recall(talk)
        say.err(HELP)
    if waiting_run(talk.history, talk.use.id):
        yield ANSWER
    last = 0.0
    while True:
        try:
            text = input("> ").strip()
        except EOFError:
            say.err("")
            return
        except KeyboardInterrupt:
            say.err("")
            if time.monotonic() - last < 2:
                return
            last = time.monotonic()
            say.err("Ctrl+C again, or Ctrl+D, ends.")
            continue
        if text in ("/help", "/?"):
            say.err(HELP)
        elif text in ("/quit", "/exit"):
            return
        elif text:
            yield text


def _recall(talk: Talk) -> None:
    """Show the last turn of a thread that goes on."""
    from patchbay.flows.runs.threads import Threads

    threads = Threads(talk.history)
    found = threads.find(talk.use.id) if talk.use.id else None
    if found is None or not found.turns:
        return
    say.err(f"{found.title} · {plural(found.turns, 'turn')} so far. The last:")
    for turn in threads.turns(found.id)[-1:]:
        say.err(f"> {turn.asked}\n{turn.answer}" if not turn.damaged else "(cannot be read)")
