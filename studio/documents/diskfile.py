"""One flow file as this process last saw it, so that other programs' changes are noticed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.writing import canonical_text, save_flow
from patchbay.flows.problems import FlowError
from patchbay.nodes.private import is_private


class ChangedOnDiskError(Exception):
    """Another program has written the file since it was last read or saved here."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The file was changed by another program while there were unsaved edits here."""

    theirs: Flow | None
    """What is in the file now; None when it holds no flow."""
    message: str


class DiskFile:
    """Reads and writes one flow file, and knows whether somebody else did."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stat: tuple[int, int, int] | None = None
        self._digest = ""
        self._theirs: tuple[tuple[int, int, int] | None, bytes] | None = None

    def read(self) -> Flow:
        """The flow in the file, which from now on counts as seen.

        Raises:
            FlowError: there is no such file, or it holds no flow.
        """
        flow = self._look()
        self.saw()
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
            return self._look(), ""
        except FlowError as error:
            return None, str(error)

    def saw(self) -> None:
        """Count what `theirs` or `read` last found as seen, and nothing that came after it."""
        if self._theirs is None:
            self._stat, self._digest = None, ""
        else:
            self._stat, self._digest = self._theirs[0], _digest(self._theirs[1])

    def set_aside(self) -> Path | None:
        """Write what `theirs` last found, flow or not, into a new file beside. None: it was gone.

        Raises:
            OSError: the disk refuses.
        """
        if self._theirs is None:
            return None
        name, number = f"{self.path.name}.theirs", 1
        while True:
            aside = self.path.with_name(name if number == 1 else f"{name}-{number}")
            try:
                with aside.open("xb") as file:
                    file.write(self._theirs[1])
                if is_private(aside.parent):
                    aside.chmod(0o600)
                return aside
            except FileExistsError:
                number += 1

    def _look(self) -> Flow:
        self._theirs = None
        try:
            status = self._status()
            data = self.path.read_bytes()
        except OSError:
            from patchbay.flows.document.reading import read_bytes

            status, data = None, read_bytes(self.path)  # says in words what is wrong
        self._theirs = status, data
        return read_text(data)

    def _status(self) -> tuple[int, int, int]:
        status = self.path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
