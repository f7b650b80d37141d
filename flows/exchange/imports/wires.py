"""The wires of a graph there: each becomes wires here, a setting, a step of its own, or is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from patchbay.flows.exchange.imports.graph import ForeignWire
from patchbay.flows.exchange.imports.params import MISSING, value_of
from patchbay.flows.exchange.imports.stubs import stub_port
from patchbay.flows.exchange.imports.ways import ORDER

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering
    from patchbay.flows.exchange.imports.mapped import Mapped

MAX_HANDED = 20
"""How many nodes one after the other may hand a trigger's question on."""


class ForeignWires:
    """The wires of one graph."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering, self.draft, self.report = lowering, lowering.draft, lowering.report
        self._endpoint = lowering.endpoint

    def lend_settings(self, wires: Sequence[ForeignWire]) -> None:
        """Give nodes the settings that helpers that are wired into them have for them."""
        mapped = self.lowering.mapped
        helpers = {name: one for name, one in mapped.items() if one.spec.lends}
        for wire in wires if helpers else ():
            source, target = helpers.get(wire.source), mapped.get(wire.target)
            if source is None or target is None:
                continue
            for name, expression in source.spec.lends.items():
                value = value_of(expression, source.settings)
                if name.startswith("$") and value is not MISSING:
                    target.settings = {**target.settings, name[1:]: value}

    def add(self, wire: ForeignWire) -> None:
        """Put a wire there into the flow, or tell that it has no equal."""
        mapped = self.lowering.mapped
        source, target = mapped.get(wire.source), mapped.get(wire.target)
        if source is None or target is None:
            self.report.add("refused", "A wire", f"{wire.source} or {wire.target} is not there.")
            return
        if target.spec.note or source.spec.note:
            return
        if source.spec.step and target.spec.step:
            return  # order, which the steps have followed
        if target.stub:
            for end_ in list(self.lowering.outputs(wire.source, wire.output).values())[:1]:
                self.draft.wire(end_, f"{target.stub}.{stub_port(wire.input)}")
            return
        if self.lowering.texts.took(wire):
            return
        if wire.input == "#order":  # values go by reference there; a wire only says what is first
            return
        takes = target.spec.takes.get(wire.input, target.spec.takes.get("*"))
        if takes is None:
            self._lost(wire, source, target)
            return
        if takes == "":
            return
        takes = {"": takes} if isinstance(takes, str) else takes
        if source.spec.lends and takes.get("", "").startswith("@"):
            self._lend(source, target, takes[""][1:])
            return
        if source.spec.guards and takes.get("", "").startswith("~"):
            self.lowering.guards.append((self._endpoint(target, takes[""][1:]), source))
            return
        if source.spec.wraps and takes.get("", "").startswith("|"):
            self._wrap(source, target, takes[""][1:])
            return
        self._join(wire, source, target, takes)

    def _join(
        self, wire: ForeignWire, source: Mapped, target: Mapped, takes: Mapping[str, str]
    ) -> None:
        if source.spec.memory:
            return
        ends = dict(self.lowering.outputs(wire.source, wire.output))
        if wire.input in ORDER:  # a model, or a tool, is no value that comes along a way
            ends = {
                aspect: self.lowering.ways.through(end_, wire.source, wire.target)
                for aspect, end_ in ends.items()
            }
        joined = False
        special = {takes[aspect] for aspect in ends if aspect and takes.get(aspect)}
        for aspect, end_ in ends.items():
            place = takes.get(aspect, "")
            if not place or (not aspect and place in special):
                continue  # what it is is told more exactly by another aspect
            if place.startswith("?"):
                self.lowering.optional.append((end_, self._endpoint(target, place[1:])))
                joined = True
                continue
            target_end = self._endpoint(target, place) if place[:1] not in ("@", "|", "~") else ""
            if target_end:
                self.draft.wire(end_, target_end)
                joined = True
        if back := takes.get("<"):
            ours, _, theirs = back.partition(">")
            begin, finish = self._endpoint(target, ours), self._endpoint(source, theirs)
            if begin and finish:
                self.draft.wire(begin, finish)
                joined = True
        told = joined or source.spec.ways or self._begins(source)
        if not told and not self._hands_on(target, wire.input):
            self._lost(wire, source, target)

    def _begins(self, source: Mapped, depth: int = 0) -> bool:
        """Whether a flow there begins at it: a chat trigger gives the question, which is given
        here to whatever asks for it. So does what hands the trigger's on."""
        spec = source.spec
        if source.pieces or source.stub or depth > MAX_HANDED:
            return False
        if not spec.gives:
            return bool(spec.same)
        mapped, into = self.lowering.mapped, self.lowering.into.get(source.node.id, {})
        handed = [place[1:] for place in spec.gives.values() if str(place).startswith("=")]
        before = [mapped.get(wire.source) for name in handed for wire in into.get(name, ())]
        return bool(before) and all(one and self._begins(one, depth + 1) for one in before)

    def _hands_on(self, target: Mapped, name: str) -> bool:
        """Whether a node that became nothing here gives on what is wired into it."""
        given = [v for row in target.spec.gives.values() if isinstance(row, Mapping)
                 for v in row.values()]  # fmt: skip
        return not target.pieces and f"={name}" in given

    def _lost(self, wire: ForeignWire, source: Mapped, target: Mapped) -> None:
        if source.spec.memory:
            return
        words = f"the wire from {source.what} into {wire.input!r} has no equal here and is left out"
        first = next(iter(target.pieces.values()), "")
        self.report.add("refused", target.what, words, first)

    def _lend(self, source: Mapped, target: Mapped, piece: str) -> None:
        node = self.draft.nodes.get(target.pieces.get(piece, ""))
        if node is None:
            return
        for param, expression in source.spec.lends.items():
            if param.startswith("$"):
                continue
            value = value_of(expression, source.settings)
            if value is MISSING:
                words = f"what it says about {param!r} is no plain data, and is left out"
                self.report.add("refused", source.what, words, node["id"])
            else:
                node["params"][param] = value

    def _wrap(self, source: Mapped, target: Mapped, place: str) -> None:
        """Put a step behind an output: a splitter there is a setting of the loader."""
        inner, spec = self._endpoint(target, place), source.spec.wraps
        if not inner or self.lowering.catalog.get(spec["kind"]) is None:
            self._lost(ForeignWire(source.node.id, "", target.node.id, place), source, target)
            return
        params = {}
        for param, expression in spec.get("params", {}).items():
            value = value_of(expression, source.settings)
            if value is not MISSING:
                params[param] = value
        made = self.draft.add(
            source.spec.title or source.node.type, spec["kind"], params, source.node.at
        )
        for before, after in list(self.draft.edges):
            if before == inner:
                self.draft.unwire(before, after)
                self.draft.wire(f"{made}.{spec['out']}", after)
        self.draft.wire(inner, f"{made}.{spec['in']}")
        piece = place.rpartition(".")[0] or "it"
        target.pieces[f"{piece}>"] = made
        self._rehang(target, place, f"{piece}>.{spec['out']}")

    def _rehang(self, target: Mapped, place: str, now: str) -> None:
        gives = {
            output: now if given == place else given for output, given in target.spec.gives.items()
        }
        target.spec = replace(target.spec, gives=gives)
