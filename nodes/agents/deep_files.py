"""The file space of a deep agent: one for the run, shared by the agent and its sub-agents.

The library keeps files in each agent's state and hands a sub-agent's whole copy back, so that of
two sub-agents at work in one turn the later undoes the earlier. Here all work on one space.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from deepagents.backends.state import StateBackend
from deepagents.backends.utils import create_file_data, file_data_to_string

FILE_TOOLS = {
    "ls": "Lists the files of a folder, such as /.",
    "read_file": "Reads a file by its path, such as /notes.md.",
    "write_file": "Writes a whole file; one that is there is overwritten.",
    "edit_file": "Replaces a text in a file by another.",
    "glob": "Finds files by a pattern such as *.md.",
    "grep": "Finds the files that hold a text.",
    "delete": "Deletes a file.",
}
"""The tools for files, and what an agent is told of each."""

WRITER: ContextVar[str] = ContextVar("writer", default="agent")
"""Who is at work: the name of the agent or sub-agent whose tool is called."""


_NOTES: ContextVar[FileNotes | None] = ContextVar("notes", default=None)


@dataclass
class FileNotes:
    """What a call did to the files: what the journal of a run keeps of it."""

    who: str
    wrote: list[dict[str, Any]] = field(default_factory=list)
    looked: dict[str, int] = field(default_factory=dict)
    clashes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The stored form; `FileSpace.take` reads it."""
        return {"who": self.who, "wrote": self.wrote, "looked": self.looked,
                "clashes": self.clashes}  # fmt: skip


@dataclass
class FileVersion:
    """Which writing of a file is the present one, and by whom it is. 0 is as it was given."""

    number: int = 0
    writer: str = ""


@dataclass
class FileSpace:
    """Files by path, with who wrote them last and what each has seen of them."""

    files: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, FileVersion] = field(default_factory=dict)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    clashes: list[str] = field(default_factory=list)
    """What is to be said of writers that did not know of each other."""

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> FileSpace:
        """A space that begins with these files."""
        return cls({path: create_file_data(text) for path, text in texts.items()})

    def texts(self) -> dict[str, str]:
        """All files, in the order of their paths."""
        return {path: file_data_to_string(self.files[path]) for path in sorted(self.files)}

    def look(self, path: str) -> None:
        """The one at work has seen a file as it is now."""
        number = self.versions.get(path, FileVersion()).number
        self.seen[WRITER.get(), path] = number
        if notes := _NOTES.get():
            notes.looked[path] = number

    @contextlib.contextmanager
    def noted(self) -> Iterator[FileNotes]:
        """Note what is done to the files inside of this block."""
        notes = FileNotes(WRITER.get())
        token = _NOTES.set(notes)
        try:
            yield notes
        finally:
            _NOTES.reset(token)

    def take(self, notes: Mapping[str, Any]) -> None:
        """Have what a call did be done, as it stands in the journal.

        Calls may be taken in any order: of two writings of a file the later one counts, as it did.
        """
        who = notes["who"]
        for path, number in notes["looked"].items():
            self.seen[who, path] = max(number, self.seen.get((who, path), 0))
        for one in notes["wrote"]:
            path, number = one["path"], one["number"]
            self.seen[who, path] = max(number, self.seen.get((who, path), 0))
            if number > self.versions.get(path, FileVersion()).number:
                self._put(path, FileVersion(number, who), one["data"])
        self.clashes += [clash for clash in notes["clashes"] if clash not in self.clashes]

    def write(self, path: str, data: Any) -> None:
        """Write or, with None, delete a file. A clash is noted; the later writing counts."""
        who, before = WRITER.get(), self.versions.get(path, FileVersion())
        known = self.seen.get((who, path), 0)
        notes = _NOTES.get()
        if before.writer not in ("", who) and known != before.number:
            clash = (
                f"{who} wrote {path} without having seen what {before.writer} had written to it; "
                f"what {before.writer} wrote is gone."
            )
            self.clashes.append(clash)
            if notes:
                notes.clashes.append(clash)
        number = before.number + 1
        self.seen[who, path] = number
        self._put(path, FileVersion(number, who), data)
        if notes:
            notes.wrote.append({"path": path, "number": number, "data": data})

    def _put(self, path: str, version: FileVersion, data: Any) -> None:
        self.versions[path] = version
        if data is None:
            self.files.pop(path, None)
        else:
            self.files[path] = data


class SharedBackend(StateBackend):
    """deepagents' files in a space that all agents of the run share."""

    def __init__(self, space: FileSpace) -> None:
        super().__init__()
        self._space = space

    def _read_files(self) -> dict[str, Any]:
        return dict(self._space.files)

    def _send_files_update(self, update: dict[str, Any]) -> None:
        for path, data in update.items():
            self._space.write(path, data)

    def read(self, file_path: str, offset: int = 0, limit: int = 2000) -> Any:
        """Read a file; the one who does has seen it."""
        self._space.look(file_path)
        return super().read(file_path, offset, limit)

    def edit(
        self, file_path: str, old_string: str, new_string: str, replace_all: bool = False
    ) -> Any:
        """Edit a file as it is now: what others wrote to it stays."""
        self._space.look(file_path)
        return super().edit(file_path, old_string, new_string, replace_all)
