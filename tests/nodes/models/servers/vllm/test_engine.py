"""The life of the server's process, with small programs in vLLM's place where it is about that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.servers.vllm.engine import COMMAND, VllmEngine, program
from patchbay.nodes.models.servers.vllm.spec import VllmModel
from patchbay.nodes.weights.refs import quiet

SPEC = VllmModel(weights="smollm2-135m-instruct")
KEEPER = [sys.executable, "-m", "patchbay.nodes.models.servers.vllm.keeper"]
FAMILY = "sleep 300 & echo $! $$ > {}; wait"
"""A server that begins a process of its own, and says both numbers."""


def script(folder: Path, text: str) -> str:
    """A program of these words."""
    place = folder / "vllm"
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)
    return str(place)


def kept(folder: Path) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A keeper with a server that has begun another process, and their numbers."""
    said = folder / "said"
    command = [*KEEPER, "/bin/sh", "-c", FAMILY.format(said)]
    keeper = subprocess.Popen(command, stdin=subprocess.PIPE)
    deadline = time.monotonic() + 240
    while not (said.is_file() and said.read_text().endswith("\n")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return keeper, [int(number) for number in said.read_text().split()]


def gone(numbers: list[int]) -> bool:
    """Whether none of these runs within four minutes."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if not any(map(_runs, numbers)):
            return True
        time.sleep(0.05)
    return False


def _runs(number: int) -> bool:
    try:
        return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class TestKeeper:
    """Nobody is left."""

    def test_when_the_pipe_closes(self, tmp_path: Path) -> None:
        keeper, family = kept(tmp_path)
        assert keeper.stdin is not None
        keeper.stdin.close()
        assert gone(family)
        keeper.wait(240)

    def test_when_its_starter_is_killed(self, tmp_path: Path) -> None:
        said = tmp_path / "said"
        starter = (
            "import subprocess, sys, time\n"
            f"subprocess.Popen({[*KEEPER, '/bin/sh', '-c', FAMILY.format(said)]!r}, "
            "stdin=subprocess.PIPE)\ntime.sleep(300)"
        )
        process = subprocess.Popen([sys.executable, "-c", starter])
        deadline = time.monotonic() + 240
        while not (said.is_file() and said.read_text().endswith("\n")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        family = [int(number) for number in said.read_text().split()]
        process.kill()
        process.wait()
        assert gone(family)

    def test_when_it_is_told_to_end(self, tmp_path: Path) -> None:
        keeper, family = kept(tmp_path)
        os.kill(keeper.pid, signal.SIGTERM)
        assert gone(family)
        keeper.wait(240)


class TestStart:
    """What is said where it does not start."""

    def test_the_first_error_that_it_printed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        printed = (
            "echo 'ValueError: the context is longer than the cache' >&2; "
            "echo 'RuntimeError: Engine core initialization failed.' >&2; exit 3"
        )
        monkeypatch.setenv(COMMAND, script(tmp_path, printed))
        with pytest.raises(NodeError, match=r"status 3\. ValueError: the context is longer") as bad:
            VllmEngine(SPEC, tmp_path, {}, 0, quiet)
        assert bad.value.code == "vllm/failed"

    def test_whoever_gives_up_waiting_ends_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = tmp_path / "said"
        monkeypatch.setenv(COMMAND, script(tmp_path, FAMILY.format(said)))

        def give_up(*_: object) -> None:
            if said.is_file() and said.read_text().endswith("\n"):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            VllmEngine(SPEC, tmp_path, {}, 0, give_up)
        assert gone([int(number) for number in said.read_text().split()])

    def test_the_key_is_no_argument(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Everybody on the machine reads the arguments of processes."""
        monkeypatch.setenv(
            COMMAND, script(tmp_path, 'echo "ValueError: $* key $VLLM_API_KEY"; exit 1')
        )
        with pytest.raises(NodeError) as bad:
            VllmEngine(SPEC, tmp_path, {}, 0, quiet)
        told, _, key = bad.value.message.partition(" key ")
        assert len(key) > 20
        assert key not in told

    def test_a_program_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(NodeError, match="is not there") as bad:
            program({COMMAND: str(tmp_path / "none"), "PATH": ""})
        assert bad.value.code == "vllm/missing"
        with pytest.raises(NodeError, match="not installed"):
            program({"PATH": str(tmp_path)})
        assert program({"PATH": str(Path(script(tmp_path, "exit")).parent)}) == str(
            tmp_path / "vllm"
        )
