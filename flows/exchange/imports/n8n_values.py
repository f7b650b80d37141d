"""Fields of n8n's items as values here: the question, an input, a port, or a place in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from patchbay.flows.exchange.imports.n8n_expressions import FieldOf, field_of
from patchbay.flows.exchange.imports.n8n_items import (
    AskedItem,
    GivenItem,
    HeldItem,
    Items,
    ItemSource,
    MeetingItems,
    WrittenItem,
)
from patchbay.flows.exchange.imports.references import (
    CHAT,
    NamedInput,
    Output,
    PlainText,
    ValueSource,
)
from patchbay.flows.exchange.imports.stubs import stub_port
from patchbay.flows.exchange.imports.template import variable
from patchbay.flows.exchange.imports.ways import INPUT, QUESTION

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering
    from patchbay.flows.exchange.imports.mapped import Mapped


class N8nValues:
    """The fields of one workflow."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering, self.draft = lowering, lowering.draft
        self.items = Items(lowering.graph)
        self._texts: dict[tuple[str, str], Output] = {}

    def of(self, name: str, mapped: Mapped) -> ValueSource | None:
        """What a variable of a text stands for; None where it is no field."""
        field = field_of(name)
        if field is None:
            return None
        source = self.items.source(field, mapped.node.id)
        return PlainText("") if source is None else self._value(source, field.typed)

    def looked_at(self, name: str, mapped: Mapped) -> tuple[ValueSource, tuple[str, ...]] | None:
        """What a condition looks at: a value, and the way to the place inside of it."""
        field = field_of(name)
        source = self.items.source(field, mapped.node.id) if field else None
        if isinstance(source, HeldItem) and source.place and source.rest:
            return self._value(HeldItem(source.node, source.place), True), source.rest
        return None if source is None else (self._value(source, True), ())

    def _value(self, source: ItemSource, typed: bool) -> ValueSource:
        match source:
            case AskedItem():
                return CHAT
            case GivenItem(name):
                return NamedInput(name)
            case HeldItem():
                return self._held(source, typed)
            case WrittenItem():
                return self._written(source)
            case MeetingItems():
                return Output(source.wires[0].target, "", self._meeting(source, typed))

    def _held(self, held: HeldItem, typed: bool) -> Output:
        mapped = self.lowering.mapped[held.node]
        self.lowering.texts.referred.add(held.node)
        if not held.place or mapped.stub:
            port = stub_port(".".join(held.rest) or "main")
            return Output(held.node, "", f"{mapped.stub}.{port}" if mapped.stub else "")
        end = self.lowering.endpoint(mapped, held.place)
        if not held.rest:
            return Output(held.node, "", end)
        gives = "json" if typed else "text"
        return Output(held.node, "", self.lowering.picks.end(end, held.rest, gives))

    def _written(self, source: WrittenItem) -> ValueSource:
        """A text that a *Set* writes: as it is, or a template where it names other fields."""
        if not isinstance(source.value, str):
            return PlainText(json.dumps(source.value, ensure_ascii=False))
        if "{{" not in source.value:
            return PlainText(source.value)
        known = self._texts.get((source.node, source.value))
        if known is None:
            mapped = self.lowering.mapped[source.node]
            place = mapped.node.at
            title = f"{mapped.node.title}: {source.key}"
            made = self.draft.add(title, "prompt.template", {"template": ""}, place, title=title)
            known = Output(source.node, "", f"{made}.text")
            self._texts[(source.node, source.value)] = known
            self.lowering.texts.fill(mapped, source.value, made, "template")
        return known

    def _meeting(self, meeting: MeetingItems, typed: bool) -> str:
        """The value of the way that was taken."""
        ways = self.lowering.ways
        ends = []
        for wire in meeting.wires:
            found = self.items.given(wire.source, meeting.keys)
            value = PlainText("") if found is None else self._value(found, typed)
            end, stack = self.end_of(value), ways.stack_of(wire)
            known = ways.stack(value.node) if isinstance(value, Output) else ()
            ends.append(
                ways.along(end, stack[len(known) :]) if stack[: len(known)] == known else end
            )
        return ways.merged(ends)

    def end_of(self, value: ValueSource) -> str:
        """An end that gives a value."""
        if value == CHAT:
            return QUESTION
        if isinstance(value, NamedInput):
            return INPUT + value.name
        if isinstance(value, Output):
            return value.end
        text = value.text if isinstance(value, PlainText) else ""
        made = self.draft.add("text", "io.value", {"value": text, "type": "text"})
        return f"{made}.value"

    def answer(self) -> None:
        """Fields of a *Set* that comes last are what the flow answers, by their names."""
        for mapped in self.lowering.mapped.values():
            for name, field in mapped.settings.get("$answers") or ():
                place = mapped.node.at
                params = {"name": variable(name)}
                made = self.draft.add(name, "io.output", params, place, title=name)
                value = self.of(field, mapped)
                known = value.node if isinstance(value, Output) else ""
                end = self.end_of(value) if value is not None else ""
                through = self.lowering.ways.through(end, known, mapped.node.id)
                self.lowering.ways.give(through, f"{made}.value")

    def literal(self, value: Any, mapped: Mapped) -> tuple[bool, Any]:
        """Whether a value names a field that is written down as it is, and that."""
        field = field_of(value[2:-2]) if isinstance(value, str) and value[:2] == "{{" else None
        source = self.items.source(field, mapped.node.id) if isinstance(field, FieldOf) else None
        if isinstance(source, WrittenItem) and not (
            isinstance(source.value, str) and "{{" in source.value
        ):
            return True, source.value
        return False, None
