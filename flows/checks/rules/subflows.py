"""Rules about the flows that a node runs: they exist, are sound, fit the node, and end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from patchbay.flows.checks.locate import read_once, subflow_path
from patchbay.flows.checks.resolve import Resolved, ResolvedNode, resolve_once
from patchbay.flows.checks.rules.base import Facts, Finding
from patchbay.flows.problems import FlowError, Problem, errors
from patchbay.flows.wording import did_you_mean, listed, plural, printable, quoted
from patchbay.nodes.contract import SubflowUse


def name(facts: Facts) -> Iterator[Finding]:
    """A node that runs a flow names none, or names one outside the flow's folder.

    Flows are named as they lie beside the flow: no absolute paths, no `..`.
    """
    return _with_code(facts, "subflow/name")


def missing(facts: Facts) -> Iterator[Finding]:
    """The flow that a node runs is not beside this one.

    `NAME` and `NAME.json` both mean the file `NAME.json` in the same folder.
    """
    return _with_code(facts, "subflow/missing")


def unreadable(facts: Facts) -> Iterator[Finding]:
    """The file of a flow that a node runs cannot be read as a flow."""
    return _with_code(facts, "subflow/unreadable")


def broken(facts: Facts) -> Iterator[Finding]:
    """A flow that a node runs, directly or by way of others, has errors of its own."""
    return _with_code(facts, "subflow/broken")


def recursion(facts: Facts) -> Iterator[Finding]:
    """A flow runs itself, directly or by way of others, so it would never end."""
    return _with_code(facts, "subflow/recursion")


def inputs(facts: Facts) -> Iterator[Finding]:
    """A node gives a flow an input that it does not have, or leaves out one that it needs."""
    return _with_code(facts, "subflow/inputs")


def outputs(facts: Facts) -> Iterator[Finding]:
    """A node expects an output that the flow it runs does not give."""
    return _with_code(facts, "subflow/outputs")


def _with_code(facts: Facts, code: str) -> Iterator[Finding]:
    if facts.subflow_problems is None:
        facts.subflow_problems = list(_Look(facts).problems())
    # One look finds what several rules tell; each tells its own.
    return (Finding.of(found) for found in facts.subflow_problems if found.code == code)


EXCHANGED = ("subflow/inputs", "subflow/outputs")
"""Codes of problems with what goes in and comes out; the others are about which flow it is."""


class _Look:
    """One look at all the flows that a flow runs. Every file is read once."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._resolved: dict[Path, Resolved | FlowError] = {}
        self._sound: set[Path] = set()

    def problems(self) -> Iterator[Problem]:
        for node in self._facts.nodes():
            for use in node.subflows:
                for problem in self._use(node, use):
                    about = None if problem.code in EXCHANGED else use.param
                    yield replace(problem, node=node.instance.id, param=about)

    def _use(self, node: ResolvedNode, use: SubflowUse) -> Iterator[Problem]:
        title = self._facts.name(node.instance.id)
        if not use.flow:
            fix = "Choose a flow that lies beside this one."
            yield Problem("subflow/name", f"{title} does not say which flow it runs.", fix)
            return
        folder = self._facts.folder
        if folder is None:  # a flow without a place on disk; the names are all there is to see
            return
        found = self._open(folder, use.flow)
        if isinstance(found, FlowError):
            yield from found.problems
            return
        path, resolved = found
        start = (folder / self._facts.file).resolve() if self._facts.file else None
        trouble = self._trouble(path, resolved, [start] if start else [])
        if trouble:
            yield trouble
        yield from _fit(self._facts, node, use, resolved)

    def _open(self, folder: Path, flow: str) -> tuple[Path, Resolved] | FlowError:
        try:
            path = subflow_path(folder, flow).resolve()
        except FlowError as error:
            return error
        if path not in self._resolved:
            self._resolved[path] = self._load(path, flow)
        loaded = self._resolved[path]
        return loaded if isinstance(loaded, FlowError) else (path, loaded)

    def _load(self, path: Path, flow: str) -> Resolved | FlowError:
        try:
            read = read_once(path)
        except FlowError as error:
            first = error.problems[0]
            message = f"The flow {quoted(flow)} cannot be read: {first.message}"
            return FlowError([Problem("subflow/unreadable", message, first.fix)])
        return resolve_once(read, self._facts.resolved.catalog, path.parent)

    def _trouble(self, path: Path, resolved: Resolved, above: list[Path]) -> Problem | None:
        """The first thing that keeps a flow, or a flow that it runs, from working."""
        if path in above:
            way = " → ".join(p.stem for p in [*above[above.index(path) :], path])
            message = f"The flow {quoted(path.stem)} runs itself: {way}."
            return Problem("subflow/recursion", message, "Run another flow somewhere on that way.")
        if path in self._sound:
            return None
        found = _own_errors(path, resolved) or self._trouble_inside(path, resolved, above)
        if found is None:
            self._sound.add(path)
        return found

    def _trouble_inside(self, path: Path, resolved: Resolved, above: list[Path]) -> Problem | None:
        for node in resolved.nodes.values():
            for use in node.subflows if not node.instance.disabled else ():
                opened = self._open(path.parent, use.flow)
                if isinstance(opened, FlowError):
                    return _inner(path, opened.problems[0])
                trouble = self._trouble(*opened, [*above, path])
                if trouble:
                    return trouble
                misfit = next(_fit(Facts(resolved), node, use, opened[1]), None)
                if misfit:
                    return _inner(path, misfit)
        return None


