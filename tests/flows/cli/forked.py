"""`python -m patchbay.flows` in processes forked from one that has imported it already.

What a command says and how it ends is the same, without a second of imports each time, and
two more where a model is asked. How a command starts is seen by `tests/startup.py` and by the
tests that start it themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

TIMEOUT_S = 240

# No thread may be there before it forks, nor a library that computes.
_PROGRAM = """
import gc, json, os, runpy, sys, threading
import patchbay.flows.cli.app, patchbay.flows.cli.run, patchbay.flows.cli.look
import patchbay.flows.checks.rules, patchbay.flows.cli.inbox, patchbay.flows.cli.threads
import patchbay.flows.runs.history, sqlalchemy.dialects.postgresql, sqlalchemy.dialects.sqlite
import langchain_core.tracers.langchain, patchbay.nodes.models.ask, patchbay.nodes.models.llama.chat
assert threading.active_count() == 1
assert not {"numpy", "tokenizers", "torch", "xllamacpp"} & set(sys.modules)

def request():
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            return asked
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(1, f"{code}\\n".encode())
    os._exit(0)

gc.freeze()
asked = request()
os.environ.clear()
os.environ.update(asked["env"])
os.chdir(asked["cwd"])
for number, name, flags in ((0, os.devnull, os.O_RDONLY), (1, asked["out"], os.O_WRONLY),
                            (2, asked["err"], os.O_WRONLY)):
    opened = os.open(name, flags)
    os.dup2(opened, number)
    os.close(opened)
sys.argv = ["patchbay", *asked["arguments"]]
sys.path[0] = asked["cwd"]
runpy.run_module("patchbay.flows", run_name="__main__", alter_sys=True)
"""


class Forked:
    """Runs commands one after the other, each in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], env: Mapping[str, str]) -> None:
        self._process, self._env = process, env

    def run(
        self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """What `subprocess.run` would return; the same interpreter settings only."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            out.touch()
            err.touch()
            asked = {"arguments": arguments, "cwd": str(cwd), "env": dict(env)}
            asked |= {"out": str(out), "err": str(err)}
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
            if not comes(self._process.stdout.fileno(), TIMEOUT_S):
                os.killpg(self._process.pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(arguments), TIMEOUT_S)
            code = int(self._process.stdout.readline())
            said = [path.read_text(encoding="utf-8") for path in (out, err)]
        return subprocess.CompletedProcess(list(arguments), code, *said)

    def takes(self, env: Mapping[str, str]) -> bool:
        """Whether an environment asks nothing of Python that this one was not started with."""
        return _of_python(env) == _of_python(self._env)


def comes(file: int, most_s: float) -> bool:
    """Whether something can be read within so many seconds. Not by `select.select`, which takes no
    file beyond the thousandth that a process has open."""
    waiting = select.poll()
    waiting.register(file, select.POLLIN)
    return bool(waiting.poll(most_s * 1000))


def _of_python(env: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in env.items() if name.startswith(("PYTHON", "LC_", "LANG"))}


@contextlib.contextmanager
def forked(env: Mapping[str, str]) -> Iterator[Forked]:
    """One process that forks the others, until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(env),
        start_new_session=True,
    )
    try:
        yield Forked(process, env)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
