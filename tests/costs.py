"""What the tests cost: seconds by file, and of the tests that another checkout has.

`python -m pytest -p tests.costs PATHS` adds a table to what pytest prints: for each file the
seconds on the clock while its tests ran, and the seconds of processor time (user and system) that
the test processes and all that they started spent in them.

`python -m tests.costs CHECKOUT` runs those tests of this checkout that CHECKOUT has too, and says
what they took together. With `--theirs` it runs all tests of CHECKOUT first, with the environment
that lies in it, so that both figures come from one machine. Processor seconds depend less on what
else runs than those on a clock, but they do: on two busy cores they are a quarter higher.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.paths import ROOT

LISTED = "PATCHBAY_TESTS_LISTED"
"""The file with the ids of the tests to run; without it all of them run."""
KEY = "patchbay_costs"
START = "(start and collection)"
MOST = 60
"""Lines of the table."""


def spent() -> float:
    """Processor seconds of this process, of all that it waited for, and of all that it runs."""
    own = os.times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in psutil.Process().children(recursive=True):
        try:
            total += sum(child.cpu_times()[:4])
        except psutil.Error:  # it ended meanwhile
            continue
    return total


Costs = dict[str, tuple[float, float]]
"""Of files: seconds on the clock, and of processor time."""


def added(costs: Costs, file: str, clock: float, processor: float) -> None:
    """Add to what a file costs."""
    before = costs.get(file, (0.0, 0.0))
    costs[file] = before[0] + clock, before[1] + processor


class Meter:
    """Gives what is spent to the file whose tests run."""

    def __init__(self) -> None:
        self.files: Costs = {}
        self.file = START
        self.last = 0.0
        self.since = psutil.Process().create_time()

    def enter(self, file: str) -> None:
        """From here on, `file` pays; a look at all processes takes a moment, so once per file."""
        if file == self.file:
            return
        now, clock = spent(), time.time()
        added(self.files, self.file, clock - self.since, max(0.0, now - self.last))
        self.file, self.last, self.since = file, now, clock

    def end(self) -> Costs:
        self.enter("")
        return self.files


meter = Meter()
workers: list[Costs] = []
"""What the processes of pytest-xdist report."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    meter.enter(item.nodeid.partition("::")[0])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if path := os.environ.get(LISTED):
        listed = set(json.loads(Path(path).read_text(encoding="utf-8")))
        kept = [item for item in items if item.nodeid in listed]
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in listed])
        items[:] = kept


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[KEY] = meter.end()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    workers.append(getattr(node, "workeroutput", {}).get(KEY, {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    total: Costs = {}
    for part in workers or [meter.end()]:
        for file, costs in part.items():
            added(total, file, *costs)
    terminalreporter.section("seconds on the clock, and of the processor")
    for file, (clock, processor) in sorted(total.items(), key=lambda found: -sum(found[1]))[:MOST]:
        terminalreporter.write_line(f"{clock:8.1f} {processor:8.1f} {file}")
    sums = map(sum, zip(*total.values(), strict=True))
    terminalreporter.write_line(f"{' '.join(f'{one:8.1f}' for one in sums)} together")


def ids(checkout: Path) -> list[str]:
    """The tests of a checkout, collected with the environment that lies in it."""
    done = subprocess.run(
        [*_python(checkout), "--collect-only", "-n", "0", "-o", "addopts=-q"],
        cwd=checkout, env=_environ(checkout), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"The tests of {checkout} cannot be collected:\n{done.stdout[-3000:]}")
    return [line for line in done.stdout.splitlines() if line.startswith("tests/")]


def shared(theirs: Iterable[str], ours: Iterable[str]) -> list[str]:
    """Those of our tests that are among theirs: by id, or by name where the file has moved.

    Where ours goes through all cases in one test, it stands for the cases of theirs.
    """
    exact = set(theirs)
    names = Counter(_name(nodeid) for nodeid in exact)
    whole = {_name(nodeid).partition("[")[0] for nodeid in exact}
    rest, found = [], []
    for nodeid in ours:
        if nodeid in exact:
            names[_name(nodeid)] -= 1
            found.append(nodeid)
        else:
            rest.append(nodeid)
    for nodeid in rest:
        if names[name := _name(nodeid)] > 0:
            names[name] -= 1
            found.append(nodeid)
        elif "[" not in name and name in whole and name not in names:
            found.append(nodeid)
    return found


def _name(nodeid: str) -> str:
    return nodeid.partition("::")[2]


def _python(checkout: Path) -> list[str]:
    return [str(checkout / ".venv" / "bin" / "python"), "-m", "pytest", "-p", "no:cacheprovider"]


def _environ(checkout: Path) -> dict[str, str]:
    """This process's environment; for another checkout without what leads to this one."""
    leads = () if checkout == ROOT else ("PYTHONPATH", LISTED)
    return {name: value for name, value in os.environ.items() if name not in leads}


def took(checkout: Path, *options: str, **env: str) -> float:
    """Run tests of a checkout as `make test` does; the processor seconds of all its processes.

    A test that fails costs what it costs; tests that did not run at all end this.
    """
    before = os.times()
    command = [*_python(checkout), "-n", "2", "--dist", "loadfile", *options]
    ended = subprocess.run(command, cwd=checkout, env=_environ(checkout) | env, check=False)
    after = os.times()
    if ended.returncode not in (0, 1):
        raise SystemExit(f"The tests of {checkout} did not run (pytest says {ended.returncode}).")
    if ended.returncode:
        print(f"Some tests of {checkout} failed: the figure is about right at best.")
    return (
        after.children_user
        + after.children_system
        - (before.children_user + before.children_system)
    )


def main(arguments: list[str]) -> None:
    """Compare with another checkout."""
    parser = argparse.ArgumentParser(prog="python -m tests.costs", description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout with a .venv of its own")
    parser.add_argument("--theirs", action="store_true", help="run its tests as well")
    given = parser.parse_args(arguments)
    theirs = ids(given.checkout.resolve())
    ours = shared(theirs, ids(ROOT))
    then = took(given.checkout.resolve()) if given.theirs else None
    if not ours:
        raise SystemExit(f"No test of {given.checkout} is here.")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as listed:
        json.dump(ours, listed)
        listed.flush()
        now = took(ROOT, "-p", "tests.costs", **{LISTED: listed.name})
    if then is not None:
        print(f"{then:8.1f} s for the {len(theirs)} tests of {given.checkout}")
    print(f"{now:8.1f} s for the {len(ours)} of them that are here")
    if then is not None:
        print(f"{now / then:8.2f} of what they took")


if __name__ == "__main__":
    main(sys.argv[1:])
