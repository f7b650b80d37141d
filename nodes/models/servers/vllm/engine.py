"""A vLLM server that runs here: its command line, whether it lives, and its end."""

from __future__ import annotations

import collections
import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.nodes.errors import NodeError
from patchbay.nodes.weights.refs import Report, quiet

if TYPE_CHECKING:
    import httpx

    from patchbay.nodes.models.servers.vllm.spec import VllmModel

COMMAND = "PATCHBAY_VLLM"
"""The path of the program `vllm`, where it is not on the PATH: it lives best in an environment of
its own, since it pins its torch."""
KEY = "VLLM_API_KEY"
MODEL = "model"
"""What the server calls the model without an adapter."""

START_S = 1800.0
"""How long a server may take to start: large weights are read, and kernels compiled."""
HEALTH_S = 30.0
"""How often it is asked whether it is well, in seconds, and how long that may take."""
MISSED = 3
"""So many times in a row without an answer, and it is started anew."""
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The most that adapters may have, as vLLM lets one say."""
_POLL_S = 0.25
_LINES = 400
_WHY = re.compile(r"(\w*(?:Error|Exception)): (.+)")


def program(env: Mapping[str, str] = os.environ) -> str:
    """The path of `vllm`.

    Raises:
        NodeError: it is not here.
    """
    given = env.get(COMMAND, "")
    found = shutil.which(given or "vllm", path=env.get("PATH"))
    if found is None:
        what = f"{given!r}, which {COMMAND} names, is not there" if given else "it is not installed"
        raise NodeError(
            f"vLLM cannot be started on {socket.gethostname()}: {what}.",
            fix=f"Install it in an environment of its own (pip install vllm) and set {COMMAND} to "
            "its program; or wire an OpenAI-compatible server that runs elsewhere.",
            code="vllm/missing",
            retry=False,
        )
    return found


def arguments(
    spec: VllmModel, folder: Path, adapters: Mapping[str, Path], rank: int, port: int
) -> list[str]:
    """What `vllm` is told, after its name.

    Args:
        spec: the model.
        folder: where its weights lie.
        adapters: the folders of the adapters, by name.
        rank: the highest rank among them.
        port: where it listens, on this machine alone.
    """
    said = [
        "serve", str(folder), "--host", "127.0.0.1", "--port", str(port),
        "--served-model-name", MODEL, "--max-model-len", str(spec.context),
        "--max-num-seqs", str(spec.parallel), "--dtype", spec.dtype,
        "--gpu-memory-utilization", f"{spec.gpu_share:g}",
        "--tensor-parallel-size", str(spec.cards),
    ]  # fmt: skip
    if spec.eager:
        said.append("--enforce-eager")
    if adapters:
        most = next((one for one in RANKS if one >= rank), RANKS[-1])
        modules = [f"{name}={place}" for name, place in adapters.items()]
        # One place more than there are adapters: on a processor vLLM 0.32 computes a request that
        # has none, where others in its batch have one, with what is in the last place.
        said += ["--enable-lora", "--max-lora-rank", str(most),
                 "--max-loras", str(len(adapters) + 1), "--lora-modules", *modules]  # fmt: skip
    return said


class VllmEngine:
    """A server of ours. Safe to use from several threads.

    It is looked at every few seconds, and started anew by whoever asks next where it has died or
    answers no more.

    Args:
        spec: the model.
        folder: where its weights lie.
        adapters: the folders of its adapters, by name.
        rank: the highest rank among them.
        report: hears how the start goes, and may raise to give up.

    Raises:
        NodeError: there is no vLLM here, or it does not start.
    """

    def __init__(
        self, spec: VllmModel, folder: Path, adapters: Mapping[str, Path], rank: int,
        report: Report,
    ) -> None:  # fmt: skip
        self._spec, self._port = spec, _free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self.key = secrets.token_urlsafe(24)
        self.starts = 0
        """How often it was started."""
        said = arguments(spec, folder, adapters, rank, self._port)
        keeper = [sys.executable, "-m", "patchbay.nodes.models.servers.vllm.keeper"]
        self._command: Sequence[str] = [*keeper, program(), *said]
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: collections.deque[str] = collections.deque(maxlen=_LINES)
        self._client = self._make_client()
        try:
            self._start(report)
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._look_after, name="vllm-health", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def ready(self) -> None:
        """Start it anew where it has died. Blocks.

        Raises:
            NodeError: it does not start, or was closed.
        """
        if self.alive:
            return
        with self._lock:
            if self._closed.is_set():
                from patchbay.nodes.models import errors

                raise errors.closed()
            if not self.alive:
                self._start(quiet)

    def tokens_in(self, text: str, model: str = "") -> int:
        """The tokens of a text, by the server's own tokenizer.

        Raises:
            NodeError: it does not say.
        """
        import httpx

        asked = {"model": model or MODEL, "prompt": text, "add_special_tokens": False}
        try:
            answer = self._client.post("/tokenize", json=asked, timeout=60)
            return int(answer.raise_for_status().json()["count"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise _failed(f"vLLM did not count the tokens of a text: {error}") from error

    def close(self) -> None:
        """End the server and all that it began."""
        self._closed.set()
        with contextlib.suppress(Exception):
            self._client.close()
        self._end()

    def _make_client(self) -> httpx.Client:
        import httpx

        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.address, headers=headers, trust_env=False)

    # --- its process ------------------------------------------------------------------------

    def _start(self, report: Report) -> None:
        self._end()
        self._lines.clear()
        env = {**os.environ, KEY: self.key, "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
        process = self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env,
        )  # fmt: skip
        self.starts += 1
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        began = time.monotonic()
        while not self._well(1.0):
            if process.poll() is not None:
                raise self._broke(f"it ended with status {process.returncode}")
            if time.monotonic() - began > START_S:
                raise self._broke(f"it was not ready within {START_S / 60:.0f} minutes")
            report(f"Starting vLLM: {self._now()}", 0, None)
            self._closed.wait(_POLL_S)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Take in what it prints: a pipe that nobody reads would stop it."""
        if process.stdout is not None:
            for line in process.stdout:
                self._lines.append(line.decode("utf-8", "replace").rstrip())

    def _end(self) -> None:
        """The pipe closes, and the keeper ends the server."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()

    def _well(self, within_s: float) -> bool:
        import httpx

        try:
            return self._client.get("/health", timeout=within_s).status_code == httpx.codes.OK
        except (httpx.HTTPError, RuntimeError):
            return False

    def _look_after(self) -> None:
        """Ask now and then whether it is well; one that is not is ended, and started by whoever
        asks next."""
        missed = 0
        while not self._closed.wait(HEALTH_S):
            missed = 0 if not self.alive or self._well(HEALTH_S) else missed + 1
            if missed == MISSED:
                missed = 0
                with self._lock:
                    if not self._closed.is_set():
                        self._end()

    # --- what it says -----------------------------------------------------------------------

    def _now(self) -> str:
        """The last of what it printed, without time and place."""
        last = next((line for line in reversed(list(self._lines)) if "INFO" in line), "")
        return last.rpartition("] ")[2][:120] or "its libraries are loaded"

    def _broke(self, how: str) -> NodeError:
        """Why it does not start, as far as what it printed says."""
        found = [match for line in list(self._lines) if (match := _WHY.search(line))]
        # The last is what the outermost process made of it; the first is what happened.
        why = f"{found[0][1]}: {found[0][2]}" if found else next(reversed(list(self._lines)), "")
        return _failed(f"vLLM did not start: {how}. {why[:500]}".rstrip())


def _failed(message: str) -> NodeError:
    return NodeError(
        message,
        fix="A shorter context, fewer parallel requests or a smaller gpu_share take less memory; "
        "`vllm serve` with the same weights in a terminal says more.",
        code="vllm/failed",
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
