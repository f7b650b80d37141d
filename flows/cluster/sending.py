"""Weights that a machine of Ray lacks go there from here, once for each machine.

A machine of a cluster has no internet as a rule, and fetching the same on every one of them takes
longer than their own network does. What lies on a folder that all machines see is lacking nowhere,
and nothing is sent.

Weights that were fetched have the same place below the folder of weights everywhere. A person's own
are named by a path, which leads to nothing on another machine, or to something else: there they lie
below `sent/` in the folder of weights, by what they hold, and the processes of this run know which
name means them (`nodes.home.weights_sent`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.runs.inner import with_inner
from patchbay.flows.runs.running import LoadedFlow
from patchbay.nodes.errors import NodeError, error_as_json
from patchbay.nodes.home import weights_dir, weights_path, weights_sent
from patchbay.nodes.outside import weights_said
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.values import content_hash
from patchbay.nodes.weights import errors as words
from patchbay.nodes.weights.digest import remember, sha256_of
from patchbay.nodes.weights.errors import Wanted
from patchbay.nodes.weights.folders import find_folder
from patchbay.nodes.weights.manifest import FOLDERS, NAMED
from patchbay.nodes.weights.place import make_folder, ready, stamp
from patchbay.nodes.weights.refs import quiet
from patchbay.nodes.weights.resolve import find

PIECE = 16 * MEGABYTE
"""Bytes that go at once."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of weights: its place below the folder of weights, its size in bytes, its hash.

    Of a person's own it is also known by what name, when it was changed (Unix time in nanoseconds),
    which file it is where that names a folder, and where it lies on the machine that sends it.
    """

    place: str
    size: int
    sha256: str
    own: str = ""
    inside: str = ""
    changed_ns: int = 0
    source: str = ""

    def wanted(self) -> Wanted:
        """It on this machine.

        Raises:
            ValueError: its place leads out of the folder of weights.
        """
        place = PurePosixPath(self.place)
        if place.is_absolute() or ".." in place.parts:
            raise ValueError(f"{self.place} is no place below the folder of weights")
        return Wanted(self.place, weights_dir() / place, "the head", self.size, self.sha256)

    def is_seen(self) -> bool:
        """Whether it is here by its own name, which it need not be hashed for on a shared folder.

        Raises:
            OSError: it cannot be read.
        """
        named = weights_path(self.own)
        path = named / self.inside if self.inside else named
        if not path.is_file():
            return False
        stat = path.stat()
        if stat.st_size != self.size:
            return False
        return stat.st_mtime_ns == self.changed_ns or sha256_of(path, quiet) == self.sha256

    def root(self) -> Path:
        """What its own name means on a machine that it was sent to."""
        whole, deep = self.wanted().path, len(PurePosixPath(self.inside).parts)
        return whole.parents[deep - 1] if deep else whole


def names_of_weights(value: Any) -> Iterator[str]:
    """The names of weights in a description, at any depth."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from names_of_weights(item)
    if is_dataclass(value):
        for one in fields(value):
            yield from names_of_weights(getattr(value, one.name))
    if isinstance(value, BaseModel):
        said = dict(value)
        if isinstance(named := said.get("weights"), str) and named:
            yield named
        for inner in said.values():
            yield from names_of_weights(inner)


def names_in_flows(
    flows: Iterable[LoadedFlow], variables: str = "", elsewhere: Container[str] = ()
) -> list[str]:
    """The names of weights and adapters that the nodes of flows open where they run, and those that
    are a person's own.

    Args:
        flows: with those that they run.
        variables: the environment whose values the flows' variables have.
        elsewhere: names of models that have processes of their own.
    """
    found: dict[str, None] = {}
    for _, resolved in with_inner(flows, default_catalog(), variables):
        for node in resolved.nodes.values():
            if node.cls is None or node.params is None or node.instance.disabled:
                continue
            for name in weights_said(node.cls.Params, node.params.model_dump()):
                if name and (name not in elsewhere or is_own(name)):
                    found[name] = None
    return list(found)


def is_own(name: str) -> bool:
    """Whether a name of weights is the path of a person's own."""
    ours = name.startswith(("hf:", "ollama:")) or name in NAMED or name in FOLDERS
    return not ours and ("/" in name or "\\" in name or name.lower().endswith(".gguf"))


def files_to_send(names: Iterable[str]) -> list[SentFile]:
    """The files of weights that are on this machine: fetched ones, and a person's own. Blocks:
    hashes new ones."""
    found: dict[str, SentFile] = {}
    for name in names:
        if is_own(name):
            found |= {file.place: file for file in _own_files(name)}
            continue
        for path in _files(find(name) or find_folder(name)):
            with suppress(OSError, ValueError):
                place = path.relative_to(weights_dir()).as_posix()
                known = sha256_of(path, quiet, stamp(path))
                found[place] = SentFile(place, path.stat().st_size, known)
    return list(found.values())


