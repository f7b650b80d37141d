"""Ways on with a file that holds no flow: fix its text, bring back an earlier version, import it.

What the file held is never lost: it goes to the trash first.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import private_folder
from patchbay.studio.documents.versions import Version, Versions

LARGEST = 2_000_000
"""Bytes of a file that is shown as text."""


def text_of(path: Path) -> tuple[str, bool]:
    """A file's text, and whether it can be edited: it is whole, and UTF-8.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    try:
        return data[:LARGEST].decode("utf-8-sig"), len(data) <= LARGEST
    except UnicodeDecodeError:
        return data[:LARGEST].decode("utf-8", "replace"), False


def replace_text(path: Path, text: str, trash: Path) -> None:
    """Write a text that holds a flow in place of one that holds none.

    Raises:
        FlowError: it holds none either; all findings. Nothing was changed.
        OSError: the disk refuses.
    """
    _write(path, read_text(text), trash)


def kept_versions(home: Path, path: Path) -> list[Version]:
    """The versions of a flow that can be brought back, newest first."""
    versions = Versions(home, path)
    return [version for version in versions.list() if _readable(versions, version.digest)]


def bring_back(home: Path, path: Path, digest: str, trash: Path) -> None:
    """Write a version of a flow in place of a file that cannot be opened.

    Raises:
        FlowError: the version is not there any more.
        OSError: the disk refuses.
    """
    _write(path, Versions(home, path).read(digest), trash)


def _write(path: Path, flow: Flow, trash: Path) -> None:
    private_folder(trash)
    if path.is_file():
        shutil.copyfile(path, trash / f"{time.time_ns()}-{path.name}")
    write_atomic(path, canonical_text(flow))


def _readable(versions: Versions, digest: str) -> bool:
    try:
        versions.read(digest)
    except (FlowError, OSError, ValueError):
        return False
    return True
