"""Files that a run wrote, as values hold them: texts by paths that begin with a slash."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from patchbay.nodes.errors import NodeError


def files_in(value: Any) -> dict[str, str] | None:
    """The files that a value is; None where it is something else.

    An agent that works on files gives them so: `{"/notes.md": "…"}`.
    """
    if not isinstance(value, dict) or not value:
        return None
    named = all(isinstance(path, str) and path.startswith("/") for path in value)
    return value if named and all(isinstance(text, str) for text in value.values()) else None


def place_in(path: str) -> PurePosixPath:
    """Where a file goes in a folder, by its path.

    Raises:
        NodeError: it would lie outside of the folder.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or any("\\" in part or ":" in part for part in parts):
        raise NodeError(
            f"The file {path} would lie outside of the folder.",
            fix="Look at it with --json instead.",
            code="files/outside",
            retry=False,
        )
    return PurePosixPath(*parts)
