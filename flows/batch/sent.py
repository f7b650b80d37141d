"""What is sent with a job: its flows as they are, and what the files that it reads are known by.

A job may wait in a queue for hours. The flows are kept beside it, since people go on editing them,
and the job runs what was sent (`flows/document/sent.py`). Files are not kept, as they may be large:
a job that finds one changed refuses to begin, so that nothing is made of what nobody asked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patchbay.flows.batch.manifest import rows_hash
from patchbay.flows.batch.needs import inside_weights, needs_of_value
from patchbay.flows.batch.rows import bad
from patchbay.flows.checks.described import describe_flow
from patchbay.flows.checks.resolve import Resolved
from patchbay.flows.document.reading import SENT, read_bytes, read_text
from patchbay.flows.document.sent import read_sent
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.runs.inner import with_inner
from patchbay.flows.runs.running import LoadedFlow
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.contract import Node, NodeError
from patchbay.nodes.home import from_flow
from patchbay.nodes.outside import files_named
from patchbay.nodes.values import FileRef, content_hash

FORMAT = 1


@dataclass(frozen=True)
class JobReads:
    """What a job will read.

    Args:
        flows: those that it runs, with what is set for this time; flows that they run are found.
        files: the rows, cases and inputs that it is given, as files or folders.
        variables: the environment whose values the flows' variables have.
        texts: of flows that are not to be read from their files.
    """

    flows: Sequence[LoadedFlow] = ()
    files: Sequence[Path] = ()
    variables: str = ""
    texts: Mapping[Path, str] = field(default_factory=dict)

    def as_dict(self, fix: str) -> dict[str, Any]:
        """It in plain form. Reads and hashes what is new, so it blocks.

        Args:
            fix: what a person does about a file that has changed.
        """
        texts: dict[str, str] = {}
        nodes: list[dict[str, Any]] = []
        files = list(self.files)
        for flow, resolved in with_inner(self.flows, default_catalog(), self.variables):
            if flow.path is not None:
                texts[_whole(flow.path)] = self.texts.get(flow.path) or _text(flow.path)
            files += _own_weights(resolved)
            for node_id, node in resolved.nodes.items():
                if node.cls is None or node.params is None or node.instance.disabled:
                    continue
                read = _read_by(node.cls, node.params, flow.folder)
                if read is None:
                    files += _named_by(node.cls, node.params, flow.folder)
                else:
                    said = {"node": node_id, "folder": str(flow.folder or "") or None, **read}
                    nodes += [] if said in nodes else [said]
        known = {_whole(path): _known_by(path) for path in dict.fromkeys(files)}
        return {"format": FORMAT, "fix": fix, "flows": texts, "nodes": nodes, "files": known}


def write_sent(said: Mapping[str, Any], file: Path) -> None:
    """Keep what a job will read in the file that the job's `PATCHBAY_SENT` names.

    Raises:
        OSError: the disk refuses.
    """
    write_atomic(file, json.dumps(said, ensure_ascii=False, indent=1))


def refuse_changed() -> None:
    """Check in a job that the files which it will read are as they were when it was sent.

    Raises:
        FlowError: some are not; all of them.
    """
    sent = read_sent(os.environ[SENT])
    found = [path for path, known in sent["files"].items() if not _is_still(Path(path), known)]
    found += [f'what "{one["node"]}" reads' for one in sent["nodes"] if not _reads_still(one)]
    if found:
        message = f"Not as it was when this was sent: {'; '.join(found)}."
        raise bad("slurm/changed", message, sent["fix"])


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of one that was sent is not as in another: the paths of flows and files, and nodes. How
    a flow is drawn does not count."""
    both = ((then["flows"], now["flows"], _meant), (then["files"], now["files"], _held))
    found = [
        path
        for before, after, meant in both
        for path in dict.fromkeys((*before, *after))
        if meant(before.get(path)) != meant(after.get(path))
    ]
    read = [one for one in then["nodes"] if one not in now["nodes"]]
    return [*found, *dict.fromkeys(f'what "{one["node"]}" reads' for one in read)]


def files_in(value: Any) -> Iterator[Path]:
    """The files in values of inputs, at any depth."""
    if isinstance(value, FileRef):
        yield Path(value.path)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from files_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from files_in(item)


# --- flows ----------------------------------------------------------------------------------------


def _text(path: Path) -> str:
    return read_bytes(path).decode("utf-8-sig", errors="replace")


def _meant(text: str | None) -> str:
    if text is None:
        return ""
    return canonical_text(
        read_text(text).model_copy(update={"layout": {}, "notes": (), "groups": ()})
    )


def _held(known: Mapping[str, Any] | None) -> str | None:
    return None if known is None else known["sha256"]


# --- files ----------------------------------------------------------------------------------------


def _own_weights(resolved: Resolved) -> Iterator[Path]:
    """Weights and adapters of a person's own: those that were fetched are known by their names."""
    for node_id, outputs in describe_flow(resolved).outputs.items():
        for value in outputs.as_dict().values():
            for need in needs_of_value(value, node_id):
                if need.kind != "weights" or need.path is None or inside_weights(need.path):
                    continue
                if need.path.is_dir():
                    yield from (one for one in sorted(need.path.rglob("*")) if one.is_file())
                else:
                    yield need.path


def _read_by(cls: type[Node], params: Any, folder: Path | None) -> dict[str, Any] | None:
    """What a node itself knows what it reads by; None where it does not say."""
    try:
        found = cls.content(params, folder)
    except (NodeError, OSError):
        return None
    if found is None:
        return None
    said = params.model_dump(mode="json")
    return {"kind": cls.kind, "params": said, "sha256": content_hash(found)}


def _reads_still(said: Mapping[str, Any]) -> bool:
    cls = default_catalog().get(said["kind"])
    if cls is None:
        return True  # which the flow is refused for
    folder = Path(said["folder"]) if said["folder"] else None
    try:
        found = cls.content(cls.Params.model_validate(said["params"]), folder)
    except (NodeError, OSError, ValueError):
        return False
    return bool(content_hash(found) == said["sha256"])


def _named_by(cls: type[Node], params: Any, folder: Path | None) -> Iterator[Path]:
    paths = (from_flow(name, folder) for name in files_named(cls, params))
    return (path for path in paths if path.is_file())


def _known_by(path: Path) -> dict[str, Any]:
    """What a file or a folder is known by. Size and time are looked at first: a file that has both
    still is not read again."""
    if path.is_dir() or not path.exists():
        return {"size": None, "mtime_ns": None, "sha256": rows_hash(str(path))}
    stat = path.stat()
    known = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    return {**known, "sha256": rows_hash(str(path))}


def _is_still(path: Path, known: Mapping[str, Any]) -> bool:
    with suppress(OSError):
        if path.is_file():
            stat = path.stat()
            if (stat.st_size, stat.st_mtime_ns) == (known["size"], known["mtime_ns"]):
                return True
            if stat.st_size != known["size"]:
                return False
        return bool(rows_hash(str(path)) == known["sha256"])
    return False


def _whole(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - a link stays what it is


__all__ = ["JobReads", "differences", "files_in", "refuse_changed", "write_sent"]
