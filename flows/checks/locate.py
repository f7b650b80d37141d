"""The flows that a flow runs: beside it, by name. Each is read once while its file is the same."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_flow, read_text, sent_text
from patchbay.flows.problems import FlowError, Problem

_NAME = re.compile(r"^(?!\.)[\w .-]{1,100}(/(?!\.)[\w .-]{1,100}){0,8}$")


def subflow_path(folder: Path, name: str) -> Path:
    """The file of the flow `name` beside a flow in `folder`; `.json` may be left out.

    Raises:
        FlowError: the name would lead out of the folder, or no such file is there.
    """
    if not _NAME.match(name):
        raise FlowError(
            [
                Problem(
                    "subflow/name",
                    f"{name[:100]!r} is not the name of a flow beside this one.",
                    "Use the file's name, such as summarize or steps/summarize.json.",
                )
            ]
        )
    for candidate in (folder / name, folder / f"{name}.json"):
        if candidate.suffix == ".json" and _is_there(candidate):
            return candidate
    known = sorted(path.stem for path in folder.glob("*.json"))
    raise FlowError(
        [
            Problem(
                "subflow/missing",
                f'There is no flow "{name}" in {folder}.',
                f"It holds: {', '.join(known[:12]) or 'no flows'}.",
            )
        ]
    )


def _is_there(path: Path) -> bool:
    return path.is_file() or sent_text(path) is not None


def read_once(path: Path) -> Flow:
    """The flow of a file: the same object to whoever asks, until the file is another.

    So that checks, the measure of memory and a run resolve it once, not once each.

    Raises:
        FlowError: the file holds no flow.
    """
    if (text := sent_text(path)) is not None:
        return _read_text(text)
    path = path.resolve()
    try:
        info = path.stat()
    except OSError:
        return read_flow(path)  # which says why not
    return _read(path, info.st_ino, info.st_mtime_ns, info.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, file: int, changed_ns: int, size: int) -> Flow:
    return read_flow(path)


@lru_cache(maxsize=64)
def _read_text(text: str) -> Flow:
    return read_text(text)
