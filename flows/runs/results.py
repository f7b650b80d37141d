"""What a run gave in Python, and how one that waits for people is answered there."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import NodeFinished, RunFailed, RunFinished, RunWaiting, Tokens
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.running import Run
from patchbay.flows.runs.warned import RunWarning, Warnings
from patchbay.nodes.questions import DecisionWanted, FormWanted, Question

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History
    from patchbay.flows.runs.inbox import OpenQuestion
    from patchbay.flows.runs.prices import Cost


class GivenReply(TypedDict, total=False):
    """An answer: exactly one of the first six, beside who gives it and why.

    `approve` is yes or no; `reject` a no with its reason; `choose` one of the words; `value` the
    edited value, or new arguments for the call of a tool; `respond` what a tool is said to have
    given; `form` the fields. `who` is the person who is logged in unless given.
    """

    approve: bool
    reject: str
    choose: str
    value: Any
    respond: str
    form: Mapping[str, Any]
    comment: str
    who: str


WAYS = ("approve", "reject", "choose", "value", "respond", "form")


@dataclass(frozen=True)
class RunResult:
    """What a run gave.

    `seconds` is wall time, `tokens` those of all models, `nodes` the outputs of every node by id,
    `thread` the id of the conversation that it was a turn of. A run that waits for people has the
    `status` "waiting" and its open `questions`; `answer` goes on with it. The status "running" is
    that of an answered run that another process goes on with. `warnings` are what the command line
    shows as such, each with its `node` ("" for the run itself) and `message`.
    """

    run: str
    outputs: dict[str, Any]
    seconds: float
    tokens: Tokens
    failed: tuple[str, ...] = ()
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    thread: str = ""
    status: Literal["finished", "waiting", "running"] = "finished"
    questions: tuple[OpenQuestion, ...] = ()
    warnings: tuple[RunWarning, ...] = ()
    environment: Environment | None = field(default=None, repr=False, compare=False)
    history: History | None = field(default=None, repr=False, compare=False)

    @property
    def cost(self) -> Cost:
        """What the models cost, by the prices in the person's settings.

        Raises:
            FlowError: what the settings say is no table of prices.
        """
        from patchbay.flows.runs.prices import read_prices

        return read_prices().cost(self.tokens)

    def answer(self, question: str | None = None, /, **given: Unpack[GivenReply]) -> RunResult:
        """Answer a question of this run, and go on with it to its end or its next question.

        Args:
            question: the id of the question, where several are open.
            **given: the answer; see `GivenReply`.

        Raises:
            FlowError: it is no answer to this question, somebody was faster, or the run has ended.
            RunError: a node failed afterwards.
        """
        return blocking(self.aanswer(question, **given))

    async def aanswer(
        self, question: str | None = None, /, **given: Unpack[GivenReply]
    ) -> RunResult:
        """Answer a question of this run. See `answer`."""
        return await aanswer(
            self.run, question, environment=self.environment, history=self.history, **given
        )

    def stop(self) -> None:
        """Stop this run, which waits: its questions close. It can be resumed, and asks again then.

        Raises:
            FlowError: it has ended, or a process is at work on it.
        """
        stop(self.run, history=self.history)


def stop(run: str, *, history: History | None = None) -> bool:
    """Stop a recorded run: one that waits for people, or is at work in any process.

    Args:
        run: the id of the run.
        history: where the run is recorded; the default history unless given.

    Returns:
        Whether it has stopped. False: it has been asked to, and needs longer than ten seconds.

    Raises:
        FlowError: there is no such run, or it has ended.
    """
    from patchbay.flows.runs import stopping
    from patchbay.flows.runs.history import History

    return stopping.stop(history or History(), run)


def answer(
    run: str,
    question: str | None = None,
    /,
    *,
    environment: Environment | None = None,
    history: History | None = None,
    **given: Unpack[GivenReply],
) -> RunResult:
    """Answer a question of a recorded run by the run's id, and go on with it.

    Args:
        run: the id of the run.
        question: the id of the question, where several are open.
        environment: catalog, pool, cache and so on, where the defaults do not fit.
        history: where the run is recorded; the default history unless given.
        **given: the answer; see `GivenReply`.

    Raises:
        FlowError: it is no answer to this question, somebody was faster, or the run has ended.
        RunError: a node failed afterwards.
    """
    work = aanswer(run, question, environment=environment, history=history, **given)
    return blocking(work)


async def aanswer(
    run: str,
    question: str | None = None,
    /,
    *,
    environment: Environment | None = None,
    history: History | None = None,
    **given: Unpack[GivenReply],
) -> RunResult:
    """Answer a question of a recorded run. See `answer`."""
    from patchbay.flows.runs.answers import find, give, gone_on_with, refused
    from patchbay.flows.runs.defaults import default_environment
    from patchbay.flows.runs.history import History

    history = history or History()
    asked = find(history, run, question)
    env = environment or default_environment(folder=history.get(run).folder)
    types = env.catalog.value_types
    wanted = asked.question(types)
    try:
        value, why = reply_value(given, wanted)
    except ValueError as error:
        raise refused(wanted, asked.id, str(error)) from None
    comment, who = given.get("comment", "") or why, given.get("who", "")
    if not give(history, asked, value, author=who, comment=comment, types=types):
        return RunResult(
            run, {}, 0.0, Tokens(), status="running", environment=environment, history=history
        )
    return await ended(gone_on_with(history, run, env), environment, history)


async def ended(run: Run, environment: Environment | None, history: History | None) -> RunResult:
    """Run it to its end, or until it waits.

    Args:
        run: the run, not started.
        environment: the one to go on in after an answer.
        history: where it is recorded, if it is.

    Raises:
        RunError: a node failed, or the run was stopped.
    """
    nodes: dict[str, dict[str, Any]] = {}
    heard, warnings = Warnings(), list[RunWarning]()
    async with contextlib.aclosing(run.events()) as events:
        async for event in events:
            warnings += heard.of(event)
            match event:
                case NodeFinished():
                    nodes[event.node] = event.outputs
                case RunFailed():
                    raise RunError(event.problem)
                case RunFinished():
                    return RunResult(
                        event.run, event.outputs, event.seconds, event.tokens, event.failed, nodes,
                        run.thread, warnings=tuple(warnings), environment=environment,
                        history=history,
                    )  # fmt: skip
                case RunWaiting():
                    asked = tuple(history.inbox.open(run.id)) if history is not None else ()
                    return RunResult(
                        event.run, {}, event.seconds, event.tokens, (), nodes, run.thread,
                        "waiting", asked, tuple(warnings), environment, history,
                    )  # fmt: skip
                case _:
                    pass
    raise RunError(Problem("run/cancelled", "The run was stopped."))


def blocking(work: Coroutine[Any, Any, RunResult]) -> RunResult:
    """Wait for work; where a loop runs in this thread already (a notebook), in another thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    box: list[RunResult | BaseException] = []

    def apart() -> None:
        try:
            box.append(asyncio.run(work))
        except BaseException as error:  # raised again in the caller's thread
            box.append(error)

    worker = threading.Thread(target=apart, name="patchbay-run")
    worker.start()
    worker.join()
    if isinstance(box[0], BaseException):
        raise box[0]
    return box[0]


