"""Real kills: a process that runs a flow is sent SIGKILL at a random moment, then another goes on.

The processes are forks of one that has imported everything, so that the moments fall into the run
and not into its start. What is done outside stands in a file: the key of each step, as it is done.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.answers import gone_on_with
from patchbay.flows.runs.events import Event, RunFinished, RunWaiting
from patchbay.flows.runs.history import History
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import Run, new_run_id
from patchbay.nodes.context import IDEMPOTENCY_KEY
from tests.crash.faults import Ledger
from tests.crash.person import Person
from tests.crash.scenarios import Scenarios

ORDER = (
    "agent", "questions", "loop", "asked_agent", "crew", "steps", "asked_loop", "asked_crew",
    "samples",
)  # fmt: skip
PEOPLE = ("questions", "asked_agent", "asked_loop", "asked_crew")
"""Flows that ask people."""
MOST_KILLS = 3


class FileLedger(Ledger):
    """Effects as lines of a file, which outlives the process."""

    file: Path

    @classmethod
    def effect(cls) -> None:
        """One line, written at once."""
        with FileLedger.file.open("a", encoding="utf-8") as lines:
            lines.write(IDEMPOTENCY_KEY.get() + "\n")


def kill_processes(
    folder: Path, wanted: int, chance: random.Random, only: Sequence[str] = ()
) -> None:
    """Kill so many processes, of all flows or only of some, and see that every run ends right.

    Raises:
        AssertionError: one did not, or did something again that it had on the disk.
    """
    kills = runs = repeated = 0
    import patchbay.nodes.agents.react_loop  # noqa: F401 - what a fork need not import
    from patchbay.nodes.agents.crewai_setup import prepare

    prepare()
    order = tuple(only) or ORDER
    lasts = {name: _whole(folder, name) for name in order}
    while kills < wanted:
        name = order[runs % len(order)]
        done, again = _one(folder / f"real-{runs}", name, lasts[name], chance)
        kills, runs, repeated = kills + done, runs + 1, repeated + again
        print(f"{kills} of {wanted} processes killed in {runs} runs; {repeated} steps made again "
              "between effect and commit", flush=True)  # fmt: skip


def _whole(folder: Path, name: str) -> float:
    """How long a run takes that nobody kills, in seconds."""
    place = folder / f"whole-{name}"
    _prepare(place)
    began = time.monotonic()
    pid = os.fork()  # nothing runs in the parent: its threads would be missing in the children
    if pid == 0:
        os._exit(_guarded(place, name, ""))
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, f"{name} ended with {status}"
    return time.monotonic() - began


def _prepare(place: Path) -> None:
    place.mkdir()
    history = History(f"sqlite:///{place / 'prepare.sqlite'}")
    Scenarios.over(history, place)
    history.close()


def _one(place: Path, name: str, lasts: float, chance: random.Random) -> tuple[int, int]:
    """One run, killed up to three times. How often it was, and how many steps were repeated.

    Where it asks people, they answer from processes of their own: one that goes on with the run, or
    one beside the process that has it. These are killed as well.
    """
    _prepare(place)
    kills, run_id, seen = 0, f"run-{place.name}", Seen(place)
    while not _ended(place, run_id):
        begun = (place / "history.sqlite").exists()
        lives = [_forked(place, name, run_id, chance.choice((None, 1)) if begun else None)]
        if begun and name in PEOPLE and chance.random() < 0.4:
            lives.append(_forked(place, name, run_id, 2))  # somebody else answers meanwhile
        for pid in lives:
            status = _waited(pid, chance.uniform(0, lasts * 1.2) if kills < MOST_KILLS else None)
            if os.WIFSIGNALED(status):
                kills += 1
            else:
                code = os.waitstatus_to_exitcode(status)
                assert code == 0, f"{name} ended with {status}"
        seen.look(run_id)
    seen.look(run_id)
    # At the moment of a kill at most so many steps are under way as the flow makes side by side.
    assert seen.repeated <= kills * 8, (name, seen.times)
    return kills, seen.repeated


def _waited(pid: int, seconds: float | None) -> int:
    """How a process ended, which is killed after so long."""
    until = None if seconds is None else time.monotonic() + seconds
    while until is not None and time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        time.sleep(min(0.02, max(0.0, until - time.monotonic())))
    if until is not None:
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


class Seen:
    """What has been done outside, and what of it was on the disk when nobody was at work.

    Args:
        place: the folder of the run.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._committed: dict[str, int] = {}
        self.times: Counter[str] = Counter()

    @property
    def repeated(self) -> int:
        """How many steps were made once more."""
        return sum(self.times.values()) - len(self.times)

    def look(self, run_id: str) -> None:
        """See what is done now.

        Raises:
            AssertionError: a step that was on the disk has been made again.
        """
        done = self._place / "done"
        lines = done.read_text(encoding="utf-8").split("\n")[:-1] if done.exists() else []
        self.times = Counter(lines)
        assert "" not in self.times, "an effect without a key"
        again = {key for key, times in self._committed.items() if self.times[key] > times}
        assert not again, f"on the disk, and made again: {again}"
        if not (self._place / "history.sqlite").exists():
            return
        history = History(f"sqlite:///{self._place / 'history.sqlite'}")
        table = history.table("steps")
        of_run = table.select().with_only_columns(table.c.key).where(table.c.run == run_id)
        keys = history.read(lambda db: list(db.execute(of_run).scalars()))
        history.close()
        self._committed |= {key: self.times[key] for key in keys}


