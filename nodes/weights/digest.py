"""Hash a file once, and remember the hash for as long as the file does not change."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.home import cache_dir
from patchbay.nodes.private import private_folder
from patchbay.nodes.weights.refs import Report

_BLOCK = 1 << 20


def sha256_of(path: Path, report: Report, memo: Path | None = None) -> str:
    """SHA-256 (hex) of a file, from the memo where size and time of change still agree.

    Args:
        memo: where to remember it; by default in the cache folder.

    Raises:
        OSError: the file cannot be read.
    """
    memo = memo or memo_path(path)
    if known := remembered(path, memo):
        return known
    stat = path.stat()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        done = 0
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            report(f"Checking {path.name}", done, stat.st_size)
    remember(path, digest.hexdigest(), memo)
    return digest.hexdigest()


def memo_path(path: Path) -> Path:
    """Where the hash of a file that is not ours is remembered."""
    key = hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogatepass")).hexdigest()
    return cache_dir() / "hashes" / f"{key[:32]}.json"


def remembered(path: Path, memo: Path) -> str | None:
    """The remembered hash, or None where there is none or the file has changed."""
    try:
        known = json.loads(memo.read_text("utf-8"))
        stat = path.stat()
        if (known["size"], known["mtime_ns"]) == (stat.st_size, stat.st_mtime_ns):
            return str(known["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def remember(path: Path, sha256: str, memo: Path) -> None:
    """Remember a hash. That it cannot be remembered is no reason to fail."""
    try:
        stat = path.stat()
        known = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": sha256}
        private_folder(memo.parent)
        write_atomic(memo, json.dumps(known) + "\n")
    except OSError:
        pass
