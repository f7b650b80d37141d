"""Weights that a machine of Ray lacks go there from here, once for each machine.

A machine of a cluster has no internet as a rule, and fetching the same on every one of them takes
longer than their own network does. What lies on a folder that all machines see is lacking nowhere,
and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import weights_dir
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.values import Spec
from patchbay.nodes.weights import errors as words
from patchbay.nodes.weights.digest import remember, sha256_of
from patchbay.nodes.weights.errors import Wanted
from patchbay.nodes.weights.folders import find_folder
from patchbay.nodes.weights.place import make_folder, ready, stamp
from patchbay.nodes.weights.refs import quiet
from patchbay.nodes.weights.resolve import find

PIECE = 16 * MEGABYTE
"""Bytes that go at once."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of weights: its place below the folder of weights, its size in bytes, its hash."""

    place: str
    size: int
    sha256: str

    def wanted(self) -> Wanted:
        """It on this machine.

        Raises:
            ValueError: its place leads out of the folder of weights.
        """
        place = PurePosixPath(self.place)
        if place.is_absolute() or ".." in place.parts:
            raise ValueError(f"{self.place} is no place below the folder of weights")
        return Wanted(self.place, weights_dir() / place, "the head", self.size, self.sha256)


def names_of_weights(value: Any) -> Iterator[str]:
    """The names of weights in a description, at any depth."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from names_of_weights(item)
    if isinstance(value, BaseModel):
        said = dict(value)
        if isinstance(named := said.get("weights"), str) and named:
            yield named
        for inner in said.values():
            yield from names_of_weights(inner)


def files_to_send(spec: Spec) -> list[SentFile]:
    """The files of its weights that were fetched to this machine. Those that have not been are not
    among them, nor a person's own, which are named by where they lie. Blocks: hashes new ones."""
    found: dict[str, SentFile] = {}
    for name in names_of_weights(spec):
        for path in _files(find(name) or find_folder(name)):
            with suppress(OSError, ValueError):
                place = path.relative_to(weights_dir()).as_posix()
                known = sha256_of(path, quiet, stamp(path))
                found[place] = SentFile(place, path.stat().st_size, known)
    return list(found.values())


def _files(path: Path | None) -> Iterable[Path]:
    if path is None or not path.is_dir():
        return [path] if path is not None else []
    return [one for one in sorted(path.rglob("*")) if one.is_file() and not _is_stamp(one)]


def _is_stamp(path: Path) -> bool:
    if path.suffix == ".json":
        return path.with_suffix("").is_file()
    return path.suffix == ".part"


def lacking(files: Iterable[SentFile]) -> list[SentFile]:
    """Those that this machine has not."""
    return [file for file in files if not ready(file.wanted(), quiet)]


def put_piece(file: SentFile, part: str, offset: int, data: bytes) -> None:
    """Keep a piece of a file, which is whole with the last one.

    Args:
        file: the file.
        part: what tells this sending from others.
        offset: where the piece begins.
        data: the piece.

    Raises:
        NodeError: the disk refuses, or the file is not the one that it should be.
    """
    wanted = file.wanted()
    half = wanted.path.with_name(f".{wanted.path.name}.{part}.part")
    try:
        make_folder(half.parent)
        with half.open("r+b" if offset else "wb") as held:
            held.seek(offset)
            held.write(data)
        if offset + len(data) < file.size:
            return
        found = sha256_of(half, quiet, stamp(half))
        stamp(half).unlink(missing_ok=True)
        if found != file.sha256:
            half.unlink(missing_ok=True)
            raise words.wrong_hash(wanted, found, kept=False)
        half.replace(wanted.path)
        remember(wanted.path, found, stamp(wanted.path))
    except OSError as error:
        with suppress(OSError):
            half.unlink(missing_ok=True)
        raise words.from_os_error(wanted, error, file.size - offset) from error


def pieces_of(file: SentFile) -> Iterator[tuple[int, bytes]]:
    """A file of this machine in pieces, each with where it begins.

    Raises:
        OSError: it cannot be read.
    """
    with file.wanted().path.open("rb") as held:
        offset = 0
        while (data := held.read(PIECE)) or not offset:
            yield offset, data
            offset += len(data)
            if offset >= file.size:
                return


def send(ray: Any, actor: Any, files: list[SentFile], part: str) -> int:
    """Have the machine of an actor keep those of these files that it lacks. Blocks.

    Returns:
        How many bytes went there.

    Raises:
        NodeError: that machine cannot keep one.
        OSError: one cannot be read here.
    """
    sent = 0
    for file in ray.get(actor.lacking.remote(files)) if files else ():
        for offset, data in pieces_of(file):
            wrong = ray.get(actor.keep.remote(file, part, offset, data))
            if wrong is not None:
                raise NodeError(wrong["message"], fix=wrong["fix"], code=wrong["code"])
            sent += len(data)
    return sent
