"""The files that a recorded run wrote: of one that has ended, waits, or was killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.errors import NodeError
from patchbay.nodes.written_files import files_in, place_in

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History


def files_of(history: History, run: str) -> dict[str, str]:
    """The files of a run by their paths: what its nodes gave, and what those at work have written.

    Where two nodes wrote a file of one path, the one that ended last counts.
    """
    found: dict[str, str] = {}
    for event in history.events(run, "node_finished"):
        for value in event["outputs"].values():
            found.update(files_in(value) or {})
    for path, text in _under_way(history, run).items():
        if text is None:
            found.pop(path, None)
        else:
            found[path] = text
    return dict(sorted(found.items()))


def _under_way(history: History, run: str) -> dict[str, str | None]:
    """What steps of nodes that have not finished wrote; None for what they deleted."""
    latest: dict[str, tuple[int, str | None]] = {}
    for step in history.steps(run):
        if '"wrote"' not in step.value:
            continue
        value = json.loads(step.value)
        notes = value.get("files") if isinstance(value, dict) else None
        for one in notes.get("wrote", ()) if isinstance(notes, dict) else ():
            number, data = one["number"], one["data"]
            if number >= latest.get(one["path"], (0, None))[0]:
                latest[one["path"]] = (number, None if data is None else _text(data))
    return {path: text for path, (_, text) in latest.items()}


def _text(data: Any) -> str:
    content = data.get("content", "") if isinstance(data, dict) else data
    return "\n".join(content) if isinstance(content, list) else str(content)


def export_files(files: dict[str, str], folder: Path) -> int:
    """Write files into a folder, which is made. Returns the bytes that were written.

    Raises:
        FlowError: one would lie outside of it, is there already, or cannot be written.
    """
    try:
        places = {path: folder / place_in(path) for path in files}
    except NodeError as error:
        raise FlowError([Problem(error.code, error.message, error.fix)]) from None
    if there := next((place for place in places.values() if place.exists()), None):
        message = f"{there} is there already."
        raise FlowError([Problem("files/there", message, "Name a folder that is new.")])
    size = 0
    for path, place in places.items():
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(place, files[path])
        except OSError as error:
            message = f"{place} cannot be written: {error.strerror or error}."
            raise FlowError([Problem("files/write", message, "Name another folder.")]) from None
        size += len(files[path].encode())
    return size
