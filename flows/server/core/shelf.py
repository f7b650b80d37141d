"""The flows that a server serves: read, checked and planned once per version of their file."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.variables import settled
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.inputs import flow_inputs, flow_outputs
from patchbay.flows.runs.prepared import PreparedFlow
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.subflows import Prepared, prepare
from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.wording import did_you_mean, printable
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import InputField
from patchbay.nodes.values import content_hash

log = logging.getLogger("patchbay.serve")

_LOOK_EVERY_S = 0.5
_DIRECT = "value"
"""The port of a flow output."""

FileStamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class ServedFlow:
    """One version of a flow that is served."""

    name: str
    path: Path
    loaded: LoadedFlow
    prepared: Prepared
    stamp: FileStamp

    @property
    def title(self) -> str:
        """What the flow calls itself."""
        return self.loaded.flow.name or self.name

    @property
    def in_address(self) -> str:
        """Its name as a part of an address."""
        return quote(self.name, safe="")

    @property
    def description(self) -> str:
        """What the flow says of itself."""
        return self.loaded.flow.description

    @property
    def may_ask(self) -> bool:
        """Whether a run of it may wait for a person, so that it has to be recorded."""
        return bool(self.prepared.asks)

    @cached_property
    def inputs(self) -> Mapping[str, InputField]:
        """What it asks for, by name."""
        return {field.name: field for _, field in flow_inputs(self.prepared.resolved)}

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """What it gives: name → description."""
        resolved = self.prepared.resolved
        return {
            name: str(getattr(resolved.nodes[node].params, "description", ""))
            for name, node in flow_outputs(resolved).items()
        }

    def types_of(self, output: str) -> set[str]:
        """The types of what is wired into an output: `any` where a port does not say."""
        resolved = self.prepared.resolved
        found: set[str] = set()
        for edge in resolved.incoming[flow_outputs(resolved)[output]].get(_DIRECT, ()):
            source, _, port = edge.source.partition(".")
            gives = resolved.nodes[source].output(port) if source in resolved.nodes else None
            found |= {"any"} if gives is None or gives.type.many else {str(gives.type)}
        return found

    @cached_property
    def streams(self) -> Mapping[tuple[str, str], str]:
        """The outputs of nodes whose pieces are pieces of an output of the flow.

        Only what is wired straight into an output: what comes in between may change it. Not from
        a node that is tried again when it fails, since what was said cannot be taken back.
        """
        resolved = self.prepared.resolved
        found: dict[tuple[str, str], str] = {}
        for name, node in flow_outputs(resolved).items():
            for edge in resolved.incoming[node].get(_DIRECT, ()):
                source, _, port = edge.source.partition(".")
                plan = self.prepared.plan.steps.get(source)
                if plan is not None and not plan.policy.retries:
                    found[source, port] = name
        return found

    @cached_property
    def digest(self) -> str:
        """What tells it apart from others and from other versions of it, params that a caller has
        changed and the flows that it runs included."""
        return content_hash([canonical_text(self.loaded.flow), str(self.path), list(self.stamp)])

    @cached_property
    def instant(self) -> bool:
        """Whether a run of it never waits for anything."""
        steps = self.prepared.plan.steps.values()
        return not self.may_ask and all(step.at_once and not step.subflows for step in steps)

    @cached_property
    def _ready(self) -> dict[str, tuple[Environment, PreparedFlow]]:
        return {}

    def ready(self, env: Environment, person: str) -> PreparedFlow:
        """The flow, ready to be run for a person; what is made for that is kept."""
        known = self._ready.get(person)
        if known is None or known[0] is not env:
            own = replace(env, folder=self.loaded.folder, person=person)
            made = PreparedFlow(self.loaded, own, prepared=self.prepared, from_person=False)
            self._ready[person] = known = (env, made)
        return known[1]

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The inputs that must be given."""
        return tuple(name for name, field in self.inputs.items() if field.required)