def _ended(place: Path, run_id: str) -> bool:
    file = place / "history.sqlite"
    if not file.exists():
        return False
    history = History(f"sqlite:///{file}")
    try:
        known = [past.status for past in history.runs() if past.id == run_id]
    finally:
        history.close()
    return known == ["finished"]


def _forked(place: Path, name: str, run_id: str, answers: int | None) -> int:
    """Begin a process that begins the run or goes on with it; with `answers`, by an answer."""
    pid = os.fork()
    if pid == 0:
        os._exit(_guarded(place, name, run_id, answers))
    return pid


def _guarded(place: Path, name: str, run_id: str, answers: int | None = None) -> int:
    try:
        _child(place, name, run_id, answers)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _child(place: Path, name: str, run_id: str, answers: int | None) -> None:
    """Run a flow, go on with it, or answer what it asks, in this process."""
    FileLedger.file = place / "done"
    Ledger.effect = FileLedger.effect  # type: ignore[method-assign]
    history = History(f"sqlite:///{place / 'history.sqlite'}")
    scenarios = Scenarios.over(history, place)
    run = _begun(scenarios, name, run_id, answers)
    while run is not None:
        ended = asyncio.run(_last(run))
        assert isinstance(ended, (RunFinished, RunWaiting)), ended
        stays = not run_id or random.random() < 0.8  # else the next process answers
        run = _answered(scenarios, run.id) if stays and isinstance(ended, RunWaiting) else None
    history.close()


def _begun(scenarios: Scenarios, name: str, run_id: str, answers: int | None) -> Run | None:
    """The run that this process has; None where it is ended, or another one has it."""
    history = scenarios.history
    known = [past for past in history.runs() if past.id == run_id]
    if not known:  # who answers begins none
        return scenarios.new(name, run_id or new_run_id()) if answers is None else None
    if known[0].status == "finished":
        return None
    if answers is not None and history.inbox.open(run_id):
        for _ in range(answers):
            if (run := _answered(scenarios, run_id)) is not None:
                return run
        return None
    try:
        return resumed_run(history, history.get(run_id), scenarios.environment())
    except FlowError as error:
        return _refused(error, "history/running", "history/finished")


def _answered(scenarios: Scenarios, run_id: str) -> Run | None:
    """Answer a question; the run, where it is this process's then."""
    try:
        mine = Person(scenarios.history, run_id, random.Random()).answers()
    except FlowError as error:  # the other process was faster
        return _refused(error, "question/answered", "question/ended")
    return gone_on_with(scenarios.history, run_id, scenarios.environment()) if mine else None


def _refused(error: FlowError, *codes: str) -> None:
    """The other process was faster.

    Raises:
        FlowError: it is something else.
    """
    if error.problems[0].code not in codes:
        raise error


async def _last(run: Run) -> Event:
    return [event async for event in run.events()][-1]
