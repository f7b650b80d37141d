"""The flows on disk: a person's own, the templates, and what was thrown away."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.private import private_file, private_folder

if TYPE_CHECKING:  # listing the files must not wait for what reads them
    from patchbay.flows.document.model import Flow
    from patchbay.nodes.catalog import Catalog


@dataclass(frozen=True, slots=True)
class FlowFile:
    """A flow file. `modified` is Unix time in seconds; `error` says why it cannot be opened."""

    name: str
    path: Path
    flow: Flow | None
    modified: float
    error: str = ""

    @property
    def title(self) -> str:
        """What the flow calls itself, or its file's name."""
        return (self.flow.name if self.flow else "") or self.name


class Library:
    """The flow files of one folder, and the templates beside the code.

    Args:
        folder: a person's own flows; made when first written to.
        templates: the flows that ship.
        trash: where deleted flows wait for an undo.
        catalog: gives the nodes, which say what of their params names files.
    """

    def __init__(
        self, folder: Path, templates: Path, trash: Path, catalog: Callable[[], Catalog]
    ) -> None:
        self.folder, self.templates_folder, self.trash = folder, templates, trash
        self._catalog = catalog

    def own(self) -> list[FlowFile]:
        """The person's flows, latest first."""
        return sorted(_entries(self.folder), key=lambda entry: -entry.modified)

    def templates(self) -> list[FlowFile]:
        """The flows that ship, by file name."""
        return [entry for entry in _entries(self.templates_folder) if entry.flow]

    def own_files(self) -> list[Path]:
        """The files of the person's flows, latest first, unread."""
        return [path for path, _, _ in sorted(_files(self.folder), key=lambda file: -file[1])]

    def template_files(self) -> list[Path]:
        """The files of the flows that ship, unread."""
        return [path for path, _, _ in _files(self.templates_folder)]

    def path(self, name: str) -> Path | None:
        """The file of one of the person's flows, or None. Never leads out of the folder."""
        if not name or name.startswith(".") or re.search(r"[/\\\0]", name):
            return None
        path = self.folder / f"{name}.json"
        return path if path.parent == self.folder and _is_file(path) else None

    def create(self, flow: Flow, wanted: str = "") -> Path:
        """Save a new flow under a free file name near `wanted` (its name unless given).

        Raises:
            FlowError: it holds something like a key, or the disk refuses.
        """
        from patchbay.flows.document.writing import save_flow

        with _said():
            private_folder(self.folder)
            path = self._free(slug(wanted or flow.name))
        save_flow(flow, path)
        return path

    def use_template(self, template: Path) -> Path:
        """Copy a template, with the flows and data files that it needs, and return the copy.

        Raises:
            FlowError: the template is broken, or the disk refuses.
        """
        from patchbay.flows.document.reading import read_flow
        from patchbay.studio.documents.references import references

        flow = read_flow(template)
        with _said():
            private_folder(self.folder)
            for needed in references(flow, template.parent, self._catalog()):
                target = self.folder / needed.relative_to(template.parent.resolve())
                if not target.exists():
                    private_folder(target.parent)
                    shutil.copyfile(needed, private_file(target))
        return self.create(flow, template.stem)

    def duplicate(self, path: Path) -> Path:
        """A copy under another name.

        Raises:
            FlowError: the file holds no flow, or the disk refuses.
        """
        from patchbay.flows.document.reading import read_flow

        flow = read_flow(path)
        copy = flow.model_copy(update={"name": f"{flow.name[:280]} (copy)"})
        return self.create(copy, path.stem)

    def rename(self, path: Path, wanted: str) -> Path:
        """Give a flow's file another name, near `wanted` and free; returns where it lies now.

        Raises:
            OSError: the disk refuses.
        """
        if slug(wanted) == path.stem:
            return path
        target = self._free(slug(wanted))
        path.rename(target)
        return target

    def users(self, path: Path) -> list[str]:
        """What the person's flows are called that name this file, as those do that run it."""
        from patchbay.studio.documents.references import references

        return [
            entry.title
            for entry in self.own()
            if entry.flow
            and entry.path != path
            and path.resolve() in references(entry.flow, self.folder, self._catalog())
        ]

    def delete(self, path: Path) -> Path:
        """Move a flow to the trash; returns where it lies now, for `restore`."""
        private_folder(self.trash)
        resting = self.trash / f"{time.time_ns()}-{path.name}"
        shutil.move(path, resting)
        return resting

    def restore(self, resting: Path) -> Path:
        """Bring a deleted flow back, under its own name where that is still free."""
        name = resting.stem.partition("-")[2]
        private_folder(self.folder)
        path = self._free(name)
        shutil.move(resting, path)
        return path

    def _free(self, stem: str) -> Path:
        number, path = 1, self.folder / f"{stem}.json"
        while path.exists():
            number += 1
            path = self.folder / f"{stem}-{number}.json"
        return path


@contextlib.contextmanager
def _said() -> Iterator[None]:
    """A disk that refuses is told like everything else that is wrong with a flow's file."""
    try:
        yield
    except OSError as error:
        from patchbay.flows.runs.failures import about_file

        message, fix = about_file(error)
        raise FlowError([Problem("file/unwritable", message, fix)]) from error


def slug(words: str) -> str:
    """A file name that is readable and safe everywhere: `My flow!` → `my-flow`."""
    base = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:60].strip("-")
    return base or "flow"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that the disk cannot hold
        return False


def _entries(folder: Path) -> list[FlowFile]:
    return [_entry(*file) for file in _files(folder)]


def _files(folder: Path) -> list[tuple[Path, int, int]]:
    """Flow files by name: each with when it was changed, in nanoseconds, and its bytes."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            status = path.stat()
        except OSError:
            continue  # just removed
        found.append((path, status.st_mtime_ns, status.st_size))
    return found


@lru_cache(maxsize=512)
def _entry(path: Path, modified_ns: int, size: int) -> FlowFile:
    from patchbay.flows.document.reading import read_flow

    try:
        return FlowFile(path.stem, path, read_flow(path), modified_ns / 1e9)
    except FlowError as error:
        first = error.problems[0] if error.problems else None
        return FlowFile(path.stem, path, None, modified_ns / 1e9, first.message if first else "")
    except Exception as error:  # a fault of ours: the other flows must show
        return FlowFile(
            path.stem, path, None, modified_ns / 1e9, f"{type(error).__name__}: {error}"
        )
