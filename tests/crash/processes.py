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
from pathlib import Path

from patchbay.flows.runs.events import Event, RunFinished
from patchbay.flows.runs.history import History
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.nodes.context import IDEMPOTENCY_KEY
from tests.crash.faults import Ledger
from tests.crash.flows import FLOWS, GIVEN
from tests.crash.scenarios import Scenarios

ORDER = ("agent", "loop", "crew", "steps", "samples")


class FileLedger(Ledger):
    """Effects as lines of a file, which outlives the process."""

    file: Path

    @classmethod
    def effect(cls) -> None:
        """One line, written at once."""
        with FileLedger.file.open("a", encoding="utf-8") as lines:
            lines.write(IDEMPOTENCY_KEY.get() + "\n")


def kill_processes(folder: Path, wanted: int, chance: random.Random) -> None:
    """Kill so many processes, and see that every run ends right.

    Raises:
        AssertionError: one did not, or did something again that it had on the disk.
    """
    kills = runs = repeated = 0
    import patchbay.nodes.agents.react_loop  # noqa: F401 - what a fork need not import
    from patchbay.nodes.agents.crewai_setup import prepare

    prepare()
    lasts = {name: _whole(folder, name) for name in ORDER}
    while kills < wanted:
        name = ORDER[runs % len(ORDER)]
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
    """One run, killed up to three times. How often it was, and how many steps were repeated."""
    _prepare(place)
    kills, run_id = 0, f"run-{place.name}"
    while True:
        pid = os.fork()
        if pid == 0:
            os._exit(_guarded(place, name, run_id))
        if kills < 3:
            time.sleep(chance.uniform(0, lasts * 1.2))
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            kills += 1
            continue
        assert os.waitstatus_to_exitcode(status) == 0, f"{name} ended with {status}"
        break
    lines = (place / "done").read_text(encoding="utf-8").split("\n")[:-1]
    times = Counter(lines)
    assert "" not in times, "an effect without a key"
    repeated = sum(times.values()) - len(times)
    history = History(f"sqlite:///{place / 'history.sqlite'}")
    assert history.get(run_id).status == "finished"
    history.close()
    # At the moment of a kill at most so many steps are under way as the flow makes side by side.
    assert repeated <= kills * 8, (name, times)
    return kills, repeated


def _guarded(place: Path, name: str, run_id: str) -> int:
    try:
        _child(place, name, run_id)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _child(place: Path, name: str, run_id: str) -> None:
    """Run a flow, or go on with it, in this process."""
    FileLedger.file = place / "done"
    Ledger.effect = FileLedger.effect  # type: ignore[method-assign]
    history = History(f"sqlite:///{place / 'history.sqlite'}")
    env = Scenarios.over(history, place).environment()
    known = [past for past in history.runs() if past.id == run_id]
    if known and known[0].status == "finished":
        return
    if known:
        run = resumed_run(history, known[0], env)
    else:
        document = FLOWS[name]()
        run = Run(LoadedFlow(document, place), GIVEN.get(name, {}), env, run_id=run_id or None)
        run.add_sink(history.recorder(run.id, document, place))

    async def last() -> Event:
        return [event async for event in run.events()][-1]

    ended = asyncio.run(last())
    history.close()
    assert isinstance(ended, RunFinished), ended
