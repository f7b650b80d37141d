"""A run as a turn of a conversation: what was said before goes in, its answer is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.inputs import flow_inputs
from patchbay.flows.runs.origins import Origin
from patchbay.flows.runs.running import LoadedFlow, Run, new_run_id
from patchbay.flows.wording import listed
from patchbay.nodes.values import Message

if TYPE_CHECKING:
    from patchbay.flows.checks.resolve import Resolved
    from patchbay.flows.runs.environment import Environment
    from patchbay.flows.runs.history import History, PastRun
    from patchbay.flows.runs.subflows import Prepared
    from patchbay.flows.runs.thread_holds import Hold
    from patchbay.flows.runs.threads import Thread, Threads
    from patchbay.nodes.contract import InputField


@dataclass(frozen=True, slots=True)
class InThread:
    """That a run is a turn of a thread.

    Args:
        id: the thread; one that does not exist is begun. None begins one that gets an id.
        again: make the last turn anew: its question is asked again, and the new answer takes the
            place of the old one when it is there.
        when_busy: what to do while another run is at work in the thread.
        title: of a thread that is begun; the first question unless given.
        person: whose a thread is that is begun, and whom the run is for.
    """

    id: str | None = None
    again: bool = False
    when_busy: Literal["wait", "refuse"] = "wait"
    title: str = ""
    person: str = ""


@dataclass(frozen=True)
class Turning:
    """A run that is checked and still has to take its thread."""

    run: Run
    thread: Thread
    input: str
    question: tuple[Message, ...]
    use: InThread
    history: History
    file: Path | None = None
    """The flow's."""

    def now(self) -> Run:
        """The run, which holds its thread.

        Raises:
            FlowError: another run is at work in the thread, or it has been deleted.
        """
        from patchbay.flows.runs.thread_holds import take

        return self._joined(take(*self._place(), again=self.use.again))

    async def when_free(self) -> Run:
        """The run, which holds its thread, as soon as no other one does.

        Raises:
            FlowError: it has been deleted; or is busy, and the caller does not want to wait.
        """
        from patchbay.flows.runs.thread_holds import taken, waited

        if self.use.when_busy == "refuse":
            return self._joined(await taken(*self._place(), again=self.use.again))
        return self._joined(await waited(*self._place(), again=self.use.again))

    def _place(self) -> tuple[Any, ...]:
        from patchbay.flows.runs.threads import Threads

        return (Threads(self.history), self.thread, self.run.id, self.input, self.question)

    def _joined(self, hold: Hold) -> Run:
        run = self.run
        try:
            run.join(hold)
        except BaseException:
            hold.release()
            raise
        origin = Origin(self.file, pinned=run.environment.pinned)
        run.add_sink(
            self.history.recorder(
                run.id, run.flow, run.folder, (), hold.ending, said=hold.said(), origin=origin
            )
        )
        return run


def turn_of(
    flow: LoadedFlow,
    inputs: Mapping[str, Any],
    env: Environment,
    use: InThread,
    history: History,
    run_id: str | None = None,
    prepared: Prepared | None = None,
) -> Turning:
    """Check a run that is to be a turn of a thread.

    Args:
        flow: the flow that answers.
        inputs: values of its inputs; among them, the message.
        env: what the run gets besides.
        use: which thread, and how.
        history: where it is kept.
        run_id: the id of the run, where it has one already.
        prepared: the flow as `prepare` made it, by a server: then nothing given names a file.

    Raises:
        FlowError: the flow has errors or cannot be talked to, the inputs do not fit, the id is
            none, or there is no turn to make anew.
    """
    from patchbay.flows.checks.resolve import resolve_once
    from patchbay.flows.runs.desk import RecordedDesk
    from patchbay.flows.runs.threads import Threads, checked_id

    threads = Threads(history)
    field = talked_to(resolve_once(flow.flow, env.catalog))
    found = threads.find(checked_id(use.id)) if use.id is not None else None
    given = dict(inputs)
    if use.again:
        given[field.name] = _last_question(threads, found, use, field)
    run_id = run_id or new_run_id()
    env = replace(env, desk=RecordedDesk(history, run_id, env.catalog.value_types))
    near = prepared is None
    run = Run(flow, given, env, run_id=run_id, prepared=prepared, from_person=near)
    question = _as_messages(run.inputs[field.name])
    if found is None:
        said = " ".join(message.content for message in question)
        title = use.title or threads.title_of(said) or "Conversation"
        place = str(flow.path or "")
        found = _begun(threads, use, title, flow.flow.name, place)
    return Turning(run, found, field.name, question, use, history, flow.path)


def _begun(threads: Threads, use: InThread, title: str, flow: str, place: str) -> Thread:
    """The thread, begun now, or by another run at the same moment.

    Raises:
        FlowError: that one was of another person.
    """
    try:
        return threads.start(use.id, title=title, flow=flow, place=place, person=use.person)
    except FlowError as error:
        found = threads.find(use.id or "") if error.problems[0].code == "thread/exists" else None
        if found is None or found.person != use.person:
            raise
        return found


def rejoin(run: Run, past: PastRun, history: History) -> Hold | None:
    """Put a run that is resumed back into its thread, if it was a turn of one.

    Raises:
        FlowError: the thread is in use, has gone on since, or has been deleted.
    """
    from patchbay.flows.runs.thread_holds import take
    from patchbay.flows.runs.threads import Threads

    table = history.store.table("thread_runs")
    query = table.select().where(table.c.run == past.id)
    row = history.store.do(lambda db: db.execute(query).first())
    if row is None:
        return None
    threads, question = Threads(history), _as_messages(run.inputs[row.input])
    hold = take(
        threads, threads.get(row.thread), past.id, row.input, question,
        again=row.again, before=row.before,
    )  # fmt: skip
    run.join(hold)
    return hold


def talked_to(resolved: Resolved) -> InputField:
    """The input of a flow that a message goes to: its one conversation, or else its one text.

    Raises:
        FlowError: there is none, or more than one.
    """
    fields = [field for _, field in flow_inputs(resolved)]
    for kind in ("messages", "text"):
        of_kind = [field for field in fields if field.kind == kind]
        needed = [field for field in of_kind if field.required]
        if len(needed) == 1 or len(of_kind) == 1:
            return (needed or of_kind)[0]
        if of_kind:
            message = f"A message could go to {listed(field.name for field in of_kind)}."
            fix = "Leave one input of that kind without a default: it gets the message."
            raise FlowError([Problem("thread/no-input", message, fix)])
    raise FlowError(
        [
            Problem(
                "thread/no-input",
                f'"{resolved.flow.name}" cannot be talked to: it asks for no messages and no text.',
                'Give it a Flow input of the kind "messages".',
            )
        ]
    )


def _last_question(threads: Any, found: Thread | None, use: InThread, field: InputField) -> Any:
    from patchbay.flows.runs.threads import unknown

    if found is None:
        raise unknown(use.id or "", [known.id for known in threads.listed(limit=20)])
    turns = threads.turns(found.id)
    if not turns or turns[-1].damaged:
        what = "is damaged" if turns else "does not exist yet"
        problem = Problem(
            "thread/turn",
            f'The last turn of the thread "{found.id}" {what}; it cannot be made anew.',
            "Ask something instead.",
        )
        raise FlowError([problem])
    return list(turns[-1].question) if field.kind == "messages" else turns[-1].asked


def _as_messages(value: Any) -> tuple[Message, ...]:
    return (Message(role="user", content=value),) if isinstance(value, str) else tuple(value)
