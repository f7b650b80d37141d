"""One flow file as this process last saw it, so that other programs' changes are noticed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flows.model import Flow
from flows.problems import FlowError
from flows.reading import read_text
from flows.writing import canonical_text, save_flow


class ChangedOnDiskError(Exception):
    """Another program has written the file since it was last read or saved here."""


class DiskFile:
    """Reads and writes one flow file, and knows whether somebody else did."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stat: tuple[int, int, int] | None = None
        self._digest = ""

    def read(self) -> Flow:
        """The flow in the file, which from now on counts as seen.

        Raises:
            FlowError: there is no such file, or it holds no flow.
        """
        flow, self._stat, self._digest = self._look()
        return flow

    def seen(self) -> None:
        """Count what is in the file now as seen, whatever it is."""
        try:
            self._stat, self._digest = self._status(), _digest(self.path.read_bytes())
        except OSError:
            self._stat, self._digest = None, ""

    def write(self, flow: Flow) -> str:
        """Save the flow; returns its canonical text.

        Raises:
            ChangedOnDiskError: somebody else has written it; nothing is overwritten.
            FlowError: the flow holds something like a key, or the disk refuses.
        """
        if self.changed():
            raise ChangedOnDiskError(str(self.path))
        text = canonical_text(flow)
        if _digest(text.encode()) != self._digest or not self.path.exists():
            save_flow(flow, self.path)
            self._stat, self._digest = self._status(), _digest(text.encode())
        return text

    def changed(self) -> bool:
        """Whether the file's content differs from what was last read or written here.

        A file that is gone has not changed: the next save brings it back.
        """
        try:
            status = self._status()
            if status == self._stat:
                return False
            same = _digest(self.path.read_bytes()) == self._digest
        except OSError:
            return False
        if same:
            self._stat = status
        return not same

    def theirs(self) -> tuple[Flow | None, str]:
        """What is in the file now, without counting it as seen: the flow, or why it is none."""
        try:
            return self._look()[0], ""
        except FlowError as error:
            return None, str(error)

    def _look(self) -> tuple[Flow, tuple[int, int, int] | None, str]:
        try:
            status = self._status()
            data = self.path.read_bytes()
        except OSError:
            from flows.reading import read_bytes

            status, data = None, read_bytes(self.path)  # says in words what is wrong
        return read_text(data), status, _digest(data)

    def _status(self) -> tuple[int, int, int]:
        status = self.path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