def _own_errors(path: Path, resolved: Resolved) -> Problem | None:
    from patchbay.flows.checks.validate import validate_resolved

    found = list(errors(validate_resolved(resolved)))
    if not found:
        return None
    first = f"{found[0].place}: {found[0].message}".removeprefix(": ")
    among = "" if len(found) == 1 else ", the first"
    count = plural(len(found), "error")
    message = f"The flow {quoted(path.stem)} has {count}{among}: {first}"
    fix = f"Open {quoted(path.name)} and fix it. {found[0].fix}"
    return Problem("subflow/broken", message, fix)


def _inner(path: Path, problem: Problem) -> Problem:
    message = f"In the flow {quoted(path.stem)}: {problem.message}"
    return Problem("subflow/broken", message, problem.fix)


def _fit(facts: Facts, node: ResolvedNode, use: SubflowUse, sub: Resolved) -> Iterator[Problem]:
    """Whether what a node gives and expects is what the flow takes and gives."""
    flow, title = quoted(use.flow), facts.name(node.instance.id)
    if any(inner.params is None for inner in sub.nodes.values()):
        return  # what the flow declares is not known; that it is broken has been said
    live = [inner for inner in sub.nodes.values() if not inner.instance.disabled]
    fields = [inner.flow_input for inner in live if inner.flow_input]
    asked = [field.name for field in fields]
    for given in use.inputs:
        if given not in asked:
            message = f"{title} gives the input {quoted(given)}, which the flow {flow} lacks."
            fix = did_you_mean(given, asked, "Remove it.")
            yield Problem("subflow/inputs", message, fix, port=printable(given))
    left_out = [field.name for field in fields if field.required and field.name not in use.inputs]
    if left_out:
        message = f"{title} does not give the flow {flow} its input {listed(left_out, last='and')}."
        yield Problem(
            "subflow/inputs", message, "Add it to the inputs, or give it a default there."
        )
    given_back = [inner.flow_output for inner in live if inner.flow_output is not None]
    for wanted in use.outputs:
        if wanted not in given_back:
            message = f"{title} expects the output {quoted(wanted)}, which {flow} does not give."
            fix = did_you_mean(wanted, given_back, "Remove it, or add it to that flow.")
            yield Problem("subflow/outputs", message, fix, port=printable(wanted))
