"""Steps over one shared conversation: Flowise's sequential agents and its second agentflow.

There an edge is order, and each step hears the question, what earlier steps said, and its own text.
Here a step gets a conversation that is built of the same, and a way of a switch passes the question
on, so that only the steps of the way taken run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patchbay.flows.document.graph import generations, links
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.exchange.imports.params import MISSING, READERS
from patchbay.flows.exchange.imports.references import (
    CHAT,
    TALK,
    NamedInput,
    Output,
    PlainText,
    ValueSource,
)
from patchbay.flows.exchange.imports.stubs import put_stub
from patchbay.flows.exchange.imports.template import Var, from_html, literal, pieces, variable

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering, Mapped

OPERATIONS = {
    "equal": "equals", "is": "equals", "notequal": "does not equal", "is not": "does not equal",
    "contains": "contains", "notcontains": "does not contain", "not contains": "does not contain",
    "startswith": "starts with", "start with": "starts with", "starts with": "starts with",
    "endswith": "ends with", "end with": "ends with", "ends with": "ends with",
    "isempty": "is empty", "is empty": "is empty", "notempty": "is not empty",
    "not empty": "is not empty", "smaller": "<", "less than": "<", "smallerequal": "<=",
    "less than or equal to": "<=", "larger": ">", "greater than": ">", "largerequal": ">=",
    "greater than or equal to": ">=",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StepWords:
    """What a step has said, for the steps after it."""

    step: str
    name: str
    end: str
    role: str


@dataclass(slots=True)
class StepWay:
    """What is known where a step begins."""

    gate: str = ""
    """The end that gives the question on this way; "" for the flow's own."""
    said: list[StepWords] = field(default_factory=list)