class Shelf:
    """All flows of a server, by name. A file that was changed is read anew when it is asked for.

    Args:
        places: flow files, and folders of them.
        catalog: the kinds of nodes that there are.
        variables: the environment whose values the variables of flows have.

    Raises:
        FlowError: a file that was named cannot be served, or there is no flow at all.
    """

    def __init__(self, places: list[Path], catalog: Catalog, variables: str = "") -> None:
        self._catalog, self._places, self._variables = catalog, places, variables
        self._flows: dict[str, ServedFlow] = {}
        self._broken: dict[Path, tuple[FileStamp, tuple[Problem, ...]]] = {}
        self._looked: dict[str, float] = {}
        self._listed = 0.0
        for place in places:
            if not place.is_dir():
                self._flows[_free(place, self._flows)] = self._read(place, place.stem)
        self._list()
        if not self._flows:
            broken = [problem for _, found in self._broken.values() for problem in found]
            named = ", ".join(map(str, places))
            problem = Problem(
                "serve/no-flow", f"There is no flow to serve in {named}.", "Name a flow file."
            )
            raise FlowError([problem, *broken])

    @property
    def folder(self) -> Path:
        """The folder of the first of them."""
        place = self._places[0].resolve()
        return place if place.is_dir() else place.parent

    @property
    def problems(self) -> dict[str, tuple[Problem, ...]]:
        """What keeps files from being served, or from being served anew, by their name."""
        return {path.name: found for path, (_, found) in self._broken.items()}

    def all(self, caller: Caller | None = None) -> Iterator[ServedFlow]:
        """The flows that a caller may use, by name."""
        self._list()
        for name in sorted(self._flows):
            allowed = caller is None or caller.may(name)
            if allowed and (found := self._fresh(name)) is not None:
                yield found

    def get(self, name: str, caller: Caller | None = None) -> ServedFlow:
        """A flow as its file is now.

        Raises:
            RefusedError: there is none of that name, or not for this caller.
        """
        if name not in self._flows:
            self._list()
        allowed = name in self._flows and (caller is None or caller.may(name))
        if allowed and (found := self._fresh(name)) is not None:
            return found
        names = [flow.name for flow in self.all(caller)]
        otherwise = f"There are: {', '.join(names[:12]) or 'none'}."
        raise refused(
            404,
            "serve/unknown-flow",
            f'There is no flow "{printable(name)[:100]}" here.',
            did_you_mean(name, names, otherwise),
        )

    # --- files --------------------------------------------------------------------------------

    def _fresh(self, name: str) -> ServedFlow | None:
        """A flow as its file is now; None where that is gone."""
        known, now = self._flows[name], time.monotonic()
        if now - self._looked.get(name, 0.0) < _LOOK_EVERY_S:
            return known
        self._looked[name] = now
        if stamp_of(path for path, *_ in known.stamp) == known.stamp:
            return known
        before = self._broken.get(known.path)
        own = _Looked().around(known.path, known.stamp)
        if not known.path.exists():
            del self._flows[name]
            log.info("flow %s: its file is gone", name)
            return None
        if before is not None and before[0] == own:
            return known
        try:
            self._flows[name] = self._read(known.path, name)
            self._broken.pop(known.path, None)
            log.info("flow %s: its file has changed and is read anew", name)
        except FlowError as error:
            self._broken[known.path] = (own, error.problems)
            log.warning("flow %s: its file has changed and cannot be used: %s", name, error)
        return self._flows[name]

    def _list(self) -> None:
        """See which files there are in the folders."""
        now = time.monotonic()
        if self._listed and now - self._listed < _LOOK_EVERY_S:
            return
        self._listed = now
        there: set[Path] = set()
        known, looked = {flow.path for flow in self._flows.values()}, _Looked()
        for place in self._places:
            files = sorted(place.glob("*.json")) if place.is_dir() else [place]
            for path in filter(Path.is_file, files):
                whole = path.resolve()
                if whole not in known and whole not in there:
                    self._add(path, whole, looked)
                there.add(whole)
        for name in [n for n, flow in self._flows.items() if flow.path not in there]:
            del self._flows[name]
            log.info("flow %s: its file is gone", name)

    def _add(self, path: Path, whole: Path, looked: _Looked) -> None:
        own = looked.around(whole)
        if (before := self._broken.get(whole)) is not None and before[0] == own:
            return
        try:
            name = _free(path, self._flows)
            self._flows[name] = self._read(path, name)
            self._broken.pop(whole, None)
        except FlowError as error:
            self._broken[whole] = (own, error.problems)
            log.warning("%s is not served: %s", path.name, error)

    def _read(self, path: Path, name: str) -> ServedFlow:
        whole = path.resolve()
        own = stamp_of([str(whole)])
        document = settled(read_flow(path), self._variables, strict=False)
        loaded = LoadedFlow(document, whole.parent, whole)
        prepared = prepare(loaded.flow, self._catalog, loaded.folder, variables=self._variables)
        files = stamp_of(sorted({str(file) for file in prepared.subflows.files()}))
        return ServedFlow(name, whole, loaded, prepared, own + files)


def stamp_of(paths: Iterator[str] | list[str]) -> FileStamp:
    """What tells a version of files from another."""
    found = []
    for path in paths:
        try:
            info = Path(path).stat()
            found.append((path, info.st_mtime_ns, info.st_size))
        except OSError:
            found.append((path, 0, -1))
    return tuple(found)


class _Looked:
    """The files of folders as they were at one look, each folder looked at once."""

    def __init__(self) -> None:
        self._folders: dict[Path, FileStamp] = {}

    def around(self, path: Path, known: FileStamp = ()) -> FileStamp:
        """What tells whether a flow that could not be used is worth another look: the fault may
        lie in a flow that it runs."""
        folder = path.parent
        if folder not in self._folders:
            self._folders[folder] = stamp_of(sorted(map(str, folder.glob("*.json"))))
        return self._folders[folder] + stamp_of([str(path), *(file for file, *_ in known)])


def _free(path: Path, taken: Mapping[str, ServedFlow]) -> str:
    if path.stem in taken:
        message = f'Two flows are called "{path.stem}": {taken[path.stem].path} and {path}.'
        raise FlowError([Problem("serve/two-flows", message, "Rename one of the files.")])
    return path.stem
