"""A whole `patchbay run`: what a person waits for, and what it takes of the machine."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.peers import command
from bench.table import Row
from bench.timing import processes, run_process

FLOOR = "import pydantic, networkx, typer"
PLAIN = Path(__file__).parent / "flows" / "plain.json"
MB = 1_000_000


def measure(quick: bool = False) -> Iterator[Row]:
    """A flow without a model, against imports alone and `lfx run`: processor, time and memory."""
    patchbay = str(Path(sys.executable).parent / "patchbay")
    commands = {
        "ours": [patchbay, "run", str(PLAIN), "--no-cache"],
        "cached": [patchbay, "run", str(PLAIN)],
        "help": [patchbay, "--help"],
        "validate": [patchbay, "validate", str(PLAIN)],
        "floor": [sys.executable, "-c", FLOOR],
    }
    with tempfile.TemporaryDirectory() as folder:
        lfx = command("lfx")
        if lfx is not None:
            run_process([lfx, "create", "hello", "--output-dir", folder])
            flow = str(Path(folder) / "hello.json")
            commands["lfx"] = [lfx, "run", flow, "hi", "--format", "text"]
        used = processes(commands, 3 if quick else 15)
    ours, floor = used["ours"], used["floor"]
    against = "pydantic, networkx, typer alone"
    for side, name, limit in (
        ("ours", "patchbay run, not cached", 1.5),
        ("cached", "patchbay run, from the cache", 1.5),
        ("validate", "patchbay validate", 1.5),
        ("help", "patchbay --help", 1.2),
    ):
        yield Row(
            f"{name}: processor time", used[side].processor, "s", limit, on="ratio",
            against=against, other=floor.processor,
        )  # fmt: skip
    name = "patchbay run, whole process"
    yield Row(f"{name}: time", ours.seconds, "s", against=against, other=floor.seconds)
    peak = max(ours.peak, used["cached"].peak)
    yield Row(f"{name}: memory", peak / MB, "MB", 52, against=against, other=floor.peak / MB)
    if lfx is None:
        yield Row("  against lfx run", ours.seconds, "s", note="not installed; make bench-peers")
        return
    peer = used["lfx"]
    yield Row("  time against lfx run", ours.seconds, "s", against="lfx run", other=peer.seconds)
    yield Row(
        "  memory against lfx run", ours.peak / MB, "MB", against="lfx run", other=peer.peak / MB
    )
