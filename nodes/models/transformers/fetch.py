"""Fetch a model or an adapter from a Hugging Face hub: the files that are needed, and no others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import offline
from patchbay.nodes.models.transformers.source import CONFIG, INDEX, WEIGHTS, HubFolder
from patchbay.nodes.weights import errors as words
from patchbay.nodes.weights.digest import remember, sha256_of
from patchbay.nodes.weights.errors import Wanted
from patchbay.nodes.weights.hub import fetch_hub
from patchbay.nodes.weights.place import alone, part_of, stamp
from patchbay.nodes.weights.refs import HubRef, Report

TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
OPTIONAL = ("generation_config.json", "special_tokens_map.json", "added_tokens.json",
            "chat_template.jinja", "chat_template.json", "preprocessor_config.json",
            "processor_config.json")  # fmt: skip


def fetch_model(ref: HubFolder, report: Report) -> Path:
    """The folder of a model, with what is not here yet fetched.

    Raises:
        NodeError: it cannot be had, in words.
    """
    if _whole(ref.path, (CONFIG, *TOKENIZER)):
        return ref.path
    _need_network(ref, (CONFIG, *TOKENIZER, f"{WEIGHTS} (or {INDEX} and its parts)"))
    with alone(Wanted(str(ref), ref.path / CONFIG, "the hub"), report):
        for name in (CONFIG, *TOKENIZER):
            fetch_file(ref, name, report)
        for name in OPTIONAL:
            _fetch_if_there(ref, name, report)
        if not _fetch_if_there(ref, INDEX, report):
            fetch_file(ref, WEIGHTS, report)
        for shard in shards(ref.path):
            fetch_file(ref, shard, report)
    return ref.path


def fetch_files(ref: HubFolder, names: Sequence[str], report: Report) -> Path:
    """A folder with certain files of a repository.

    Raises:
        NodeError: one cannot be had, in words.
    """
    if all((ref.path / name).is_file() for name in names):
        return ref.path
    _need_network(ref, names)
    with alone(Wanted(str(ref), ref.path / CONFIG, "the hub"), report):
        for name in names:
            fetch_file(ref, name, report)
    return ref.path


def fetch_file(ref: HubFolder, name: str, report: Report) -> Path:
    """One file of a repository, checked against the hub's hash where it gives one.

    Raises:
        NodeError: it cannot be had, in words.
    """
    wanted = Wanted(f"{ref} {name}", ref.path / name, "the hub")
    if wanted.path.is_file():
        return wanted.path
    part = part_of(wanted)
    linked = fetch_hub(HubRef(ref.repo, name, ref.revision), part, wanted, report)
    found = sha256_of(part, report, stamp(part))
    stamp(part).unlink(missing_ok=True)
    if linked and found != linked:
        part.unlink(missing_ok=True)
        raise words.wrong_hash(replace(wanted, sha256=linked), found, kept=False)
    try:
        part.replace(wanted.path)
    except OSError as error:
        raise words.from_os_error(wanted, error, 0) from error
    remember(wanted.path, found, stamp(wanted.path))
    return wanted.path


def shards(folder: Path) -> list[str]:
    """The names of the weight files in a folder, as its index says or the single one.

    Raises:
        NodeError: the index is damaged, or names files outside the folder.
    """
    index = folder / INDEX
    if not index.is_file():
        return [WEIGHTS]
    try:
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(index, str(error)) from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not name.endswith("safetensors"):
            raise _damaged(index, f"it names {name!r}")
    return names


def _fetch_if_there(ref: HubFolder, name: str, report: Report) -> bool:
    try:
        fetch_file(ref, name, report)
    except NodeError as error:
        if error.code == "weights/refused" and "404" in error.message:
            return False
        raise
    return True


def _whole(folder: Path, names: Sequence[str]) -> bool:
    here = all((folder / name).is_file() for name in names)
    return here and all((folder / name).is_file() for name in shards(folder))


def _need_network(ref: HubFolder, names: Sequence[str]) -> None:
    if offline():
        raise NodeError(
            f"{ref} is not on this machine, and fetching is switched off (PATCHBAY_OFFLINE or "
            "HF_HUB_OFFLINE is set).",
            fix=f"Unset it, once. Or put the files {', '.join(names)} into {ref.path}.",
            code="weights/offline",
            retry=False,
        )


def _damaged(index: Path, why: str) -> NodeError:
    return NodeError(
        f"The list of weight files {index} is damaged: {why}.",
        fix="Remove the folder and fetch the model again.",
        code="weights/damaged",
        retry=False,
    )
