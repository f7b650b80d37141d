"""Load a real server, and see what is left of it.

    python -m tests.load --seconds 600

Prints figures before and after as a table, kills the server while runs go on in the background,
and sees that each of them is there afterwards and goes on. Ends with 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.flows.server.flows import write
from tests.flows.server.test_command import plugin_environ, started
from tests.load.clients import VISITS, WORDS, Visitor

LIMITS = ("--at-once", "8", "--queue", "200", "--quiet")
BACKGROUND = 40
"""Runs that are at work or wait when the server is killed."""
_SETTLE_S, _CALM_S = 400, 35
"""How long what nobody waits for may take to end; streams that nobody reads go on for 30 s."""


@dataclass
class State:
    """What the server has and holds."""

    busy: int
    queued: int
    tasks: int
    files: int
    threads: int
    uploads: int
    megabytes: float


class Load:
    """Visitors of one server.

    Args:
        seconds: how long they come.
        callers: how many at once.
        seed: what they do.
        folder: the home of the server and its flows.
        workers: its processes.
    """

    def __init__(
        self, seconds: float, callers: int, seed: int, folder: Path, workers: int = 1
    ) -> None:
        self._seconds, self._callers, self._seed = seconds, callers, seed
        self._folder, self._workers = folder, workers
        self.wrong: list[str] = []
        self.visits: collections.Counter[str] = collections.Counter()
        self.said: collections.Counter[str] = collections.Counter()
        self.refused = 0

    def run(self, *, kill: bool = True) -> int:
        """All of it. Returns the exit code."""
        names = ("shout", "slow", "words", "size", "approve")
        flows = write(self._folder / "flows", *names)
        environ = plugin_environ(self._folder)
        words = [str(flows), *LIMITS, "--workers", str(self._workers)]
        with started(environ, *words) as (process, address, _):
            self._listen(process)
            asyncio.run(self._load(psutil.Process(process.pid), address))
            begun = asyncio.run(self._begin(address)) if kill else []
            if kill:
                process.send_signal(signal.SIGKILL)
        if kill:
            with started(environ, *words) as (process, address, _):
                self._listen(process)
                asyncio.run(self._go_on(address, begun))
        for line, count in self.said.most_common(5):
            print(f"the server said {count} times: {line}")
        for line in self.wrong[:20]:
            print(f"wrong: {line}")
        return 1 if self.wrong else 0

    def _listen(self, process: subprocess.Popen[str]) -> None:
        """Read what the server says: one whose pipe is full waits until somebody does."""

        def read() -> None:
            with contextlib.suppress(ValueError):  # closed at the end
                for line in process.stderr or ():
                    self.said[line.partition(" ")[2].partition(" ")[2][:80].strip()] += 1

        threading.Thread(target=read, daemon=True).start()

    def _visitor(self, address: str, seed: int) -> Visitor:
        place = urlsplit(address)
        key = (self._folder / "home" / "serve-key").read_text().strip()
        return Visitor(str(place.hostname), int(place.port or 0), key, random.Random(seed))

    async def _load(self, process: psutil.Process, address: str) -> None:
        await self._come(address, min(15.0, self._seconds / 4))  # so that all is loaded
        before = await self._settled(process, address)
        self.visits.clear()
        begun = time.monotonic()
        await self._come(address, self._seconds)
        seconds = time.monotonic() - begun
        after = await self._settled(process, address)
        total = sum(self.visits.values())
        print(
            f"{total} visits by {self._callers} callers in {seconds:.0f} s; {self.refused} refused"
        )
        print(", ".join(f"{name} {count}" for name, count in sorted(self.visits.items())))
        print("\n| | before | after |\n|---|---|---|")
        for name, value in vars(before).items():
            print(f"| {name} | {value:g} | {vars(after)[name]:g} |")
        most = State(0, 0, before.tasks + 3, before.files + 8, before.threads + 6,
                     before.uploads, before.megabytes * 1.25 + 10)  # fmt: skip
        for name, limit in vars(most).items():
            if vars(after)[name] > limit:
                self.wrong.append(f"{name}: {vars(before)[name]} before, {vars(after)[name]} after")

    async def _come(self, address: str, seconds: float) -> None:
        until = time.monotonic() + seconds

        async def one(number: int) -> None:
            me = self._visitor(address, self._seed * 1000 + number)
            while time.monotonic() < until:
                visit = me.chance.choice(VISITS)
                try:
                    await asyncio.wait_for(visit(me), 120)
                except Exception as error:
                    self.wrong.append(f"{visit.__name__}: {type(error).__name__}: {error}"[:300])
                self.visits[visit.__name__] += 1
            self.refused += me.refused

        await asyncio.gather(*(one(number) for number in range(self._callers)))

    async def _settled(self, process: psutil.Process, address: str) -> State:
        """The state of the server when nothing goes on any more."""
        until, calm = time.monotonic() + _SETTLE_S, time.monotonic() + _CALM_S
        me = self._visitor(address, 0)
        while True:
            state = await self._state(me, process)
            quiet = state.busy == state.queued == 0
            if time.monotonic() > until or (quiet and time.monotonic() > calm):
                return state
            await asyncio.sleep(1)

    async def _state(self, me: Visitor, process: psutil.Process) -> State:
        async with me.line() as (reading, writing):
            writing.write(me.request("GET", "/metrics", Connection="close"))
            text = (await reading.read()).decode()

        def figure(name: str) -> int:
            found = re.search(rf"^{name} (\d+)", text, re.M)
            return int(found[1]) if found else -1

        every = [process, *process.children()]
        uploads = self._folder / "home" / "serve-uploads"
        return State(
            figure("patchbay_slots_busy"), figure("patchbay_queue"), figure("patchbay_tasks"),
            sum(one.num_fds() for one in every), sum(one.num_threads() for one in every),
            len(list(uploads.glob("*"))) if uploads.is_dir() else 0,
            round(sum(one.memory_info().rss for one in every) / 1e6, 1),
        )  # fmt: skip

    # --- kill -9 ------------------------------------------------------------------------------

    async def _begin(self, address: str) -> list[str]:
        """Runs in the background, with visitors beside them."""
        me = self._visitor(address, 1)
        others = asyncio.ensure_future(self._come(address, 3600))
        begun = []
        while len(begun) < BACKGROUND:
            body = {"question": WORDS * 4, "background": True}
            status, told = await me.call("POST", "/flows/slow/run", body)
            if status == 202:
                begun.append(told["run"])
        others.cancel()
        await asyncio.gather(others, return_exceptions=True)
        return begun

    async def _go_on(self, address: str, begun: list[str]) -> None:
        me = self._visitor(address, 2)
        found: collections.Counter[str] = collections.Counter()
        for run in begun:
            status, told = await me.call("GET", f"/runs/{run}")
            if status != 200:
                self.wrong.append(f"{run} is lost: {told}")
                continue
            found[told["status"]] += 1
            if told["status"] == "interrupted":
                status, told = await me.call("POST", f"/runs/{run}/resume")
                if status != 202:
                    self.wrong.append(f"{run} does not go on: {told}")
        until = time.monotonic() + 300
        for run in begun:
            told = None
            while told is None or (told["status"] != "finished" and time.monotonic() < until):
                _, told = await me.call("GET", f"/runs/{run}")
                await asyncio.sleep(0.05)
            if told["status"] != "finished" or told["outputs"] != {"answer": WORDS * 4}:
                self.wrong.append(f"{run}: {told}")
        stood = ", ".join(f"{count} {status}" for status, count in found.items())
        print(
            f"\nkill -9 with {len(begun)} runs in the background: {stood}; all went on to their end"
        )


def main() -> int:
    """Read the options, and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--callers", type=int, default=24)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--workers", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        load = Load(given.seconds, given.callers, given.seed, Path(folder), given.workers)
        return load.run()


if __name__ == "__main__":
    raise SystemExit(main())