def _own_files(name: str) -> list[SentFile]:
    """The files of a person's own weights, where all of them can be read."""
    top = weights_path(name)
    found: list[SentFile] = []
    try:
        for path in _files(top if top.exists() else None):
            inside = path.relative_to(top).as_posix() if path != top else ""
            if not inside.startswith(KEPT_WHILE_TRAINING):
                stat, known = path.stat(), sha256_of(path, quiet)
                found.append(
                    SentFile("", stat.st_size, known, name, inside, stat.st_mtime_ns, str(path))
                )
    except OSError:
        return []
    said = sorted((file.inside, file.sha256) for file in found)
    folder = f"sent/{content_hash(said)[:32]}/{top.name}"
    return [replace(one, place=f"{folder}/{one.inside}" if one.inside else folder) for one in found]


KEPT_WHILE_TRAINING = ("checkpoint-",)
"""How folders begin in a folder of weights that only a training goes on from."""


def _files(path: Path | None) -> Iterable[Path]:
    if path is None or not path.is_dir():
        return [path] if path is not None else []
    return [one for one in sorted(path.rglob("*")) if one.is_file() and not _is_stamp(one)]


def _is_stamp(path: Path) -> bool:
    if path.suffix == ".json":
        return path.with_suffix("").is_file()
    return path.suffix == ".part"


def lacking(files: Iterable[SentFile]) -> list[SentFile]:
    """Those that this machine has not. Of a person's own that are not where their names lead, this
    process knows from now on where they lie, or will."""
    found: list[SentFile] = []
    groups: dict[str, list[SentFile]] = {}
    for file in files:
        groups.setdefault(file.own, []).append(file)
    for own, group in groups.items():
        if own:
            weights_sent.pop(own, None)
            with suppress(OSError):
                if all(file.is_seen() for file in group):
                    continue
            weights_sent[own] = group[0].root()
        found += [file for file in group if not ready(file.wanted(), quiet)]
    return found


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
    with (Path(file.source) if file.source else file.wanted().path).open("rb") as held:
        offset = 0
        while (data := held.read(PIECE)) or not offset:
            yield offset, data
            offset += len(data)
            if offset >= file.size:
                return


class GetsWeights:
    """What an actor does that weights are sent to."""

    async def lacking(self, files: list[SentFile]) -> list[SentFile]:
        """Which of these files of weights this machine has not."""
        return await asyncio.to_thread(lacking, files)

    async def keep(
        self, file: SentFile, part: str, offset: int, data: bytes
    ) -> dict[str, Any] | None:
        """Keep a piece of one; why it cannot be kept, in words."""
        try:
            await asyncio.to_thread(put_piece, file, part, offset, data)
        except NodeError as error:
            return error_as_json(error)
        return None


def send(ray: Any, actor: Any, files: Sequence[SentFile], part: str) -> int:
    """Have the machine of an actor keep those of these files that it lacks. Blocks.

    Returns:
        How many bytes went there.

    Raises:
        NodeError: that machine cannot keep one.
        OSError: one cannot be read here.
    """
    sent = 0
    for file in ray.get(actor.lacking.remote(list(files))) if files else ():
        for offset, data in pieces_of(file):
            wrong = ray.get(actor.keep.remote(file, part, offset, data))
            if wrong is not None:
                raise NodeError(wrong["message"], fix=wrong["fix"], code=wrong["code"])
            sent += len(data)
    return sent


def send_all(ray: Any, actors: Iterable[Any], files: Sequence[SentFile], node: str = "") -> int:
    """Have the machines of actors keep those of these files that they lack, one after the other, so
    that each gets a file once. How many bytes went. What cannot be kept of fetched ones is left to
    who opens them: the machine may fetch it by itself. An actor that dies is left to who asks it.

    Args:
        ray: the module.
        actors: one for each process that opens them.
        files: what they open.
        node: who names them.

    Raises:
        FlowError: a person's own weights cannot be read here, or kept there.
    """
    went = 0
    own = [file for file in files if file.own]
    fetched = [file for file in files if not file.own]
    for actor in actors:
        with suppress(NodeError, OSError, ray.exceptions.RayError):
            went += send(ray, actor, fetched, uuid.uuid4().hex)
        try:
            with suppress(ray.exceptions.RayError):
                went += send(ray, actor, own, uuid.uuid4().hex)
        except (NodeError, OSError) as error:
            why, fix = (error.message, error.fix) if isinstance(error, NodeError) else (error, "")
            names = ", ".join(dict.fromkeys(file.own for file in own))
            message = f"{names} cannot be sent to a machine of Ray: {why}"
            fix = f"{fix} Or put it on a folder that all machines see.".lstrip()
            raise FlowError([Problem("cluster/weights", message, fix, node=node)]) from error
    return went
