"""Write a file, or put a folder, so that nobody ever sees half of it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from patchbay.nodes.private import is_private


def write_atomic(path: Path, data: bytes | str, *, durable: bool = True) -> None:
    """Replace a file's content in one step; text is written as UTF-8.

    A link is followed, and the rights of an existing file are kept. A new file in a folder that
    only its owner may enter is its owner's only. A failure (a full disk, say) leaves the old file
    whole and no temporary file behind.

    Args:
        path: the file.
        data: its new content.
        durable: whether the content must survive a power cut; costs a few milliseconds.

    Raises:
        OSError: the file could not be written.
    """
    raw = data.encode("utf-8") if isinstance(data, str) else data
    target = path.resolve()
    # The temporary file lies in the same folder because a rename is only atomic within one disk.
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.tmp")
    mode = 0o600 if is_private(target.parent) else 0o666  # less the umask
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if durable and target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        _sync_folder(target.parent)


def put_folder(made: Path, place: Path) -> None:
    """Put a whole folder to its place. What was there before goes when the new one is there.

    A failure leaves the old folder. A kill between both renames leaves it beside its place, from
    where `bring_back` fetches it.

    Args:
        made: the new folder, on the same disk; it is there no more afterwards.
        place: where it goes.

    Raises:
        OSError: it could not be put there.
    """
    bring_back(place)
    old = _aside(place)
    shutil.rmtree(old, ignore_errors=True)  # of a kill when the new one was there already
    if not os.path.lexists(place):
        made.rename(place)
        return
    place.rename(old)
    try:
        made.rename(place)
    except BaseException:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def bring_back(place: Path) -> None:
    """Bring back a folder that `put_folder` was replacing when it was killed.

    Raises:
        OSError: it could not be brought back.
    """
    old = _aside(place)
    if old.exists() and not os.path.lexists(place):
        old.rename(place)


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}.old")


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def claim(path: Path) -> bool:
    """Make an empty file where nothing is. Of several who want one name at once, one gets True.

    Raises:
        OSError: it could not be made.
    """
    mode = 0o600 if is_private(path.parent) else 0o666  # less the umask
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    except FileExistsError:
        return False
    return True
