"""Data sets of a Hugging Face hub: which Parquet files a split has, at one commit.

See https://huggingface.co/docs/hub/datasets-file-names-and-splits. A commit is what pins rows: a
branch is whatever was pushed last. The hub writes Parquet of most data sets by itself, under the
revision `refs/convert/parquet`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import offline, weights_dir
from patchbay.nodes.weights import errors as words
from patchbay.nodes.weights.digest import sha256_of
from patchbay.nodes.weights.errors import Wanted
from patchbay.nodes.weights.hub import fetch_hub
from patchbay.nodes.weights.hub_search import hub_json, no_hub
from patchbay.nodes.weights.place import alone, part_of, stamp
from patchbay.nodes.weights.refs import HubRef, Report

COMMIT = re.compile(r"[0-9a-f]{40}")
CONVERTED = "refs/convert/parquet"
_SPLIT = re.compile(r"(?P<split>[A-Za-z][A-Za-z_-]*?)(?:[-_.]?\d[\w.-]*)?")
_LISTING = "files.json"
_FOLDERS = ("data",)
"""Folders that say nothing of a subset."""
_SHARDS = ("part", "shard", "chunk", "data", "file")
"""Names of files that say nothing of a split."""


@dataclass(frozen=True, slots=True)
class HubParquet:
    """A Parquet file of a data set, and what its path says of it."""

    path: str
    subset: str
    split: str


@dataclass(frozen=True, slots=True)
class HubSet:
    """A data set at one commit."""

    repo: str
    commit: str
    license: str
    files: tuple[HubParquet, ...]

    @property
    def folder(self) -> Path:
        """Where its files lie, below the weights folder."""
        return folder_of(self.repo, self.commit)


def folder_of(repo: str, commit: str) -> Path:
    """Where the files of a data set lie."""
    return weights_dir() / "hf" / "datasets" / repo / commit


def hub_set(repo: str, revision: str, env: Mapping[str, str] = os.environ) -> HubSet:
    """What a data set holds at a revision. Blocks for up to 15 s; what is known of a commit stays.

    Raises:
        NodeError: the hub cannot be asked, has no such data set, or none with Parquet.
    """
    known = folder_of(repo, revision) / _LISTING
    if COMMIT.fullmatch(revision) and (held := _held(known, repo)) is not None:
        return held
    if offline(env):
        raise _offline(repo, revision)
    try:
        told = hub_json(f"/api/datasets/{quote(repo)}/revision/{quote(revision, safe='')}", {}, env)
    except NodeError as error:
        raise _no_set(repo, revision, error) from error
    if not isinstance(told, dict) or not COMMIT.fullmatch(str(told.get("sha"))):
        raise no_hub(env)
    siblings = told.get("siblings")
    names = [one.get("rfilename") for one in siblings or () if isinstance(one, dict)]
    found = HubSet(repo, str(told["sha"]), _license(told), _parquet(names))
    if not found.files:
        raise NodeError(
            f"The data set {repo!r} holds no Parquet at {revision!r}.",
            fix=f"Set the revision to {CONVERTED}, where the hub writes Parquet of most sets; or "
            "wire a file of yours into the data node.",
            param="revision",
            code="training/hub-set",
            retry=False,
        )
    _keep(found)
    return found


def chosen(found: HubSet, subset: str, split: str) -> tuple[HubParquet, ...]:
    """The files of a split, in their order.

    Raises:
        NodeError: there is no such subset or split; the message names those that there are.
    """
    subsets = sorted({file.subset for file in found.files})
    which = subset
    if not subset and "" not in subsets:
        which = "default" if "default" in subsets else subsets[0]
        if which != "default" and len(subsets) > 1:
            raise _not_there(found, "subset", subset, subsets)
    if which not in subsets:
        raise _not_there(found, "subset", subset, subsets)
    inside = [file for file in found.files if file.subset == which]
    splits = sorted({file.split for file in inside})
    if split not in splits:
        raise _not_there(found, "split", split, splits)
    return tuple(file for file in inside if file.split == split)


def fetched(found: HubSet, file: HubParquet, report: Report) -> Path:
    """A file of a data set, fetched if need be, and checked against the hub's hash.

    Raises:
        NodeError: it cannot be had, in words.
    """
    path = found.folder / file.path
    if path.is_file():
        return path
    if offline():
        raise _offline(found.repo, found.commit)
    _fetch(found, file, report)
    return path


def _fetch(found: HubSet, file: HubParquet, report: Report) -> None:
    path = found.folder / file.path
    wanted = Wanted(f"{found.repo} {file.path}", path, "the hub", thing="file")
    with alone(wanted, report):
        if path.is_file():
            return
        part = part_of(wanted)
        ref = HubRef(f"datasets/{found.repo}", file.path, found.commit)
        linked = fetch_hub(ref, part, wanted, report)
        digest = sha256_of(part, report, stamp(part))
        stamp(part).unlink(missing_ok=True)
        if linked and digest != linked:
            part.unlink(missing_ok=True)
            raise words.wrong_hash(replace(wanted, sha256=linked), digest, kept=False)
        try:
            part.replace(path)
        except OSError as error:
            raise words.from_os_error(wanted, error, 0) from error


def place_in(path: str) -> HubParquet | None:
    """What the path of a Parquet file says of it; None where it leads out of the folder."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path:
        return None
    folders, name = list(pure.parts[:-1]), pure.name.removesuffix(".parquet")
    named = _SPLIT.fullmatch(name)
    split = "" if named is None else named["split"]
    if not split or split in _SHARDS:  # main/train/0000.parquet
        split = folders.pop() if folders and folders[-1] not in _FOLDERS else "train"
    return HubParquet(path, "/".join(one for one in folders if one not in _FOLDERS), split)


