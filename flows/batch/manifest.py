"""What a batch was made with, beside its output: so that it can be explained, and made again.

After the reproducibility checklist of Pineau et al. (2021): the flow, the data, the weights, the
versions, the seeds, the machine.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patchbay.flows.batch.databases import without_password
from patchbay.flows.batch.rows import bad, files_of
from patchbay.flows.checks.described import describe_flow
from patchbay.flows.checks.resolve import Resolved
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.runs.inputs import flow_inputs
from patchbay.flows.runs.plan import PlanStep
from patchbay.flows.runs.subflows import Prepared
from patchbay.nodes.contract import InputField, NodeError
from patchbay.nodes.outside import files_named
from patchbay.nodes.values import Spec, content_hash

ALWAYS = ("patchbay-studio", "pydantic", "langchain-core", "xllamacpp", "transformers", "torch")
"""Packages whose versions are written down beside those that the nodes of the flow require."""

FORMAT = 1


@dataclass(frozen=True)
class BatchSettings:
    """How rows become runs: what a batch can be asked for."""

    rows: str
    query: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)
    keep: tuple[str, ...] | None = None
    ordered: bool = True
    retries: int = 0
    limit_s: float | None = None
    shard: tuple[int, int] = (0, 1)

    def as_dict(self) -> dict[str, Any]:
        """The plain form, without where the rows lie."""
        return {
            "map": dict(self.columns), "input": dict(self.shared),
            "keep": None if self.keep is None else list(self.keep), "query": self.query,
            "ordered": self.ordered, "shard": list(self.shard),
        }  # fmt: skip


def make_manifest(ready: Prepared, settings: BatchSettings, folder: Path | None) -> dict[str, Any]:
    """What is known before the first row."""
    flow = ready.resolved.flow.model_copy(update={"layout": {}, "notes": (), "groups": ()})
    flows = list(_with_subflows(ready, folder))
    return {
        "format": FORMAT,
        "flow": json.loads(canonical_text(flow)),
        "folder": str(folder) if folder else None,
        "subflows": dict(_subflows(ready)),
        "kinds": {
            node.cls.kind: f"{node.cls.version}.{node.cls.edition}"
            for one in flows
            for node in one.ready.resolved.nodes.values()
            if node.cls is not None
        },
        "weights": {one.named(name): said for one in flows for name, said in _weights(one.ready)},
        "files": {one.named(name): said for one in flows for name, said in _files(one)}
        | dict(_input_files(ready, settings)),
        "seeds": {one.named(name): said for one in flows for name, said in _seeds(one.ready)},
        "versions": _versions(flows),
        "machine": {"python": platform.python_version(), "processor": platform.machine()},
        "rows": {"source": without_password(settings.rows), "sha256": rows_hash(settings.rows)},
        "settings": settings.as_dict(),
        "tries": {"retries": settings.retries, "limit_s": settings.limit_s},
    }


@dataclass(frozen=True, slots=True)
class _OneFlow:
    """A flow, or one that it runs, at any depth."""

    ready: Prepared
    folder: Path | None
    path: tuple[str, ...] = ()
    """The names by which the outer flow comes to it."""

    def named(self, what: str) -> str:
        """What it says, told apart from what the outer flow says."""
        return ": ".join((*self.path, what))


def _with_subflows(
    ready: Prepared, folder: Path | None, path: tuple[str, ...] = ()
) -> Iterator[_OneFlow]:
    """A flow and those that it runs, each once in a flow."""
    yield _OneFlow(ready, folder, path)
    names = {
        name for step in ready.plan.steps.values() if not step.disabled for name in step.subflows
    }
    for name in sorted(names):
        sub = ready.subflows.open(name, len(path) + 1)
        yield from _with_subflows(sub.prepared, sub.folder, (*path, name))


def _files(flow: _OneFlow) -> Iterator[tuple[str, str]]:
    """A hash of what each node reads besides its inputs, by the node; or of files that it names."""
    for step in flow.ready.plan.steps.values():
        if step.disabled:
            continue
        try:
            found = step.cls.content(step.params, flow.folder)
            if found is None:
                found = dict(_named_files(step, flow.folder)) or None
        except (NodeError, OSError) as error:
            found = f"unknown: {error}"
        if found is not None:
            yield step.id, content_hash(found)


def _named_files(step: PlanStep, folder: Path | None) -> Iterator[tuple[str, str | None]]:
    for name in files_named(step.cls, step.params):
        yield name, file_hash((folder or Path()) / name)


def _input_files(ready: Prepared, settings: BatchSettings) -> Iterator[tuple[str, str]]:
    """Likewise of files that are given to an input for all rows."""
    for asked in shared_files(ready.resolved, settings):
        try:
            said = content_hash(asked.parse(settings.shared[asked.name]))
        except NodeError as error:
            said = f"unknown: {error.message}"
        yield f"input {asked.name}", said


def shared_files(resolved: Resolved, settings: BatchSettings) -> Iterator[InputField]:
    """The inputs that are given files for all rows."""
    for _, asked in flow_inputs(resolved):
        if asked.name in settings.shared and asked.kind in ("file", "documents"):
            yield asked


def _subflows(ready: Prepared) -> Iterator[tuple[str, str]]:
    for step in ready.plan.steps.values():
        for name in step.subflows:
            yield name, ready.subflows.digest(name)


def _weights(ready: Prepared) -> Iterator[tuple[str, str]]:
    """Node and port → a hash of the description there, with the content of the files it names."""
    for node_id, outputs in describe_flow(ready.resolved).outputs.items():
        for port, value in outputs.as_dict().items():
            if not isinstance(value, Spec):
                continue
            try:
                yield f"{node_id}.{port}", content_hash(value)
            except (NodeError, OSError) as error:
                yield f"{node_id}.{port}", f"unknown: {error}"


def _seeds(ready: Prepared) -> Iterator[tuple[str, Any]]:
    for step in ready.plan.steps.values():
        for name in type(step.params).model_fields:
            if name == "seed" or name.endswith("_seed"):
                yield f"{step.id}.{name}", getattr(step.params, name)


def _versions(flows: Iterable[_OneFlow]) -> dict[str, str]:
    wanted = set(ALWAYS)
    for one in flows:
        for node in one.ready.resolved.nodes.values():
            wanted.update(node.cls.requires if node.cls is not None else ())
    found = {}
    for name in sorted(wanted):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def file_hash(source: str | Path) -> str | None:
    """SHA-256 (hex) of a file; None of what is no file."""
    path = Path(source)
    if str(source) == "-" or "://" in str(source) or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rows_hash(source: str) -> str | None:
    """What rows are known by: a file by what it holds, a folder by the names, sizes and times of
    its files. None of a database and of standard input, which say it only when they are read."""
    if source == "-" or "://" in source or not Path(source).is_dir():
        return file_hash(source)
    found = hashlib.sha256()
    for path in files_of(Path(source)):
        stat = path.stat()
        said = (path.relative_to(source).as_posix(), stat.st_size, stat.st_mtime_ns)
        found.update(json.dumps(said).encode() + b"\n")
    return found.hexdigest()


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not as it was, in words. What only says where things lie does not count."""
    found: list[str] = []
    if then.get("flow") != now.get("flow"):
        found += _flow_differences(then["flow"], now["flow"])
    for part, word in (
        ("subflows", "the flow it runs,"), ("kinds", "the kind"), ("weights", "the weights at"),
        ("files", "what is read at"),
        ("versions", "the version of"), ("seeds", "the seed"), ("settings", "the setting"),
        ("machine", "the machine's"),
    ):  # fmt: skip
        if part == "files" and part not in then:  # written before files were
            continue
        a, b = then.get(part) or {}, now.get(part) or {}
        for name in dict.fromkeys((*a, *b)):
            if a.get(name) != b.get(name):
                found.append(
                    f"{word} {name}: {_short(a.get(name))} then, {_short(b.get(name))} now"
                )
    a, b = then["rows"], now["rows"]
    before, after = without_password(a["source"]), without_password(b["source"])
    if b["sha256"] is None and a["sha256"] is not None:
        found.append(f"the rows, {before}, are not here")
    elif a["sha256"] != b["sha256"]:
        found.append(f"the rows of {before} are others")
    elif a["sha256"] is None and before != after:
        found.append(f"the rows: {before} then, {after} now")
    return found


def _flow_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    from patchbay.flows.document.diff import changes

    a, b = (read_text(json.dumps(one)) for one in (then, now))
    return [f"the flow: {text.rstrip('.')}" for text in changes(a, b)] or ["the flow"]


def _short(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:16]}…"


def refuse_others(then: Mapping[str, Any], now: Mapping[str, Any], fix: str) -> None:
    """Check that nothing has changed.

    Raises:
        FlowError: everything that has.
    """
    if found := differences(then, now):
        listed = "; ".join(found)
        raise bad("batch/changed", f"It is not the batch that it was: {listed}.", fix)
