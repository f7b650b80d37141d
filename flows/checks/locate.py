"""Where the flows lie that a flow runs: beside it, by name."""

from __future__ import annotations

import re
from pathlib import Path

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
        if candidate.suffix == ".json" and candidate.is_file():
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
