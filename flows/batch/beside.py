"""What lies beside the output of a batch: its manifest, the rows that failed, and its folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from patchbay.nodes.home import home


def side_file(output: str, what: str) -> Path:
    """A file beside the output, such as `labels.manifest.json`."""
    if "://" in output:
        from patchbay.flows.batch.databases import folder_of

        return folder_of(output) / f"{output.rpartition('#')[2]}.{what}"
    path = Path(output)
    return path.with_name(f"{path.stem}.{what}")


def spool_folder(output: str) -> Path | None:
    """Where a batch is kept: at home where the output is a database; None for beside it."""
    if "://" not in output:
        return None
    return home() / "batches" / hashlib.sha256(output.encode()).hexdigest()[:16]


def standing_in_the_way(output: str) -> str:
    """What is there already and would be written over, in a sentence; "" for nothing."""
    if "://" in output:
        return ""
    path, manifest = Path(output), side_file(output, "manifest.json")
    if path.exists():
        return f"{output} is there already."
    if other := _other_output(manifest, path):
        return f"{manifest.name} is there already, and belongs to {other}."
    return ""


def _other_output(manifest: Path, path: Path) -> str:
    """The other output that a manifest speaks of, if that is still there."""
    try:
        name = Path(json.loads(manifest.read_text(encoding="utf-8"))["output"]["file"]).name
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return name if name != path.name and path.with_name(name).exists() else ""
