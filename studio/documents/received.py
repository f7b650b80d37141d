"""Documents that a person gives to a flow: they go into its folder, beside the flow's file.

Documents lie in `documents/NAME`, pictures in `pictures/NAME`, where NAME is the flow's file. What
lies there already is never written over in silence.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, assert_never

from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import private_folder
from patchbay.nodes.units import MEGABYTE, size_in_words

FILE_LIMIT = 100 * MEGABYTE
"""Bytes that one file may have."""
FOLDER_LIMIT = 1000 * MEGABYTE
"""Bytes that the documents of one flow may have together."""
MOST_FILES = 2000
"""Files that a flow may have: as many as *Load documents* reads, unless told otherwise."""
WhenThere = Literal["ask", "replace", "keep"]
"""What becomes of a file whose name is taken by another: ask, take its place, or keep both."""
State = Literal["new", "same", "there", "replaced", "kept", "flow"]
"""What became of it. `there`: nothing was written, since another file has its name. `flow`: nothing
either, it is a picture that carries a flow."""

_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that Windows keeps for itself; flows go from machine to machine."""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a file.

    Attributes:
        state: what was done.
        path: where it lies, from the flow's folder, as a param names it; "" for a `flow`.
        kind: the kind of node that reads it.
    """

    state: State
    path: str = ""
    kind: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For the browser."""
        return asdict(self)


def place_of(flow: Path, name: str) -> tuple[PurePosixPath, str]:
    """Where a file would go, from the flow's folder, and the kind of node that reads it.

    Args:
        flow: the flow's file.
        name: the file's name, or its path in the folder that was given.

    Raises:
        FlowError: the name leads elsewhere, or nothing reads such files.
    """
    from patchbay.nodes.encoders.picture_files import SUFFIXES
    from patchbay.nodes.retrieval.readers import READERS

    parts = name.replace("\\", "/").split("/")
    if not all(map(_is_plain, parts)) or len(parts) > 8 or len(name) > 500:
        raise _refused(
            "received/name",
            f"{name[:100]!r} cannot be the name of a file here.",
            "Rename the file.",
        )
    ending = PurePosixPath(parts[-1]).suffix.lower()
    if ending in READERS:
        return PurePosixPath("documents", flow.stem, *parts), "retrieval.load"
    if ending in SUFFIXES:
        return PurePosixPath("pictures", flow.stem, *parts), "io.picture"
    readable = ", ".join(sorted((*READERS, *SUFFIXES)))
    raise _refused(
        "received/type", f"Nothing here reads {parts[-1][:100]}.", f"Give {readable} files."
    )


def receive(flow: Path, name: str, data: bytes, when_there: WhenThere = "ask") -> Received:
    """Put a file into the folder of a flow.

    Args:
        flow: the flow's file.
        name: the file's name, or its path in the folder that was given.
        data: what it holds.
        when_there: what to do where another file has its name.

    Raises:
        FlowError: the name, the type or the size is refused, or the disk is; nothing is changed.
    """
    from patchbay.studio.pictures.png import carried_by

    place, kind = place_of(flow, name)
    if len(data) > FILE_LIMIT:
        raise too_large(name)
    if data.startswith(b"\x89PNG") and "/" not in name and carried_by(data) is not None:
        return Received("flow")
    try:
        return _put(flow.parent, place, kind, data, when_there)
    except OSError as error:
        why = error.strerror or str(error)
        raise _refused("received/disk", f"{name[:100]} could not be written: {why}.", "") from error


def too_large(name: str) -> FlowError:
    """That a file is larger than is taken."""
    return _refused(
        "received/size", f"{name[:100]} is larger than {size_in_words(FILE_LIMIT)}.",
        "Put it into a folder of your own, and name that in Load documents.",
    )  # fmt: skip


def _put(
    folder: Path, place: PurePosixPath, kind: str, data: bytes, when_there: WhenThere
) -> Received:
    top = folder / place.parts[0] / place.parts[1]
    target = folder / place
    if not _inside(target.parent, folder):
        raise _refused(
            "received/name", f"{place} leads out of the flow's folder.", "Take the link away."
        )
    state: State = "new"
    if target.exists():
        if target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data:
            return Received("same", str(place), kind)
        match when_there:
            case "ask":
                return Received("there", str(place), kind)
            case "replace":
                state = "replaced"
            case "keep":
                place, state = _free(folder, place), "kept"
                target = folder / place
            case _:
                assert_never(when_there)
    _check_room(top, target, len(data))
    private_folder(folder / place.parts[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(target, data)
    return Received(state, str(place), kind)


def _check_room(top: Path, target: Path, more: int) -> None:
    """Refuse what makes the documents of a flow too many or too large."""
    there = [p for p in top.rglob("*") if p.is_file() and p != target] if top.is_dir() else []
    fix = "Put them into a folder of your own, and name that in Load documents."
    if len(there) >= MOST_FILES:
        message = f"The flow has {MOST_FILES:,} files already."
        raise _refused("received/count", message, fix)
    if sum(path.stat().st_size for path in there) + more > FOLDER_LIMIT:
        message = f"The files of the flow would be more than {size_in_words(FOLDER_LIMIT)}."
        raise _refused("received/size", message, fix)


def _free(folder: Path, place: PurePosixPath) -> PurePosixPath:
    """A name near this one that is not taken."""
    number = 2
    while (folder / (found := place.with_stem(f"{place.stem} ({number})"))).exists():
        number += 1
    return found


def _inside(path: Path, folder: Path) -> bool:
    """Whether a path stays in a folder, links followed."""
    return path.resolve().is_relative_to(folder.resolve())


def _is_plain(part: str) -> bool:
    return (
        0 < len(part.encode("utf-8", "surrogatepass")) <= 200
        and part.isprintable()
        and not part.startswith(".")
        and part == part.strip()
        and not part.endswith(".")
        and not set(part) & set('<>:"|?*')
        and not _DEVICES.fullmatch(part)
    )


def _refused(code: str, message: str, fix: str) -> FlowError:
    return FlowError([Problem(code, message, fix)])


def when_there(given: str) -> WhenThere:
    """What a browser wants; to be asked, where it says nothing that is known."""
    match given:
        case "replace" | "keep":
            return given
        case _:
            return "ask"
