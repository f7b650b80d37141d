"""What is wanted, and the words for why it cannot be had."""

from __future__ import annotations

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from patchbay.nodes.errors import NodeError


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that should be at `path`. `size` (bytes) and `sha256` are empty when not known."""

    label: str
    path: Path
    source: str
    size: int | None = None
    sha256: str = ""
    thing: Literal["weights", "file"] = "weights"
    """What people call it."""

    @property
    def named(self) -> str:
        """It in words."""
        return f"{self.thing} {self.label!r}"

    def does(self, verb: str) -> str:
        """What it does: weights have, a file has."""
        if self.thing == "weights":
            return verb
        return {"have": "has", "are": "is"}.get(verb, f"{verb}s")


def by_hand(wanted: Wanted) -> str:
    """How a person without a network gets the file to its place."""
    facts = [f"{wanted.size:,} bytes"] if wanted.size else []
    facts += [f"SHA-256 {wanted.sha256}"] if wanted.sha256 else []
    about = f" ({', '.join(facts)})" if facts else ""
    return f"Or put the file {wanted.path.name}{about} at {wanted.path}."


def missing_offline(wanted: Wanted) -> NodeError:
    """The person wants no network, and the file is not here."""
    return NodeError(
        f"The {wanted.named} {wanted.does('are')} not on this machine, and fetching is switched "
        "off (PATCHBAY_OFFLINE or HF_HUB_OFFLINE is set).",
        fix=f"Unset it, once, to fetch them from {wanted.source}. {by_hand(wanted)}",
        code="weights/offline",
        retry=False,
    )


def unreachable(wanted: Wanted, why: str) -> NodeError:
    """The source did not answer."""
    return NodeError(
        f"The {wanted.named} cannot be fetched from {wanted.source}: {why}",
        fix=f"Check the network and try again. {by_hand(wanted)}",
        code="weights/unreachable",
    )


def interrupted(wanted: Wanted, done: int, why: str) -> NodeError:
    """The connection broke again and again."""
    of = f" of {wanted.size:,}" if wanted.size else ""
    return NodeError(
        f"Fetching {wanted.label!r} broke off after {done:,}{of} bytes: {why}",
        fix=f"Run it again; it goes on where it stopped. {by_hand(wanted)}",
        code="weights/interrupted",
    )


def refused(wanted: Wanted, status: int) -> NodeError:
    """The source answered, but with an HTTP error."""
    why = f"{wanted.source} answered {status} for the {wanted.named}."
    if status in (401, 403):
        fix = "Ask for access to the repository and set HF_TOKEN."
    elif status == 404:
        fix = "Check the names of repository, file and revision."
    else:
        fix = "Try again later."
    return NodeError(
        why, fix=f"{fix} {by_hand(wanted)}", code="weights/refused", retry=status >= 500
    )


def wrong_hash(wanted: Wanted, found: str, *, kept: bool) -> NodeError:
    """The bytes are not the ones that were pinned. `kept`: the file was put there by a person."""
    what = "The file in its place is left as it is." if kept else "Nothing of it was kept."
    return NodeError(
        f"The {wanted.named} {wanted.does('have')} the wrong content: SHA-256 {found}, "
        f"but {wanted.sha256} is expected. {what}",
        fix=f"Remove {wanted.path} and fetch it again." if kept else "Fetch it again.",
        code="weights/wrong-hash",
        retry=False,
    )


def wrong_size(wanted: Wanted, found: int, *, kept: bool = False) -> NodeError:
    """The file is cut short (or too long)."""
    what = "The file in its place is left as it is." if kept else "Nothing of it was kept."
    return NodeError(
        f"The {wanted.named} from {wanted.source} {wanted.does('hold')} {found:,} bytes, "
        f"but {wanted.size or 0:,} are expected. {what}",
        fix=f"Remove {wanted.path} and fetch it again." if kept else "Fetch it again.",
        code="weights/truncated",
        retry=False,
    )


def damaged(wanted: Wanted, why: str) -> NodeError:
    """What came is not what it should be, in another way than its hash."""
    return NodeError(
        f"What came for the {wanted.named} from {wanted.source} is of no use: {why}. "
        "Nothing of it was kept.",
        fix=f"Check the reference. {by_hand(wanted)}",
        code="weights/damaged",
        retry=False,
    )


def disk_full(wanted: Wanted, needed: int) -> NodeError:
    """The disk does not hold `needed` more bytes."""
    free = free_bytes(wanted.path)
    return NodeError(
        f"The {wanted.named} {wanted.does('need')} {needed:,} more bytes in {wanted.path.parent}, "
        f"but only {free:,} are free.",
        fix="Make room, or set PATCHBAY_WEIGHTS to a folder on another disk.",
        code="weights/disk-full",
        retry=False,
    )


def from_os_error(wanted: Wanted, error: OSError, needed: int) -> NodeError:
    """The disk refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(wanted, needed)
    return NodeError(
        f"The {wanted.named} cannot be stored in {wanted.path.parent}: {error.strerror or error}.",
        fix="Set PATCHBAY_WEIGHTS to a folder that can be written.",
        code="weights/unwritable",
        retry=False,
    )


def free_bytes(path: Path) -> int:
    """Free bytes of the disk that holds, or will hold, a path."""
    folder = path
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def need_space(wanted: Wanted, needed: int) -> None:
    """Make sure of `needed` bytes before a long download.

    Raises:
        NodeError: there are fewer.
    """
    if needed > free_bytes(wanted.path):
        raise disk_full(wanted, needed)
