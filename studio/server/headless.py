"""The command line that does what was done in the studio."""

from __future__ import annotations

import json
import shlex
from typing import Any

from patchbay.flows.runs.history import PastRun
from patchbay.nodes.values import TAG
from patchbay.studio.server.services import services


def command(past: PastRun) -> str:
    """The command line that runs the same. Says where the file is not known."""
    path = next(
        (e.path for e in services().library.own() if e.flow and e.flow.name == past.name
         and (past.folder is None or e.path.parent == past.folder)),
        None,
    )  # fmt: skip
    parts = ["patchbay", "run", shlex.quote(str(path) if path else "FLOW.json")]
    for name, value in past.inputs.items():
        parts += ["--input", shlex.quote(f"{name}={_as_argument(value)}")]
    for node in past.only:
        parts += ["--only", shlex.quote(node)]
    return " ".join(parts)


def _as_argument(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value.get(TAG) == "fileref":
        return str(value.get("path"))
    if (
        isinstance(value, list)
        and value
        and isinstance(value[0], dict)
        and value[0].get(TAG) == "document"
    ):
        sources = dict.fromkeys(str((d.get("metadata") or {}).get("source", "")) for d in value)
        return ",".join(sources)
    return json.dumps(value, ensure_ascii=False)
