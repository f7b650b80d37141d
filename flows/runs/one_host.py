"""No SQLite file is written by two hosts: its locks do not reach from one machine to another.

A stamp beside the file says which machine writes it. It is made anew every minute, and counts for
three; a process that ends takes its own away. Containers of one machine are one host.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.units import duration

AGAIN_S, COUNTS_S = 60.0, 180.0
"""After how many seconds a stamp is made anew, and for how many it counts."""


class Stamp:
    """The stamp of one file, as this process makes it.

    Args:
        file: the SQLite file.
        machine: what tells this machine from others; looked up unless given.
    """

    def __init__(self, file: Path, machine: str | None = None) -> None:
        self._place = Path(f"{file}.host")
        self._file = file
        self._machine = machine or _machine()
        self._mine = {
            "machine": self._machine,
            "host": socket.gethostname(),
            "process": os.getpid(),
        }
        self._made = 0.0

    def make(self) -> None:
        """Say that this machine writes the file; called before it does.

        Raises:
            FlowError: another one does.
        """
        now = time.time()
        if now - self._made < AGAIN_S:
            return
        if self.is_of_another():
            known = self._read()
            raise FlowError([self._taken(known, now - float(known.get("at", 0)))])
        with contextlib.suppress(OSError):  # the file itself will say what the disk refuses
            write_atomic(self._place, json.dumps({**self._mine, "at": now}), durable=False)
        self._made = now

    def is_of_another(self) -> bool:
        """Whether another machine writes the file, or did until a moment ago."""
        known = self._read()
        age = time.time() - float(known.get("at", 0))
        return bool(known) and known.get("machine") != self._machine and age < COUNTS_S

    def take_away(self) -> None:
        """This process writes no more."""
        known = self._read()
        if all(known.get(name) == value for name, value in self._mine.items()):
            with contextlib.suppress(OSError):
                self._place.unlink()
        self._made = 0.0

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._place.read_text(encoding="utf-8"))
            float(found.get("at", 0))
        except (OSError, ValueError, TypeError, AttributeError):
            return {}
        return dict(found)

    def _taken(self, known: dict[str, Any], age: float) -> Problem:
        return Problem(
            "history/other-host",
            f"The history {self._file} is being written by the machine {known.get('host')} "
            f"(process {known.get('process')}, {duration(age)} ago). No SQLite file is written by "
            "two machines.",
            "Set PATCHBAY_HOME to a folder of this machine, or wait until the other one has ended "
            "(three minutes, where it ended without saying so).",
        )


def _machine() -> str:
    """The same for all processes of a running machine, in containers too."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()
