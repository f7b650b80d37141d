"""The command as a person runs it: a process of its own, its own home, a plugin installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import canonical_text
from patchbay.nodes.home import weights_dir
from tests.flows.cli.forked import TIMEOUT_S, Forked, forked
from tests.paths import ROOT, python_path

SAVED = ROOT / "flows" / "saved"

Patchbay = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed package, as far as Python can tell, that offers the test nodes."""
    folder = tmp_path_factory.mktemp("plugin")
    info = folder / "patchbay_test_nodes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: patchbay-test-nodes\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(
        "[patchbay.nodes]\ntest = tests.flows.runs.nodes:NODES\n"
        "seen = tests.flows.runs.figures:NODES\n",
        encoding="utf-8",
    )
    return folder


@pytest.fixture
def environ(tmp_path: Path, plugin: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": python_path(ROOT, plugin),
        "PATCHBAY_HOME": str(tmp_path / "home"),
        "PATCHBAY_WEIGHTS": str(weights_dir()),
    }


@pytest.fixture(scope="session")
def ready(plugin: Path) -> Iterator[Forked | None]:
    """A process that has imported the command line. None where processes cannot be forked."""
    if not hasattr(os, "fork"):
        yield None
        return
    with forked({**os.environ, "PYTHONPATH": python_path(ROOT, plugin)}) as process:
        yield process


@pytest.fixture
def patchbay(environ: dict[str, str], tmp_path: Path, ready: Forked | None) -> Patchbay:
    """Run `python -m patchbay.flows` with these arguments in an empty folder."""

    def run(*arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
        given = {**environ, **env}
        words = [*map(str, arguments)]
        if ready is not None and ready.takes(given):
            return ready.run(words, tmp_path, given)
        return subprocess.run(
            [sys.executable, "-m", "patchbay.flows", *words],
            cwd=tmp_path,
            env=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Flow, str], Path]:
    """Write a flow file and return its path."""

    def write(flow: Flow, name: str = "case.json") -> Path:
        path = tmp_path / name
        path.write_text(canonical_text(flow), encoding="utf-8")
        return path

    return write
