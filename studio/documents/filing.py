"""Folders and tags of a person's flows, kept beside them.

A folder here is a name, not a place on the disk: a flow that runs another one, and the command
line, find the files where they were.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import private_folder

FILE = ".filing"
LONGEST, MOST = 60, 20
"""Characters of a folder's or tag's name; tags of a flow."""


@dataclass(frozen=True, slots=True)
class Filed:
    """Where a flow is filed. `opened` is Unix time in seconds, 0 for never."""

    folder: str = ""
    tags: tuple[str, ...] = ()
    opened: float = 0.0


class Filing:
    """How the flows of one folder are filed, by the names of their files.

    Args:
        folder: where the flows lie. What is kept there lies in a hidden file, which goes along
            when the folder is copied; one that cannot be read is moved aside.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._known: dict[str, Filed] = {}

    def of(self, stem: str) -> Filed:
        """How a flow is filed."""
        return self._read().get(stem, Filed())

    def folders(self, stems: Iterable[str]) -> list[str]:
        """The folders that hold any of these flows, by name."""
        known = self._read()
        return sorted({known[s].folder for s in stems if s in known and known[s].folder})

    def tags(self, stems: Iterable[str]) -> list[str]:
        """The tags that any of these flows has, by name."""
        known = self._read()
        return sorted({tag for s in stems if s in known for tag in known[s].tags})

    def put(self, stem: str, folder: str, tags: Iterable[str]) -> None:
        """File a flow.

        Raises:
            OSError: the disk refuses.
        """
        clean = [name for tag in tags if (name := _name(tag.removeprefix("#")))]
        found = tuple(dict.fromkeys(clean))[:MOST]
        self._change({stem: Filed(_name(folder), found, self.of(stem).opened)})

    def opened(self, stem: str, at: float) -> None:
        """Note that a flow was opened, at a Unix time.

        Raises:
            OSError: the disk refuses.
        """
        filed = self.of(stem)
        self._change({stem: Filed(filed.folder, filed.tags, at)})

    def move(self, stem: str, target: str) -> None:
        """Go with a flow whose file is called otherwise now.

        Raises:
            OSError: the disk refuses.
        """
        if stem in self._read():
            self._change({target: self.of(stem), stem: None})

    def forget(self, stem: str) -> Filed:
        """Forget a flow; returns how it was filed, for whoever brings it back.

        Raises:
            OSError: the disk refuses.
        """
        filed = self.of(stem)
        if stem in self._read():
            self._change({stem: None})
        return filed

    def latest(self, stems: Iterable[str], count: int) -> list[str]:
        """Those of the flows that were opened last, the latest first."""
        known = self._read()
        opened = [stem for stem in stems if stem in known and known[stem].opened]
        return sorted(opened, key=lambda stem: -known[stem].opened)[:count]

    # --- the file -----------------------------------------------------------------------------

    def _change(self, changes: Mapping[str, Filed | None]) -> None:
        with self._lock:
            known = dict(self._read())
            for stem, filed in changes.items():
                known.pop(stem, None)
                if filed is not None:
                    known[stem] = filed
            data = {stem: _told(filed) for stem, filed in sorted(known.items())}
            private_folder(self._path.parent)
            write_atomic(self._path, json.dumps(data, ensure_ascii=False, indent=1), durable=False)

    def _read(self) -> Mapping[str, Filed]:
        try:
            status = self._path.stat()
        except OSError:
            self._stamp, self._known = None, {}
            return self._known
        # Each write makes a new file, so its number tells two of one length at one moment apart.
        stamp: tuple[int, int, int] | None = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp != self._stamp:
            try:
                kept = json.loads(self._path.read_text("utf-8"))
                self._known = {str(stem): _filed(told) for stem, told in kept.items()}
            except OSError:
                return self._known
            except (ValueError, TypeError, AttributeError, KeyError):
                with contextlib.suppress(OSError):  # it stays where it is, and counts as empty
                    self._path.replace(self._path.with_name(f"{FILE}.broken"))
                self._known = {}
            self._stamp = stamp
        return self._known


def _filed(told: Mapping[str, Any]) -> Filed:
    tags = tuple(str(tag) for tag in told.get("tags", ()))
    return Filed(str(told.get("folder", "")), tags, float(told.get("opened", 0)))


def _told(filed: Filed) -> dict[str, Any]:
    return {"folder": filed.folder, "tags": list(filed.tags), "opened": filed.opened}


def _name(text: str) -> str:
    return " ".join(text.split())[:LONGEST]
