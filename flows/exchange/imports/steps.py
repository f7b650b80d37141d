"""Steps over one shared conversation: Flowise's sequential agents and its second agentflow.

There an edge is order, and each step hears the question, what earlier steps said, and its own text.
Here a step gets a conversation that is built of the same, and a way of a switch passes the question
on (inside rounds the conversation so far), so that only the steps of the way taken run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.document.graph import generations, links
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.exchange.imports import step_kinds, step_rounds
from patchbay.flows.exchange.imports.params import READERS
from patchbay.flows.exchange.imports.references import CHAT, Output, PlainText, ValueSource
from patchbay.flows.exchange.imports.step_texts import StepTexts
from patchbay.flows.exchange.imports.step_ways import StepWay, StepWords, merge, merged_state
from patchbay.flows.exchange.imports.stubs import put_stub
from patchbay.flows.exchange.imports.template import variable

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering
    from patchbay.flows.exchange.imports.mapped import Mapped

StepHandler = Callable[["Steps", str, "Mapped", StepWay], StepWay]
HANDLERS: Mapping[str, StepHandler] = {
    "llm": step_kinds.ask,
    "agent": step_kinds.ask,
    "route": step_kinds.route,
    "condition": step_kinds.condition,
    "tool": step_kinds.call,
    "reply": step_kinds.reply,
    "piece": step_kinds.piece,
    "end": step_kinds.finish,
    "enter": step_rounds.enter,
    "again": step_rounds.again,
    "loop": step_rounds.loop,
    "each": step_rounds.each,
    "person": step_rounds.person,
}


class Steps:
    """The steps of one graph, in order."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering, self.draft = lowering, lowering.draft
        self.steps = {i: m for i, m in lowering.mapped.items() if m.spec.step and not m.stub}
        self.texts = StepTexts(self)
        self.after: dict[str, StepWay] = {}
        self.ports: dict[tuple[str, str], str] = {}
        """(switch, handle) → the end of that way."""
        self.ends: list[tuple[str, StepWay]] = []
        """What answers, with the way on which it does."""
        self.rounds: step_rounds.Rounds | None = None
        """Inside the body of a loop."""
        self.remembers = not any(
            m.settings.get("startEphemeralMemory") is True for m in self.steps.values()
        )

    def run(self) -> None:
        """Build them."""
        if not self.steps:
            return
        for step in self._order():
            mapped = self.steps[step]
            way = self._arrive(step)
            handler = HANDLERS.get(mapped.spec.step)
            self.after[step] = handler(self, step, mapped, way) if handler else way
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

    def before(self, step: str) -> list[tuple[str, str]]:
        """The steps before, each with the handle that leads here."""
        rows = self.lowering.into.get(step, {}).values()
        found = [(w.source, w.output) for row in rows for w in row if w.source in self.after]
        return list(dict.fromkeys(found))

    def out(self, step: str) -> list[Any]:
        """The wires that leave a step."""
        return [w for row in self.lowering.out_of.get(step, {}).values() for w in row]

    def _arrive(self, step: str) -> StepWay:
        """What is known where several ways meet: what all know, and of each its last word."""
        ways = []
        for source, handle in self.before(step):
            way = self.after[source]
            ways.append(way.through(self.ports.get((source, handle), way.gate)))
        if not ways:
            return StepWay(state=self._first_state())
        if len(ways) == 1:
            return ways[0]
        state = merged_state(self.draft, ways)
        gates = list(dict.fromkeys((way.gate, way.whole) for way in ways))
        if len(gates) == 1:  # side by side: all of them have run
            said = {entry.end: entry for way in ways for entry in way.said}
            return StepWay(ways[0].gate, list(said.values()), ways[0].whole, state)
        if any(way.whole for way in ways):
            talks = [self.conversation(way) for way in ways]
            return StepWay(merge(self.draft, talks, "messages"), [], True, state)
        shared = [entry for entry in ways[0].said if all(entry in way.said for way in ways)]
        last = [way.said[-1] for way in ways if way.said and way.said[-1] not in shared]
        if last:
            merged = merge(self.draft, [entry.end for entry in last])
            shared.append(StepWords(last[0].step, "answer", merged, last[0].role))
        begins = [way.gate for way in ways]
        return StepWay("" if "" in begins else merge(self.draft, begins), shared, False, state)

    def _first_state(self) -> dict[str, ValueSource]:
        """What the shared state begins with."""
        found: dict[str, ValueSource] = {}
        for mapped in self.lowering.each():
            for key, value in mapped.settings.items():
                if not key.endswith(("startState", "stateMemoryUI")):
                    continue
                rows = READERS["json"](value)
                for row in rows if isinstance(rows, list) else ():
                    if isinstance(row, Mapping) and row.get("key"):
                        begins = row.get("value") or row.get("defaultValue") or ""
                        found.setdefault(str(row["key"]), PlainText(str(begins)))
        return found

    # --- conversations ------------------------------------------------------------------------

    def turns(self, way: StepWay, names: dict[str, ValueSource]) -> list[dict[str, str]]:
        """The conversation up to here as turns: what came before, the question, what was said."""
        made: list[dict[str, str]] = []
        if way.whole:
            made.append({"role": "history", "text": ""})
        else:
            if not way.said and self.remembers:
                made.append({"role": "history", "text": ""})
            made.append({"role": "user", "text": "{question}"})
            names["question"] = CHAT
        for entry in way.said:
            name = variable(entry.name, names)
            names[name] = Output(entry.step, "", entry.end)
            made.append({"role": entry.role, "text": entry.text.replace("{it}", "{" + name + "}")
                         or "{" + name + "}"})  # fmt: skip
        return made

    def messages(
        self,
        words: str,
        turns: list[dict[str, str]],
        names: Mapping[str, ValueSource],
        way: StepWay,
        at: tuple[float, float] | None = None,
    ) -> str:
        """A node that builds a conversation of turns; the end that gives it."""
        params: dict[str, Any] = {"turns": turns}
        if way.whole and any(turn["role"] == "history" for turn in turns):
            params["needs_history"] = True
        chat = self.draft.add(words, "prompt.chat", params, at)
        for name, source in names.items():
            self.texts.hang(source, f"{chat}.{name}", way)
        if any(turn["role"] == "history" for turn in turns):
            if way.whole:
                self.draft.wire(way.gate, f"{chat}.history")
            else:
                self.lowering.earlier.append(f"{chat}.history")
        return f"{chat}.messages"

    def conversation(self, way: StepWay) -> str:
        """The end that gives the conversation up to here."""
        if way.whole and not way.said:
            return way.gate
        names: dict[str, ValueSource] = {}
        turns = self.turns(way, names)
        if not way.whole and way.said and self.remembers:
            turns.insert(0, {"role": "history", "text": ""})
        return self.messages("conversation", turns, names, way)

    def counted(self, mapped: Mapped, way: StepWay, *, without_question: bool) -> ValueSource:
        """How many messages there are so far."""
        params = {"expression": "length(@[1:])" if without_question else "length(@)",
                  "gives": "number"}  # fmt: skip
        made = self.draft.add("count", "data.transform", params)
        self.draft.wire(self.conversation(way), f"{made}.value")
        if without_question and self.remembers:
            words = "earlier turns of the conversation are counted, too"
            self.lowering.report.add("approximated", mapped.what, words)
        return Output("", "", f"{made}.result")

    def last_of(self, talk: str) -> str:
        """What was said last in a conversation."""
        made = self.draft.add("last", "chat.turn", {"role": "any"})
        self.draft.wire(talk, f"{made}.messages")
        return f"{made}.text"

    def give_up(self, mapped: Mapped, way: StepWay, reason: str) -> StepWay:
        """A stub in place of a step."""
        mapped.stub = put_stub(self.lowering, mapped, reason)
        return way

    # --- the end ------------------------------------------------------------------------------

    def _finish(self) -> None:
        """The last steps answer; of ways that exclude each other, the one that was taken."""
        for step, way in self.after.items():
            mapped = self.steps[step]
            last = mapped.spec.step in ("llm", "agent") and not step_kinds.followed(self, step)
            if last and way.said:
                self.ends.append((way.said[-1].end, way))
        if self.rounds is not None:
            self.rounds.close(self)
            return
        ends = list(dict.fromkeys(end for end, _ in self.ends))
        gates = {way.gate for _, way in self.ends}
        if len(ends) > 1 and len(gates) > 1:
            ends = [merge(self.draft, ends)]
        self.lowering.answers += [(end, "") for end in ends]
