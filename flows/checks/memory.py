"""How much memory the models of a flow take together, from their descriptions alone.

What two nodes share counts once, what is only described and never opened does not count: the base
of a model that is quantized further down, say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.flows.checks.described import Described, describe_flow
from patchbay.flows.checks.locate import read_once, subflow_path
from patchbay.flows.checks.resolve import Resolved, resolve_once
from patchbay.flows.problems import FlowError
from patchbay.nodes.specs import Spec
from patchbay.nodes.units import size_in_words
from patchbay.nodes.values import canonical, encode


@dataclass(frozen=True, slots=True)
class Share:
    """Something that a run opens once, however many nodes use it."""

    spec: Spec
    node: str
    """The node that describes it, by its path: `inner/model` in a flow that `inner` runs."""
    size: int | None
    """Estimated bytes; None where that is not known."""

    @property
    def gpu(self) -> int | None:
        """The graphics card in whose memory it lies; None for the machine's own."""
        try:
            return self.spec.resource().gpu
        except Exception:  # a stranger's defect
            return None


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Everything that a flow opens."""

    shares: tuple[Share, ...] = ()

    @property
    def total(self) -> int:
        """Estimated bytes of all that is known."""
        return sum(share.size or 0 for share in self.shares)

    @property
    def unknown(self) -> tuple[Share, ...]:
        """What nothing is known of, such as weights that are not here yet."""
        return tuple(share for share in self.shares if share.size is None)

    def words(self) -> str:
        """`about 515 MB (model 515 MB)`; empty where nothing is known to take any.

        What lies on a graphics card is told apart: `about 515 MB of GPU memory (model 515 MB)`.
        """
        return " and ".join(filter(None, (part._words() for part in self.by_place().values())))

    def _words(self) -> str:
        parts = [f"{node} {size_in_words(size)}" for node, size in self.by_node().items()]
        where = self.where
        of = f" of {where}" if where != "memory" else ""
        return f"about {size_in_words(self.total)}{of} ({', '.join(parts)})" if parts else ""

    @property
    def where(self) -> str:
        """The memory that it is about, in words; of one whose shares lie in one place."""
        cards = {share.gpu for share in self.shares} - {None}
        return "GPU memory" if cards else "memory"

    def by_place(self) -> dict[int | None, MemoryPlan]:
        """What lies in the machine's memory (None), and on each graphics card."""
        places = sorted(
            {share.gpu for share in self.shares}, key=lambda card: (card or -1, card is not None)
        )
        return {
            place: MemoryPlan(tuple(share for share in self.shares if share.gpu == place))
            for place in places
        }

    def by_node(self) -> dict[str, int]:
        """Node → estimated bytes of what it describes, the largest first. What is shared counts
        at the first node that describes it."""
        found: dict[str, int] = {}
        for share in self.shares:
            if share.size:
                found[share.node] = found.get(share.node, 0) + share.size
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def memory_plan(
    resolved: Resolved, folder: Path | None = None, described: Described | None = None
) -> MemoryPlan:
    """What a flow opens, with the flows that it runs. Opens nothing and never raises.

    Args:
        resolved: the flow.
        folder: where it lies, so that the flows it runs are found; None leaves them out.
        described: what its wires describe, where that is known already.
    """
    found: dict[str, Share] = {}
    _collect(resolved, folder, described, "", found, set())
    return MemoryPlan(tuple(_merged(found.values())))


def _merged(shares: Iterable[Share]) -> list[Share]:
    """The shares; those that open one thing together as one, with room for all of them."""
    kept: list[Share] = []
    for share in shares:
        for number, known in enumerate(kept):
            both = known.spec.resource().together(share.spec.resource())
            if both is not None:
                kept[number] = Share(both, known.node, _size(both))
                break
        else:
            kept.append(share)
    return kept


def _collect(
    resolved: Resolved,
    folder: Path | None,
    described: Described | None,
    prefix: str,
    found: dict[str, Share],
    seen: set[Path],
) -> None:
    described = describe_flow(resolved) if described is None else described
    makers = _makers(described)
    for node in resolved.nodes.values():
        if node.instance.disabled:
            continue
        # What waits for a value that is only known in a run describes nothing yet, but will open
        # what it is given: an agent whose tool searches an index that is made on the way, say.
        settled = node.instance.id in described.outputs or node.instance.id in described.errors
        if not settled and node.flow_output is None:
            for spec in _specs(described.inputs.get(node.instance.id, {})):
                key = _key(spec)
                if key not in found:
                    maker = makers.get(key, node.instance.id)
                    found[key] = Share(spec, prefix + maker, _size(spec))
        for use in node.subflows if folder is not None else ():
            assert folder is not None  # noqa: S101 - for mypy, as the line above says
            inner = _subflow(resolved, folder, use.flow, seen)
            if inner is not None:
                path = f"{prefix}{node.instance.id}/"
                _collect(inner, folder, None, path, found, seen)


def _makers(described: Described) -> dict[str, str]:
    """Key of a resource → the node that describes it first: outputs are in the flow's order."""
    makers: dict[str, str] = {}
    for node_id, outputs in described.outputs.items():
        for spec in _specs(outputs.as_dict()):
            makers.setdefault(_key(spec), node_id)
    return makers


def _specs(values: Mapping[str, Any]) -> Iterator[Spec]:
    """All descriptions in the values of ports, and those that are opened with them."""
    waiting = [item for v in values.values() for item in (v if isinstance(v, list) else [v])]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, Spec):
            yield value
            waiting.extend(value.parts())


def _key(spec: Spec) -> str:
    return canonical(encode(spec.resource()))


def _size(spec: Spec) -> int | None:
    try:
        return spec.resource().memory()
    except Exception:  # a stranger's defect, or a file that went away
        return None


def _subflow(outer: Resolved, folder: Path, flow: str, seen: set[Path]) -> Resolved | None:
    """A flow that is run, unless it was looked at; what is wrong with it is said elsewhere."""
    try:
        path = subflow_path(folder, flow).resolve()
        if path in seen:
            return None
        seen.add(path)
        return resolve_once(read_once(path), outer.catalog, path.parent)
    except FlowError:
        return None
