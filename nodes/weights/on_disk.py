"""Weights that other programs keep on this machine: Hugging Face's cache and Ollama's store.

Nothing is asked, fetched or hashed; a store that cannot be read has none.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from patchbay.nodes.weights.ollama_store import REGISTRY, find_ollama, stores
from patchbay.nodes.weights.refs import OllamaRef

MOST = 500
"""Weights of a store that are looked at."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Weights in a store of another program."""

    reference: str
    """What `weights` of a node is set to."""
    name: str
    store: str
    """Whose store it is: `Hugging Face` or `Ollama`."""
    path: Path
    size: int
    """Bytes."""
    is_folder: bool = False
    """Whether these are files for Transformers, not one GGUF file."""


def on_disk(env: Mapping[str, str] = os.environ) -> list[OnDisk]:
    """All of them, by store and name."""
    found = [*_limited(_hugging_face(env)), *_limited(_ollama(env))]
    return sorted(found, key=lambda one: (one.store, one.name.casefold()))


def _limited(found: Iterator[OnDisk]) -> Iterator[OnDisk]:
    for _, one in zip(range(MOST), found, strict=False):
        yield one


# --- Hugging Face -------------------------------------------------------------------------------
# See https://huggingface.co/docs/huggingface_hub/guides/manage-cache: a folder for each repository,
# in it a folder for each revision, in it links to the files.


def hub_cache(env: Mapping[str, str] = os.environ) -> Path:
    """Where Hugging Face's own programs keep what they fetch."""
    if given := env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE"):
        return Path(given).expanduser()
    if home := env.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    cache = env.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "huggingface" / "hub"


def _hugging_face(env: Mapping[str, str]) -> Iterator[OnDisk]:
    for folder in _listed(hub_cache(env), "models--*--*"):
        repo = folder.name.removeprefix("models--").replace("--", "/", 1)
        latest = _latest(folder)
        if latest is None:
            continue
        for path in _listed(latest, "**/*.gguf"):
            if size := _size(path):
                inner = path.relative_to(latest).as_posix()
                yield OnDisk(str(path), f"{repo}/{inner}", "Hugging Face", path, size)
        if (latest / "config.json").is_file() and (weights := _listed(latest, "*.safetensors")):
            size = sum(_size(path) for path in weights)
            if size:
                yield OnDisk(str(latest), repo, "Hugging Face", latest, size, is_folder=True)


def _latest(repository: Path) -> Path | None:
    """The revision of `main`, else the one that came last."""
    snapshots = repository / "snapshots"
    with contextlib.suppress(OSError):
        named = snapshots / (repository / "refs" / "main").read_text("utf-8").strip()
        if named.parent == snapshots and named.is_dir():
            return named
    with contextlib.suppress(OSError, ValueError):
        return max(_listed(snapshots, "*"), key=lambda path: path.stat().st_mtime)
    return None


# --- Ollama -------------------------------------------------------------------------------------


def _ollama(env: Mapping[str, str]) -> Iterator[OnDisk]:
    for store in stores(env):
        root = store / "manifests"
        for record in _listed(root, "*/*/*/*"):
            with contextlib.suppress(ValueError, OSError):
                host, owner, name, tag = record.relative_to(root).parts
                owners = [] if owner == "library" else [owner]
                inner = "/".join(owners if host == REGISTRY else [host, owner])
                ref = OllamaRef(inner, name, tag)
                if (found := find_ollama(ref, env)) and (size := _size(found[0])):
                    yield OnDisk(f"ollama:{ref}", str(ref), "Ollama", found[0], size)


def _listed(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
