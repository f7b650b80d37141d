"""A flow and the flows that it runs, at any depth, as they lie beside each other now."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from patchbay.flows.checks.locate import read_once, subflow_path
from patchbay.flows.checks.resolve import Resolved, resolve_once
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.running import LoadedFlow, settled
from patchbay.nodes.catalog import Catalog


def with_inner(
    flows: Iterable[LoadedFlow], catalog: Catalog, variables: str = ""
) -> Iterator[tuple[LoadedFlow, Resolved]]:
    """Flows, and those that they run, each file once. One that cannot be read is left out: whoever
    runs it says why.

    Args:
        flows: the outer ones.
        catalog: the kinds of nodes that there are.
        variables: the environment whose values the flows' variables have.
    """
    seen: set[Path] = set()
    left = deque(flows)
    while left:
        flow = left.popleft()
        resolved = resolve_once(flow.flow, catalog, flow.folder)
        yield flow, resolved
        if flow.folder is None:
            continue
        for use in (use for node in resolved.nodes.values() for use in node.subflows):
            with suppress(FlowError):
                path = subflow_path(flow.folder, use.flow)
                if path not in seen:
                    seen.add(path)
                    inner = read_once(path)
                    if inner.variables:
                        inner = settled(inner, variables, strict=False)
                    left.append(LoadedFlow(inner, path.parent, path))
