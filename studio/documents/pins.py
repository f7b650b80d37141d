"""Values of a flow's nodes that people have pinned: used in the studio instead of running the node.

They lie under the home folder, beside the flow's versions, and never in the flow file: they may be
large, and what is run anywhere else runs for real.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import private_file, private_folder
from patchbay.nodes.units import MEGABYTE, size_in_words

LIMIT = 64 * MEGABYTE
"""Bytes that the pinned values of one flow may take together."""


@dataclass(frozen=True, slots=True)
class Pin:
    """What a node is said to give.

    `outputs` are stored forms by port, `kind` is the node's when it was pinned. A pin that is
    `edited` was given by hand; one that is for `once` goes with the next run.
    """

    kind: str
    outputs: dict[str, Any]
    edited: bool = False
    once: bool = False


class Pins:
    """The pinned values of one flow file.

    Args:
        home: the studio's home folder; None keeps them in memory only.
        path: the flow file.
    """

    def __init__(self, home: Path | None, path: Path | None) -> None:
        self._file = _file_of(home, path) if home and path else None
        self._lock = threading.RLock()
        self._pins: dict[str, Pin] | None = None
        self.turn = 0
        """How often they were changed since they were read."""

    def of(self, flow: Flow) -> dict[str, Pin]:
        """The pins of nodes that the flow has, of the kind that was pinned; by node id."""
        with self._lock:
            known = self._read()
            if not known:
                return {}
            kinds = {node.id: node.kind for node in flow.nodes}
            return {key: pin for key, pin in known.items() if kinds.get(key) == pin.kind}

    def put(self, pins: Mapping[str, Pin]) -> None:
        """Pin values, in the place of those that the nodes had.

        Raises:
            FlowError: they are too large together, or the disk refuses.
        """
        if not pins:
            return
        with self._lock:
            self._write({**self._read(), **pins})

    def swap(self, flow: Flow, pins: Mapping[str, Pin]) -> int:
        """Pin these in the place of all that the nodes of a flow have.

        Returns:
            How many pins that stood there are gone: let go, or with another value now.

        Raises:
            FlowError: they are too large together, or the disk refuses. Then all stay as they were.
        """
        with self._lock:
            before, own = self._read(), self.of(flow)
            others = {key: pin for key, pin in before.items() if key not in flow.by_id()}
            if before or pins:
                self._write({**others, **pins})
        return sum(key not in pins or pins[key].outputs != own[key].outputs for key in own)

    def drop(self, nodes: Collection[str]) -> None:
        """Let nodes run again.

        Raises:
            FlowError: the disk refuses.
        """
        with self._lock:
            kept = {key: pin for key, pin in self._read().items() if key not in nodes}
            if len(kept) < len(self._read()):
                self._write(kept)

    def move(self, home: Path, path: Path) -> None:
        """Go with the flow file, which lies at `path` now.

        Raises:
            OSError: the disk refuses.
        """
        with self._lock:
            target = _file_of(home, path)
            if self._file and self._file.exists():
                self._file.replace(target)
            elif target != self._file:  # of a flow that lay there before
                target.unlink(missing_ok=True)
            self._file = target

    def _read(self) -> dict[str, Pin]:
        if self._pins is None:
            self._pins = _stored(self._file) if self._file else {}
        return self._pins

    def _write(self, pins: dict[str, Pin]) -> None:
        text = json.dumps({key: asdict(pin) for key, pin in pins.items()}, ensure_ascii=True)
        if len(text) > LIMIT:
            raise FlowError([
                Problem(
                    "pins/too-large",
                    f"The pinned values of this flow would take more than {size_in_words(LIMIT)}.",
                    "Let another node run again, or pin one that gives less.",
                )
            ])  # fmt: skip
        if self._file is not None:
            try:
                private_folder(self._file.parent)
                write_atomic(private_file(self._file), text)
            except OSError as error:
                raise FlowError([
                    Problem("pins/disk", f"The value cannot be kept: {error.strerror or error}.",
                            "Make room on the disk, or look at the rights of the home folder.")
                ]) from error  # fmt: skip
        self._pins = pins
        self.turn += 1


def _file_of(home: Path, path: Path) -> Path:
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    return home / "pins" / f"{path.stem[:40]}-{name}.json"


def _stored(file: Path) -> dict[str, Pin]:
    """What a file holds; nothing where it is damaged, since the nodes can be run."""
    try:
        found = json.loads(file.read_text("utf-8"))
        return {str(key): Pin(**pin) for key, pin in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
