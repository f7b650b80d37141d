"""Rounds of Dify on their way to a flow: what goes in, what goes from round to round, what ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.exchange.imports.dify_rounds import ASSIGN, EACH, EXIT, LOOP, RESULT
from patchbay.flows.exchange.imports.dify_settings import constant, empty
from patchbay.flows.exchange.imports.references import (
    CHAT,
    NamedInput,
    Output,
    PlainText,
    ValueSource,
)
from patchbay.flows.exchange.imports.routes import expression_of, literal, place_in
from patchbay.flows.exchange.imports.template import variable

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering
    from patchbay.flows.exchange.imports.mapped import Mapped

_EXPRESSIONS = {
    "add": "sum([{0}, {1}])", "subtract": "sum([{0}, {1}])", "append": "[{0}, [{1}]][]",
    "extend": "[{0}, {1}][]", "first": "{0}[1:]", "last": "{0}[:-1]",
}  # fmt: skip


class DifyRounds:
    """The rounds of one graph, and, in the body of a loop, its variables."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering, self.draft = lowering, lowering.draft
        self.place, self.told = "", {}
        self.kinds: Mapping[str, str] = {}
        for node in lowering.graph.nodes:
            if "$round" in node.settings:
                self.place, self.told = node.id, node.settings["$round"]
                self.kinds = node.settings["$kinds"]
        for node in lowering.graph.nodes:
            kinds = node.settings.get("$kinds")
            for name, kind in kinds.items() if isinstance(kinds, dict) else ():
                lowering.asked.setdefault(variable(name), [])  # whether or not it is read
                lowering.kinds.setdefault(variable(name), kind)
        self.writers: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
        """Variable → the nodes that write it, in order, each with how."""
        for node in lowering.graph.nodes if self.place else ():
            for row in node.settings.get("$assigned") or () if node.type == ASSIGN else ():
                self.writers.setdefault(row["name"], []).append((node.id, row))
        self._ends: dict[tuple[str, str], str] = {}

    # --- the outer flow -----------------------------------------------------------------------

    def fill(self, mapped: Mapped) -> None:
        """Wire what a node of these takes."""
        settings, kind, node = mapped.settings, mapped.node.type, mapped.pieces.get("it", "")
        if kind == "variable-aggregator":
            for written in settings.get("$values") or ():
                self._hang(written, f"{node}.values", mapped)
        elif kind == EACH:
            self._hang(str(settings.get("iterator_selector_text")), f"{node}.items", mapped)
            self._extras(mapped, node, {"item"})
        elif kind == LOOP:
            for row in settings.get("$variables") or ():
                end = f"{node}.{variable(row['name'])}"
                if row.get("at"):
                    self._hang(row["at"], end, mapped)
                else:
                    self.lowering.texts.hang(self._value(row["value"], row["kind"]), end, mapped)
            self._extras(mapped, node, set(settings.get("state") or {}))
        elif kind == RESULT:
            self._hang(str(settings.get("answer")), f"{node}.value", mapped)
        if "turns" in mapped.pieces:
            self._turns(mapped, mapped.pieces["turns"])

    def _turns(self, mapped: Mapped, node: str) -> None:
        """Fill the messages of a prompt in which the assistant speaks."""
        names: dict[str, ValueSource] = {}
        self.draft.nodes[node]["params"]["turns"] = [
            {**turn, "text": self.lowering.texts.template(mapped, turn["text"], names)}
            for turn in mapped.settings["turns"]
        ]
        self.lowering.texts.hang_all(mapped, node, names)
        if not names:  # nothing that it waits for
            end, asked = f"{node}.messages", self.lowering.endpoint(mapped, "ask.prompt")
            self.draft.unwire(end, asked)
            self.draft.wire(self.lowering.ways.through(end, "", mapped.node.id), asked)

    def _hang(self, written: str, end: str, mapped: Mapped) -> None:
        """Wire what a reference stands for."""
        lowering, name = self.lowering, written.strip("{}#")
        source = lowering.texts.references.resolve(name, lowering, mapped)
        if isinstance(source, PlainText):
            words = f"the reference {name!r} is not known here; nothing is wired for it"
            lowering.report.add("refused", mapped.what, words, end.partition(".")[0])
            return
        lowering.texts.hang(source, end, mapped)

    def _value(self, value: Any, kind: str) -> Output:
        made = self.draft.add("value", "io.value", {"value": value, "type": kind})
        return Output("", "", f"{made}.value")

    def _extras(self, mapped: Mapped, node: str, known: set[str]) -> None:
        """What the body asks for beside that."""
        outer = mapped.settings.get("$outer") or {}
        extra = []
        for name, kind in mapped.settings.get("body_inputs") or ():
            if name in known:
                continue
            extra.append(name)
            end = f"{node}.{name}"
            if name in outer:
                self._hang(outer[name], end, mapped)
            elif name == "question" and kind == "messages":
                self.lowering.talks.append((end, True))
            else:
                source: ValueSource = CHAT if name == "question" else NamedInput(name)
                self.lowering.texts.hang(source, end, mapped)
        self.draft.nodes[node]["params"]["extra"] = extra

    # --- inside of a loop ---------------------------------------------------------------------

    def source(self, name: str, reader: str) -> ValueSource | None:
        """What a variable of the loop is where a node reads it; None where it is none.

        Args:
            name: the variable.
            reader: the node; "" for the end of the round.
        """
        if name not in self.kinds or name not in self.told.get("carried", ()):
            return None
        before = [
            row for row in self.writers.get(name, ()) if not reader or self._leads(row[0], reader)
        ]
        here = self.lowering.ways.stack(reader) if reader else ()
        ends: list[str] = []
        for node, row in reversed(before):
            ends.append(self._written(node, row))
            stack = self.lowering.ways.stack(node)
            if here[: len(stack)] == stack:  # it has run wherever this is read
                break
        else:
            if not ends:
                return NamedInput(variable(name))
            made = self.draft.add(name, "logic.merge", {"carries": "any"}, title=name)
            for end in ends:
                self.draft.wire(end, f"{made}.values")
            self.lowering.asked.setdefault(variable(name), []).append(f"{made}.values")
            return Output("", "", f"{made}.value")
        if len(ends) == 1:
            return Output(before[-1][0], "", ends[0])
        made = self.draft.add(name, "logic.merge", {"carries": "any"}, title=name)
        for end in ends:
            self.draft.wire(end, f"{made}.values")
        return Output(reader, "", f"{made}.value")

    def _leads(self, start: str, end: str) -> bool:
        """Whether a node comes before another one."""
        seen, stack = {start}, [start]
        while stack:
            for row in self.lowering.out_of.get(stack.pop(), {}).values():
                for wire in row:
                    if wire.target == end:
                        return True
                    if wire.target not in seen:
                        seen.add(wire.target)
                        stack.append(wire.target)
        return False

    def _written(self, node: str, row: Mapping[str, Any]) -> str:
        """The end that gives what an assigner writes."""
        key = (node, row["name"])
        if key not in self._ends:
            mapped = self.lowering.mapped[node]
            how, kind = row["how"], self.kinds[row["name"]]
            title = f"{mapped.node.title or 'Assigner'}: {row['name']}"
            if how in ("set", "clear"):
                made = self.draft.add(title, "logic.merge", {"carries": "any"}, mapped.node.at)
                self._ends[key] = f"{made}.value"
                value = empty(kind) if how == "clear" else constant(row.get("value"), kind)
                if row.get("at"):
                    self._hang(row["at"], f"{made}.values", mapped)
                else:
                    source = self._value(value, kind)
                    self.lowering.texts.hang(source, f"{made}.values", mapped)
            else:
                self._ends[key] = self._computed(mapped, title, row, kind)
            self.draft.nodes[self._ends[key].partition(".")[0]]["title"] = title[:120]
        return self._ends[key]

    def _computed(self, mapped: Mapped, title: str, row: Mapping[str, Any], kind: str) -> str:
        """What an assigner makes of a variable and a value, by an expression."""
        params: dict[str, Any] = {"gives": "number" if kind == "number" else "json"}
        made = self.draft.add(title, "data.transform", params, mapped.node.at)
        now = self.source(row["name"], mapped.node.id) or NamedInput(variable(row["name"]))
        self.lowering.texts.hang(now, f"{made}.value", mapped)
        places = ["@", ""]
        if row.get("at"):
            params["inputs"], places = ["by"], ["value", "by"]
            self._hang(row["at"], f"{made}.by", mapped)
        elif row["how"] in ("add", "subtract"):
            number = constant(row.get("value"), "number")
            places[1] = literal(-number if row["how"] == "subtract" else number)
        else:
            places[1] = literal(row.get("value"))
        params["expression"] = _EXPRESSIONS[row["how"]].format(*places)
        self.draft.nodes[made]["params"] = params
        return f"{made}.result"

    def close(self) -> None:
        """The outputs of a round: its variables, and whether it was the last."""
        if not self.place:
            return
        begin = self.lowering.mapped[self.place]
        for name in self.told["carried"]:
            made = self.draft.add(name, "io.output", {"name": variable(name)})
            source = self.source(name, "") or NamedInput(variable(name))
            self.lowering.texts.hang(source, f"{made}.value", begin)
        ends = [
            (f"{self.draft.add('exit', 'prompt.template', {'template': 'done'})}.text", node)
            for node, mapped in self.lowering.mapped.items()
            if mapped.node.type == EXIT
        ]
        over = [self.lowering.ways.through(end, "", node) for end, node in ends]
        until = self.told.get("until") or {}
        if until.get("rows"):
            over.append(self._until(until, begin))
        if not over:
            return
        made = self.draft.add("done", "io.output", {"name": self.told["done"]})
        if len(over) == 1:
            self.draft.wire(over[0], f"{made}.value")
            return
        merge = self.draft.add("over", "logic.merge", {"carries": "any"})
        for end in over:
            self.draft.wire(end, f"{merge}.values")
        self.draft.wire(f"{merge}.value", f"{made}.value")

    def _until(self, until: Mapping[str, Any], begin: Mapped) -> str:
        """A text where the loop is over, and an empty one where it is not."""
        made = self.draft.add("until", "data.transform", {"gives": "text"}, title="Is it over?")
        lowering, rows = self.lowering, until["rows"]
        ports: dict[str, str] = {}
        for row in rows:
            for written in (row[key] for key in ("look_at", "operand_at") if key in row):
                if written in ports:
                    continue
                ports[written] = "value" if not ports else f"value_{len(ports) + 1}"
                node, _, name = written.strip("{}#").partition(".")
                source = self.source(name, "") if node == self.place else None
                end = f"{made}.{ports[written]}"
                if source is None:
                    self._hang(written, end, begin)
                else:
                    lowering.texts.hang(source, end, begin)
        only = len(ports) == 1
        case = {"name": "done", "all": until["all"], "rows": rows}
        places = {text: place_in("@" if only else port, ()) for text, port in ports.items()}
        params: dict[str, Any] = {"gives": "text"}
        params["expression"] = expression_of([case], places.__getitem__, "")
        if not only:
            params["inputs"] = list(ports.values())[1:]
        self.draft.nodes[made]["params"] = params
        return f"{made}.result"
