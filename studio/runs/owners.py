"""Who started which run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from patchbay.nodes.file_stamp import file_stamp

_known: dict[Path, tuple[tuple[int, int], Mapping[str, str]]] = {}


def owners_in(file: Path | None) -> Mapping[str, str]:
    """Who started which run, of those that a studio started. Others belong to everybody.

    Every open page asks again and again, so a file that has not changed is not read again.
    """
    stamp = None if file is None else file_stamp(file)
    if file is None or stamp is None:
        return {}
    known = _known.get(file)
    if known is None or known[0] != stamp:
        _known[file] = known = (stamp, _read(file))
    return known[1]


def _read(file: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            data = json.loads(line)
            found[data["run"]] = data["owner"]
    return found
