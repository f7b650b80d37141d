"""Files to which something is added a line at a time, each line an object in JSON.

A process that is killed may leave half a line. It is passed over, and what is added later begins
on a line of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchbay.nodes.private import private_file, private_folder


def add_json_line(path: Path, said: Mapping[str, Any]) -> None:
    """Add a line to a file, which is made for its owner only where it is not there. Blocks.

    Raises:
        OSError: the disk refuses.
    """
    private_folder(path.parent)
    with private_file(path).open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(said, ensure_ascii=True).encode("ascii") + b"\n")


def json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects in a file, in their order; none where there is no such file. Blocks."""
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        with contextlib.suppress(ValueError):
            if isinstance(said := json.loads(line), dict):
                found.append(said)
    return found
