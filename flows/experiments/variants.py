"""Variants of a flow: every combination of the values of its axes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from patchbay.flows.checks.validate import validate
from patchbay.flows.document.model import Flow
from patchbay.flows.document.readable import refuse_unreadable
from patchbay.flows.experiments.work_key import FlowsInside, flows_inside, work_key
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.subflows import Subflows
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.strict_json import parse_json

MOST = 1000
"""Variants of one experiment."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A param and the values that it takes one after another."""

    node: str
    param: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Variant:
    """A flow with certain values. The first of an experiment is what others are compared with."""

    name: str
    changes: dict[str, dict[str, Any]]
    flow: Flow
    inside: FlowsInside = ()

    @cached_property
    def key(self) -> str:
        """What it does, as a hash: a box that was moved runs nothing anew."""
        return work_key(self.flow, self.inside)


def read_axis(text: str) -> Axis:
    """An axis as people write it: `model.weights=a,b`, or a JSON list after `=`.

    Raises:
        FlowError: it is not of that form.
    """
    place, equals, said = text.partition("=")
    node, dot, param = place.strip().partition(".")
    values = _values(said.strip())
    if not (equals and dot and node and param and values):
        raise _wrong(
            f'"{text}" is no axis.', 'Write node.param=one,other, or node.param=["one", "other"].'
        )
    return Axis(node, param, values)


def variants_of(
    flow: Flow, axes: Sequence[Axis], catalog: Catalog, folder: Path | None, variables: str = ""
) -> list[Variant]:
    """Every combination; the flow as it is where there is no axis.

    Args:
        flow: the flow.
        axes: what is varied.
        catalog: the kinds of nodes that there are.
        folder: where the flows and files lie that it names.
        variables: the environment whose values the variables have, of flows that it runs.

    Raises:
        FlowError: an axis names what is not there, or a variant has errors of its own.
    """
    nodes = flow.by_id()
    for axis in axes:
        if axis.node not in nodes:
            raise _wrong(
                f'An axis names a node "{axis.node}" that is not there.',
                f"There are: {', '.join(nodes)}.",
            )
    named_by = [f"{axis.node}.{axis.param}" for axis in axes]
    for place in named_by:
        if named_by.count(place) > 1:
            fix = f"Write all of its values into one: {place}=one,other."
            raise _wrong(f"{place} is an axis twice, so that the last value would count.", fix)
    count = 1
    for axis in axes:
        count *= len(axis.values)
    if count > MOST:
        raise _wrong(f"{count} variants are too many.", f"Take at most {MOST}.")
    named = [_names(axis, axes) for axis in axes]
    made = []
    subflows = Subflows(catalog, folder, variables)
    for places in product(*(range(len(axis.values)) for axis in axes)):
        changes: dict[str, dict[str, Any]] = {}
        for axis, at in zip(axes, places, strict=True):
            changes.setdefault(axis.node, {})[axis.param] = axis.values[at]
        changed = flow.with_params(changes)
        refuse_unreadable(changed)
        name = ", ".join(names[at] for names, at in zip(named, places, strict=True))
        errors = [p for p in validate(changed, catalog, folder) if p.severity == "error"]
        if errors:
            head = f"In the variant {name}: " if name else ""
            raise FlowError([replace(p, message=head + p.message) for p in errors])
        inside = flows_inside(changed, catalog, subflows)
        made.append(Variant(name or "as it is", changes, changed, inside))
    return made


def _values(text: str) -> tuple[Any, ...]:
    if text.startswith("["):
        try:
            found = parse_json(text)
        except ValueError:
            return ()
        return tuple(found) if isinstance(found, list) else ()
    return tuple(_value(part.strip()) for part in text.split(",")) if text else ()


def _value(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return text


LONGEST = 60
"""Characters of a value in the name of a variant."""
BEFORE = 18
"""Characters that are shown before the place where two long values differ."""


def _names(axis: Axis, axes: Sequence[Axis]) -> list[str]:
    """What its values are called. Long ones that begin alike are shown where they differ."""
    alone = sum(other.param == axis.param for other in axes) == 1
    head = axis.param if alone else f"{axis.node}.{axis.param}"
    texts = [" ".join(value_text(value).split()) for value in axis.values]
    shown = [_short(text) for text in texts]
    for one in {name for name in shown if shown.count(name) > 1}:
        group = [at for at, name in enumerate(shown) if name == one]
        apart = _alike([texts[at] for at in group])
        for at in group:
            shown[at] = _short(texts[at], max(0, apart - BEFORE))
    for one in {name for name in shown if shown.count(name) > 1}:
        for number, at in enumerate([at for at, name in enumerate(shown) if name == one], 1):
            shown[at] = f"{one} ({number})"
    return [f"{head}={name}" for name in shown]


def _alike(texts: Sequence[str]) -> int:
    """How many characters all of them begin with."""
    letters = enumerate(zip(*texts, strict=False))
    return next((at for at, some in letters if len(set(some)) > 1), min(map(len, texts)))


def value_text(value: Any) -> str:
    """A value of an axis as people write it: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str, begin: int = 0) -> str:
    cut = f"…{text[begin:]}" if begin else text
    return cut if len(cut) <= LONGEST else f"{cut[: LONGEST - 3]}…"


def _wrong(message: str, fix: str) -> FlowError:
    return FlowError([Problem("experiment/axis", message, fix)])
