"""Conditions of builders whose wires are order: Dify's and n8n's.

There a condition decides which nodes run next, and values go by reference. Here a *Switch* sends a
value on, so what a node behind a condition reads is sent through it: where its way is not taken
nothing arrives, and the node does not run. The first value goes through the switch itself, others
through one beside it that follows the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from patchbay.flows.exchange.imports.providers import settled
from patchbay.flows.exchange.imports.routes import needs_expression
from patchbay.flows.exchange.imports.step_ways import merge
from patchbay.flows.exchange.imports.template import variable

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.graph import ForeignWire
    from patchbay.flows.exchange.imports.lower import Lowering
    from patchbay.flows.exchange.imports.mapped import Mapped

QUESTION, TALKED, INPUT = "?question", "?talk", "?input:"
"""In place of an end: the flow's question, the conversation, an input of the flow by its name."""
Hop = tuple[str, str]
Stack = tuple[tuple[str, str], ...]
MAX_DEPTH = 200
ORDER = ("#order", "main")
"""Inputs whose wires say what runs next: Dify's and n8n's."""


class Ways:
    """The conditions of one graph."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering, self.draft = lowering, lowering.draft
        self.hops: dict[tuple[str, str], list[list[Hop]]] = {}
        """(node there, handle) → the switches that lead there, each with its port."""
        self._carried: dict[str, str] = {}
        """Switch → what goes through it."""
        self._filled: set[str] = set()
        self._beside: dict[tuple[str, str], str] = {}
        self._stacks: dict[str, Stack] = {}

    def add(self, mapped: Mapped) -> str:
        """Make the switches of a condition; why that cannot be, or ""."""
        told = mapped.settings.get("$ways")
        if not isinstance(told, Mapping):
            return "It holds no conditions that can be read."
        if told.get("refused"):
            return str(told["refused"])
        if told.get("by") == "model":
            self._by_model(mapped, told)
            return ""
        cases = told.get("cases") or []
        if not any(case["rows"] for case in cases):
            return "It holds no conditions."
        if told.get("all_that_hold"):
            words = "items go the first way that holds; there they go all that hold"
            self.lowering.report.add("approximated", mapped.what, words)
        if needs_expression(cases):
            self._by_expression(mapped, told, cases)
        else:
            rows = [{**row, "handle": case["handle"]} for case in cases for row in case["rows"]]
            self._by_conditions(mapped, told, rows)
        return ""

    def _switch(self, mapped: Mapped, params: Mapping[str, Any], look_at: str, number: int) -> str:
        node = mapped.node
        title = node.title or mapped.spec.title
        at = (node.at[0] + 120 * number, node.at[1] + 60 * number) if node.at else None
        made = self.draft.add(title, "logic.switch", params, at, title=title)
        mapped.pieces["it" if number == 0 else f"it{number}"] = made
        mapped.settings = {**mapped.settings, f"look_{number}": look_at}
        self.lowering.report.add("mapped", mapped.what, "logic.switch", made)
        return made

    def _by_model(self, mapped: Mapped, told: Mapping[str, Any]) -> None:
        cases, taken = [], {"otherwise", "route"}
        handles: list[tuple[str, str]] = []
        for row in told["rows"]:
            name = variable(str(row["name"]), taken)
            taken.add(name)
            cases.append({"name": name, "about": str(row.get("about") or row["name"])[:1900]})
            handles.append((str(row["handle"]), name))
        params = {
            "by": "model", "cases": cases, "none_fits": False,
            "instructions": str(told.get("instructions") or "")[:19_000],
        }  # fmt: skip
        made = self._switch(mapped, params, str(told.get("look_at") or ""), 0)
        chosen = mapped.settings.get("provider_model")
        if isinstance(chosen, str) and chosen:  # Dify keeps the model in the node
            at = mapped.node.at
            place = (at[0] - 300, at[1] + 160) if at else None
            kind, params = settled("model.provider", {"model": chosen})
            model = self.draft.add("model", kind, params, place)
            self.draft.wire(f"{model}.model", f"{made}.model")
        for handle, name in handles:
            self.hops.setdefault((mapped.node.id, handle), []).append([(made, name)])

    def _by_expression(self, mapped: Mapped, told: Mapping[str, Any], cases: Any) -> None:
        """What no case can say: an expression names the way, and the switch takes it."""
        ways: dict[str, str] = {}
        for case in cases:
            name = variable(f"way_{case['handle']}", ())
            ways[str(case["handle"])] = name
        named = [{**case, "name": ways[str(case["handle"])]} for case in cases]
        switched = [
            {"name": name, "test": "equals", "operand": name}
            for name in dict.fromkeys(ways.values())
        ]
        made = self._switch(mapped, {"by": "conditions", "cases": switched}, "", 0)
        at = mapped.node.at
        place = (at[0] - 300, at[1]) if at else None
        title = f"{mapped.node.title or mapped.spec.title}: which way"
        params = {"expression": "@", "gives": "text"}
        asked = self.draft.add(title, "data.transform", params, place, title=title)
        self.draft.wire(f"{asked}.result", f"{made}.decide")
        mapped.pieces["test"] = asked
        mapped.settings = {**mapped.settings, "$cases": named}
        for handle, name in ways.items():
            self.hops[(mapped.node.id, handle)] = [[(made, name)]]
        if told["otherwise"] not in ways:
            self.hops[(mapped.node.id, str(told["otherwise"]))] = [[(made, "otherwise")]]

    def _by_conditions(self, mapped: Mapped, told: Mapping[str, Any], rows: Any) -> None:
        """Conditions on one value are one switch; on another value, one behind it."""
        before: list[Hop] = []
        groups = groupby(rows, key=lambda row: row["look_at"])
        for number, (look_at, group) in enumerate(groups):
            cases, taken = [], {"otherwise", "route"}
            found: list[tuple[str, str]] = []
            for row in group:
                name = variable(f"way_{row['handle']}", taken)
                taken.add(name)
                case = {"name": name, "test": row["test"]}
                if row.get("operand") is not None:
                    case["operand"] = row["operand"]
                cases.append(case)
                found.append((str(row["handle"]), name))
            params: dict[str, Any] = {"by": "conditions", "cases": cases}
            if told.get("case_sensitive"):
                params["case_sensitive"] = True
            made = self._switch(mapped, params, look_at, number)
            for handle, name in found:
                way = [*before, (made, name)]
                self.hops.setdefault((mapped.node.id, handle), []).append(way)
            before.append((made, "otherwise"))
        self.hops.setdefault((mapped.node.id, str(told["otherwise"])), []).append(before)

    # --- where a node stands ------------------------------------------------------------------

    def stack(self, node: str, depth: int = 0) -> Stack:
        """The ways that must be taken for a node to run, the outermost first."""
        if not self.hops:
            return ()
        if node not in self._stacks:
            self._stacks[node] = ()  # of a circle, what is known by then
            found = []
            rows = self.lowering.into.get(node, {}).values() if depth < MAX_DEPTH else ()
            for wire in [w for row in rows for w in row if w.input in ORDER]:
                self.stack(wire.source, depth + 1)
                found.append(self.stack_of(wire))
            self._stacks[node] = _shared(found)
        return self._stacks[node]

    def through(self, end: str, source: str, target: str) -> str:
        """The end that gives a value to a node where its way is taken.

        Args:
            end: what gives the value; `QUESTION` for the flow's question.
            source: the node there that it comes from; "" for the question.
            target: the node there that reads it.
        """
        stack = self.stack(target)
        known = self.stack(source) if source and not self.lowering.texts.waits_not(source) else ()
        return self.along(end, stack[len(known) :]) if stack[: len(known)] == known else end

    def stack_of(self, wire: ForeignWire) -> Stack:
        """The ways that must be taken for something to come along a wire there."""
        own = (wire.source, wire.output.lstrip("#"))
        before = self.stack(wire.source)
        return (*before, own) if own in self.hops else before

    def along(self, end: str, places: Stack) -> str:
        """The end that gives a value where these ways are taken."""
        for place in places:
            ends = []
            for way in self.hops[place]:
                on = end
                for switch, port in way:
                    on = f"{self._carrying(switch, on)}.{port}"
                ends.append(on)
            kind = "text" if end.startswith("?") else "any"
            end = merge(self.draft, ends, "messages" if end == TALKED else kind)
        return end

    def _carrying(self, switch: str, end: str) -> str:
        """The switch that sends this value on: the first for it, then one beside it."""
        if self._carried.setdefault(switch, end) == end:
            made = switch
        elif (switch, end) in self._beside:
            return self._beside[(switch, end)]
        else:
            names = [case["name"] for case in self.draft.nodes[switch]["params"]["cases"]]
            cases = [{"name": name, "test": "equals", "operand": name} for name in names]
            params = {"by": "conditions", "cases": cases}
            made = self._beside[(switch, end)] = self.draft.add("same-way", "logic.switch", params)
            self.draft.wire(f"{switch}.route", f"{made}.decide")
        if made not in self._filled:
            self._filled.add(made)
            if end not in (QUESTION, TALKED) and not end.startswith(INPUT):
                self.draft.nodes[made]["params"]["carries"] = "any"
            elif end == TALKED:
                self.draft.nodes[made]["params"]["carries"] = "messages"
            self.give(end, f"{made}.value")
        return made

    def give(self, end: str, port: str) -> None:
        """Have a port get what an end gives, be it the question or an input of the flow."""
        if end == QUESTION:
            self.lowering.chats.append(port)
        elif end == TALKED:
            self.lowering.talks.append((port, True))
        elif end.startswith(INPUT):
            self.lowering.asked.setdefault(end.removeprefix(INPUT), []).append(port)
        else:
            self.draft.wire(end, port)

    def merged(self, ends: Sequence[str]) -> str:
        """One end of several that exclude each other."""
        ends = list(dict.fromkeys(ends))
        if len(ends) == 1:
            return ends[0]
        made = self.draft.add("merge", "logic.merge", {"carries": "any"})
        for end in ends:
            self.give(end, f"{made}.values")
        return f"{made}.value"

    def close(self) -> None:
        """A switch that nothing goes through sends the question on."""
        switches = {switch for ways in self.hops.values() for way in ways for switch, _ in way}
        for switch in sorted(switches):
            self._carrying(switch, self._carried.get(switch, QUESTION))


def _shared(stacks: list[Stack]) -> Stack:
    """What all have in common at their beginning."""
    if not stacks:
        return ()
    made: list[tuple[str, str]] = []
    for places in zip(*stacks, strict=False):
        if any(place != places[0] for place in places):
            break
        made.append(places[0])
    return tuple(made)