def _parquet(names: list[object]) -> tuple[HubParquet, ...]:
    paths = sorted(n for n in names if isinstance(n, str) and n.endswith(".parquet"))
    return tuple(file for path in paths if (file := place_in(path)) is not None)


def _license(told: Mapping[str, object]) -> str:
    tags = told.get("tags")
    named = [str(one) for one in tags] if isinstance(tags, list) else []
    return ", ".join(one.removeprefix("license:") for one in named if one.startswith("license:"))


def _keep(found: HubSet) -> None:
    """What a commit holds never changes, so that it need not be asked again."""
    held = {"license": found.license, "files": [file.path for file in found.files]}
    try:
        found.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(found.folder / _LISTING, json.dumps(held) + "\n")
    except OSError as error:
        wanted = Wanted(found.repo, found.folder / _LISTING, "the hub")
        raise words.from_os_error(wanted, error, 0) from error


def _held(path: Path, repo: str) -> HubSet | None:
    try:
        held = json.loads(path.read_text("utf-8"))
        files = _parquet(held["files"])
        return HubSet(repo, path.parent.name, str(held["license"]), files) if files else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _not_there(found: HubSet, what: str, named: str, there: list[str]) -> NodeError:
    said = f"no {what} {named!r}" if named else f"several {what}s"
    return NodeError(
        f"The data set {found.repo!r} has {said}; it has: {', '.join(filter(None, there))}.",
        fix=f"Set the {what} to one of them.",
        param=what,
        code="training/hub-set",
        retry=False,
    )


def _no_set(repo: str, revision: str, error: NodeError) -> NodeError:
    if "answered 404" in error.message or "answered 401" in error.message:
        return NodeError(
            f"The hub has no data set {repo!r} at {revision!r}, or it is not open to everybody.",
            fix="Check the name and the revision; set HF_TOKEN where it asks for access.",
            param="name",
            code="training/hub-set",
            retry=False,
        )
    fix = "Check the network, or name another hub in HF_ENDPOINT. A data set whose commit is set "
    fix += "and whose files are here needs none; so does a file wired into the data node."
    return NodeError(error.message, fix=fix, param="name", code=error.code, retry=error.retry)


def _offline(repo: str, revision: str) -> NodeError:
    pinned = "" if COMMIT.fullmatch(revision) else " A branch is asked for anew each time."
    return NodeError(
        f"The data set {repo!r} at {revision!r} is not on this machine, and the hub is not asked: "
        f"PATCHBAY_OFFLINE or HF_HUB_OFFLINE is set.{pinned}",
        fix="Unset it, once, and set the revision to the commit that the report names; or wire a "
        "file of yours into the data node.",
        param="revision",
        code="weights/offline",
        retry=False,
    )