class Steps:
    """The steps of one graph, in order."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering, self.draft = lowering, lowering.draft
        self.steps = {i: m for i, m in lowering.mapped.items() if m.spec.step and not m.stub}
        self.ways: dict[str, StepWay] = {}
        self.after: dict[str, StepWay] = {}
        self.ports: dict[tuple[str, str], str] = {}
        """(switch, handle) → the end of that way."""
        self.ends: list[tuple[str, str]] = []

    def run(self) -> None:
        """Build them."""
        if not self.steps:
            return
        for step in self._order():
            mapped = self.steps[step]
            way = self.ways[step] = self._arrive(step)
            made = {"llm": self._ask, "agent": self._ask, "route": self._route}.get(
                mapped.spec.step
            )
            made = self._call if mapped.spec.step == "tool" else made
            made = made or {"condition": self._condition, "reply": self._reply}.get(
                mapped.spec.step
            )
            self.after[step] = made(step, mapped, way) if made else way
        self._finish()

    def _order(self) -> list[str]:
        names = {step: f"n{index}" for index, step in enumerate(self.steps)}
        back = {name: step for step, name in names.items()}
        edges = tuple(
            Edge.model_validate({"from": f"{names[w.source]}.o", "to": f"{names[w.target]}.i"})
            for w in self.lowering.graph.wires
            if w.source in names and w.target in names and w.source != w.target
        )
        nodes = tuple(NodeInstance(id=name, kind="step") for name in names.values())
        ordered = list(generations(links(Flow(nodes=nodes, edges=edges))))
        if len(ordered) < len(nodes):
            words = "steps lead in a circle; those in it are left out"
            self.lowering.report.add("refused", "The file", words)
        return [back[name] for name in ordered]

    def _before(self, step: str) -> list[tuple[str, str]]:
        rows = self.lowering.into.get(step, {}).values()
        found = [(w.source, w.output) for row in rows for w in row if w.source in self.after]
        return list(dict.fromkeys(found))

    def _arrive(self, step: str) -> StepWay:
        """What is known where several ways meet: what all know, and of each its last word."""
        ways = []
        for source, handle in self._before(step):
            way = self.after[source]
            ways.append(StepWay(self.ports.get((source, handle), way.gate), way.said))
        if not ways:
            return StepWay()
        if len(ways) == 1:
            return ways[0]
        gates = list(dict.fromkeys(way.gate for way in ways))
        if len(gates) == 1:  # side by side: all of them have run
            said = {entry.end: entry for way in ways for entry in way.said}
            return StepWay(gates[0], list(said.values()))
        shared = [entry for entry in ways[0].said if all(entry in way.said for way in ways)]
        last = [way.said[-1] for way in ways if way.said and way.said[-1] not in shared]
        if last:
            merged = self._merge([entry.end for entry in last])
            shared.append(StepWords(last[0].step, "answer", merged, last[0].role))
        return StepWay("" if "" in gates else self._merge(gates), shared)

    def _merge(self, ends: list[str]) -> str:
        made = self.draft.add("merge", "logic.merge", {})
        for end in ends:
            self.draft.wire(end, f"{made}.values")
        return f"{made}.value"

    # --- texts --------------------------------------------------------------------------------

    def _template(
        self, mapped: Mapped, way: StepWay, text: str, names: dict[str, ValueSource]
    ) -> str:
        """A text as a template of ours; its variables are added to `names`."""
        made = ""
        known = self.lowering.texts.references.knows
        syntax: Any = "braces" if mapped.node.type.startswith("seq") else "double"
        values = READERS["json"](mapped.settings.get("promptValues", ""))
        values = values if isinstance(values, Mapping) else {}
        for part in pieces(from_html(text), syntax, known):
            if isinstance(part, str):
                made += literal(part)
                continue
            source = self._source(mapped, way, part, values)
            if isinstance(source, PlainText):
                made += literal(source.text)
                continue
            name = variable(_short(part.name), ())
            while name in names and names[name] != source:
                name = variable(name, names)
            names[name] = source
            made += "{" + name + "}"
        return made

    def _source(
        self, mapped: Mapped, way: StepWay, part: Var, values: Mapping[str, Any]
    ) -> ValueSource:
        name = part.name.replace("\\_", "_").strip()
        given = values.get(name) if not part.double else None
        if isinstance(given, str) and given:
            inner = pieces(given, "double", self.lowering.texts.references.knows)
            if len(inner) == 1 and isinstance(inner[0], Var):
                return self._source(mapped, way, inner[0], {})
            return PlainText(given)
        if name in ("question", "input") or (not part.double and given is None):
            return CHAT
        if name == "chat_history":
            return TALK
        if name == "current_date_time":
            self.lowering.report.add("name", mapped.what, "the date and time, as an input")
            return NamedInput("current_date_time")
        if name.startswith("$form."):
            return NamedInput(variable(name.removeprefix("$form.")))
        if name.startswith("$flow.state."):
            return self._state(mapped, way, name.removeprefix("$flow.state."))
        base, _, field_ = name.partition(".")
        said = next((entry for entry in way.said if entry.step == base), None)
        if said is not None:
            return Output(base, "", self._field(said.end, field_.removeprefix("output.")))
        other = self.lowering.mapped.get(base)
        if other is not None:
            ends = self.lowering.outputs(base, "*")
            if ends.get(""):
                return Output(base, "", ends[""])
        words = f"the reference {name!r} is not known here; it stays as text"
        self.lowering.report.add("refused", mapped.what, words)
        return PlainText("{{" + name + "}}")

    def _state(self, mapped: Mapped, way: StepWay, key: str) -> ValueSource:
        """A value of the shared state: from the last step that set it, else what it began with."""
        for entry in reversed(way.said):
            for row in _rows(self.steps[entry.step].settings, "UpdateState"):
                if row.get("key") == key:
                    value = from_html(str(row.get("value", ""))).strip()
                    inner = pieces(value, "double")
                    if len(inner) == 1 and isinstance(inner[0], Var):
                        place = inner[0].name.strip().partition(".")[2]
                        return Output(entry.step, "", self._field(entry.end, place))
                    return Output(entry.step, "", entry.end)
        for other in self.steps.values():
            for row in _rows(other.settings, "startState"):
                if row.get("key") == key:
                    return PlainText(str(row.get("value") or ""))
        return PlainText("")

    def _field(self, end: str, path: str) -> str:
        """A field of a structured answer."""
        node = self.draft.nodes.get(end.partition(".")[0])
        if not path or node is None or not node["params"].get("json_schema"):
            return end
        name = variable(path.rpartition(".")[2])
        pointer = "/" + path.replace(".", "/")
        params = {"fields": [{"name": name, "pointer": pointer, "gives": "text"}]}
        made = self.draft.add("pick", "data.pick", params)
        self.draft.wire(f"{node['id']}.json", f"{made}.json")
        return f"{made}.{name}"

    def _hang(self, source: ValueSource, end: str, way: StepWay) -> None:
        if source == CHAT:
            if way.gate:
                self.draft.wire(way.gate, end)
            else:
                self.lowering.chats.append(end)
        elif source == TALK:
            self.lowering.talks.append((end, True))
        elif isinstance(source, NamedInput):
            self.lowering.asked.setdefault(source.name, []).append(end)
        elif isinstance(source, Output) and source.end:
            self.draft.wire(source.end, end)

    # --- steps --------------------------------------------------------------------------------

    def _ask(self, step: str, mapped: Mapped, way: StepWay) -> StepWay:
        settings, lowering = mapped.settings, self.lowering
        names: dict[str, ValueSource] = {}
        rows = settings.get("step_turns") or []
        turns = [
            {"role": row["role"], "text": self._template(mapped, way, row["content"], names)}
            for row in rows
        ]
        user = settings.get("step_user") or ""
        remembers = bool(settings.get("step_memory"))
        if remembers:
            turns += [{"role": "history", "text": ""}] if not way.said else []
            turns.append({"role": "user", "text": "{question}"})
            names["question"] = CHAT
            for entry in way.said:
                name = variable(entry.name, names)
                names[name] = Output(entry.step, "", entry.end)
                turns.append({"role": entry.role, "text": "{" + name + "}"})
        if user:
            turns.append({"role": "user", "text": self._template(mapped, way, user, names)})
        if not any(turn["role"] == "user" for turn in turns):
            turns.append({"role": "user", "text": "{question}"})
            names["question"] = CHAT
        if way.gate and CHAT not in names.values() and not way.said:
            words = "it does not read the question, so it runs whichever way is taken"
            lowering.report.add("approximated", mapped.what, words)
        node = mapped.node
        title = node.title or node.type
        at = (node.at[0] - 300, node.at[1]) if node.at else None
        chat = self.draft.add(f"{title} messages", "prompt.chat", {"turns": turns}, at)
        for name, source in names.items():
            self._hang(source, f"{chat}.{name}", way)
        if any(turn["role"] == "history" for turn in turns):
            lowering.earlier.append(f"{chat}.history")
        kind = "agent.react" if mapped.spec.step == "agent" else "model.ask"
        made = self.draft.add(title, kind, {}, node.at, title=title)
        schema = READERS["schema"](settings.get("step_fields"))
        if kind == "model.ask" and schema is not MISSING:
            self.draft.nodes[made]["params"]["json_schema"] = schema
        self.draft.wire(f"{chat}.messages", f"{made}.prompt")
        mapped.pieces["it"] = made
        lowering.report.add("mapped", mapped.what, f"prompt.chat, {kind}", made)
        role = "user" if settings.get("step_role") == "userMessage" else "assistant"
        said = StepWords(step, variable(title), f"{made}.text", role)
        return StepWay(way.gate, [*way.said, said])

    def _route(self, step: str, mapped: Mapped, way: StepWay) -> StepWay:
        """A model chooses among named ways."""
        names: dict[str, ValueSource] = {}
        cases: list[dict[str, Any]] = []
        taken: set[str] = set()
        for index, scenario in enumerate(mapped.settings.get("step_ways") or []):
            name = variable(str(scenario), taken)
            taken.add(name)
            cases.append({"name": name, "about": str(scenario)[:1900]})
            self.ports[(step, str(index))] = name
            self.ports[(step, _camel(str(scenario)))] = name
        if not cases:
            return self._give_up(mapped, way, "It names no ways.")
        instructions = self._template(mapped, way, mapped.settings.get("step_words") or "", names)
        if names:  # instructions take no variables here
            words = "references in its instructions are left out"
            self.lowering.report.add("approximated", mapped.what, words)
            instructions = instructions.replace("{", "").replace("}", "")
        instructions = instructions.replace("{{", "{").replace("}}", "}")
        params = {
            "by": "model", "cases": cases, "instructions": instructions[:19_000],
            "none_fits": "end" in {w.output for w in self._out(step)},
        }  # fmt: skip
        return self._switch(step, mapped, way, params, mapped.settings.get("step_input") or "")

    def _condition(self, step: str, mapped: Mapped, way: StepWay) -> StepWay:
        rows = mapped.settings.get("step_conditions") or []
        values = {str(row.get("value1")) for row in rows}
        cases: list[dict[str, Any]] = []
        taken: set[str] = set()
        for index, row in enumerate(rows):
            test = OPERATIONS.get(str(row.get("operation", "")).lower())
            if test is None or len(values) != 1:
                why = "Its conditions look at several values, or by a test that has no equal."
                return self._give_up(mapped, way, why)
            label = str(row.get("output") or f"way_{index + 1}")
            name = variable(label, {"otherwise", "route", *taken})
            taken.add(name)
            operand: Any = from_html(str(row.get("value2") or row.get("value") or "")).strip()
            if test in ("<", "<=", ">", ">=") or row.get("type") == "number":
                operand = READERS["number"](operand)
            case = {"name": name, "test": test}
            if test not in ("is empty", "is not empty") and operand is not MISSING:
                case["operand"] = operand
            cases.append(case)
            self.ports[(step, str(index))] = self.ports[(step, _camel(label))] = name
        if not cases:
            return self._give_up(mapped, way, "It holds no conditions.")
        for handle in (str(len(cases)), "end"):
            self.ports[(step, handle)] = "otherwise"
        return self._switch(step, mapped, way, {"by": "conditions", "cases": cases}, values.pop())

    def _switch(
        self, step: str, mapped: Mapped, way: StepWay, params: dict[str, Any], text: str
    ) -> StepWay:
        node = mapped.node
        title = node.title or node.type
        made = self.draft.add(title, "logic.switch", params, node.at, title=title)
        mapped.pieces["it"] = made
        self._hang(CHAT, f"{made}.value", way)
        names: dict[str, ValueSource] = {}
        template = self._template(mapped, way, text, names) if text else ""
        if template and template.strip() != "{question}":
            at = (node.at[0] - 300, node.at[1]) if node.at else None
            asked = self.draft.add("decide", "prompt.template", {"template": template}, at)
            for name, source in names.items():
                self._hang(source, f"{asked}.{name}", way)
            self.draft.wire(f"{asked}.text", f"{made}.decide")
        for key, port in list(self.ports.items()):
            if key[0] == step and "." not in port:
                self.ports[key] = f"{made}.{port}"
        self.lowering.report.add("mapped", mapped.what, "logic.switch", made)
        return way

    def _call(self, step: str, mapped: Mapped, way: StepWay) -> StepWay:
        """A tool that is called as a step."""
        names: dict[str, ValueSource] = {}
        rows = mapped.settings.get("step_arguments") or {}
        arguments = {k: self._template(mapped, way, v, names) for k, v in rows.items()}
        node = mapped.node
        title = node.title or node.type
        made = self.draft.add(title, "tool.call", {"arguments": arguments}, node.at, title=title)
        for name, source in names.items():
            self._hang(source, f"{made}.{name}", way)
        mapped.pieces["it"] = made
        self.lowering.report.add("mapped", mapped.what, "tool.call", made)
        said = StepWords(step, variable(title), f"{made}.text", "assistant")
        return StepWay(way.gate, [*way.said, said])

    def _reply(self, step: str, mapped: Mapped, way: StepWay) -> StepWay:
        names: dict[str, ValueSource] = {}
        template = self._template(mapped, way, mapped.settings.get("step_reply") or "", names)
        made = self.draft.add("reply", "prompt.template", {"template": template}, mapped.node.at)
        for name, source in names.items():
            self._hang(source, f"{made}.{name}", way)
        self.lowering.report.add("mapped", mapped.what, "io.output", made)
        mapped.pieces["it"] = made
        self.ends.append((f"{made}.text", way.gate))
        return way

    def _give_up(self, mapped: Mapped, way: StepWay, reason: str) -> StepWay:
        mapped.stub = put_stub(self.lowering, mapped, reason)
        return way

    # --- the end ------------------------------------------------------------------------------

    def _out(self, step: str) -> list[Any]:
        return [w for row in self.lowering.out_of.get(step, {}).values() for w in row]

    def _finish(self) -> None:
        """The last steps answer; of ways that exclude each other, the one that was taken."""
        speaking = ("llm", "agent", "route", "condition", "reply")
        for step, way in self.after.items():
            mapped = self.steps[step]
            last = mapped.spec.step in ("llm", "agent") and not any(
                (other := self.steps.get(w.target)) is not None and other.spec.step in speaking
                for w in self._out(step)
            )
            if last and way.said:
                self.ends.append((way.said[-1].end, way.gate))
        ends = list(dict.fromkeys(end for end, _ in self.ends))
        gates = {gate for _, gate in self.ends}
        if len(ends) > 1 and len(gates) > 1:
            ends = [self._merge(ends)]
        self.lowering.answers += [(end, "") for end in ends]


def _rows(settings: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for key, value in settings.items():
        if key.endswith(name):
            rows = READERS["json"](value)
            found += [r for r in rows if isinstance(r, Mapping)] if isinstance(rows, list) else []
    return found


def _camel(label: str) -> str:
    """Handles are labels in camel case there."""
    words = label.replace("-", " ").split()
    return "".join([words[0].lower(), *(w[:1].upper() + w[1:] for w in words[1:])]) if words else ""


def _short(name: str) -> str:
    words = [word for word in name.replace("\\", "").replace("$", "").split(".") if word]
    return words[-1] if words else "value"