def reply_value(given: GivenReply, question: Question) -> tuple[Any, str]:
    """The value of an answer and the comment.

    Raises:
        ValueError: it does not go with the question; in words.
        FlowError: it is no answer, or more than one.
    """
    from patchbay.flows.runs.answers import approval, suits

    if unknown := sorted(given.keys() - GivenReply.__annotations__.keys()):
        raise _usage(f"An answer has no {unknown[0]!r}.")
    used = [way for way in WAYS if way in given]
    if len(used) != 1:
        said = " and ".join(f"{way}=" for way in used)
        raise _usage(f"{said} are different answers." if used else "There is no answer.")
    wants = question.wants
    suits(f"{used[0]}=", question)
    match used[0]:
        case "approve":
            if not isinstance(given["approve"], bool):  # "no" and "false" are true in Python
                raise ValueError(f"approve is true or false, not {given['approve']!r}.")
            return approval(question, yes=bool(given["approve"])), ""
        case "reject":
            why = given["reject"]
            if not isinstance(why, str):
                raise ValueError("reject is the reason: a text.")
            value = approval(question, yes=False, message=why)
            return value, "" if isinstance(wants, DecisionWanted) else why
        case "choose":
            return given["choose"], ""
        case "respond":
            return {"decision": "respond", "message": given["respond"]}, ""
        case "form":
            assert isinstance(wants, FormWanted)  # noqa: S101 - `suits` has seen to it
            return _whole(given["form"], wants), ""
    value = given["value"]
    if isinstance(wants, DecisionWanted) and isinstance(value, dict) and "decision" not in value:
        return {"decision": "edit", "arguments": value}, ""
    return value, ""


def _whole(form: Mapping[str, Any], wants: FormWanted) -> dict[str, Any]:
    """The fields with those that may be left out."""
    properties: Any = wants.schema.get("properties", {})
    required: Any = wants.schema.get("required", [])
    left_out = {n: p.get("default") for n, p in properties.items() if n not in required}
    return {**left_out, **form}


def _usage(message: str) -> FlowError:
    fix = f"Give one of {', '.join(f'{way}=' for way in WAYS)}, beside comment= and who=."
    return FlowError([Problem("question/wrong-answer", message, fix)])
