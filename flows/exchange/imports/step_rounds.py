"""Steps that run flows of their own, rounds and iterations; and those that ask a person."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patchbay.flows.exchange.imports.params import READERS
from patchbay.flows.exchange.imports.references import (
    CHAT,
    NamedInput,
    Output,
    PlainText,
    ValueSource,
)
from patchbay.flows.exchange.imports.step_kinds import followed
from patchbay.flows.exchange.imports.step_ways import StepWay, StepWords, merge
from patchbay.flows.exchange.imports.template import Var, from_html, variable

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.mapped import Mapped
    from patchbay.flows.exchange.imports.steps import Steps

TALK, ANSWER, ITEM = "conversation", "answer", "item"
MAX_QUESTION = 2000


@dataclass(slots=True)
class Rounds:
    """The body of a loop: what it is given, and what its rounds hand on."""

    enter: str
    """The end that gives the conversation."""
    carried: dict[str, str]
    """State that goes from round to round: key → the end that gives it."""
    talks: list[str] = field(default_factory=list)
    """What the conversation is after the round, by the ways that it can take."""
    states: list[dict[str, ValueSource]] = field(default_factory=list)

    def close(self, steps: Steps) -> None:
        """The outputs of the body: conversation, state, and an answer where it is over."""
        draft = steps.draft
        answers: list[str] = []
        for end, way in steps.ends:
            said = way.said[-1].end if way.said else ""
            on = way if end == said else way.after(StepWords("", "reply", end, "assistant"))
            talk = steps.conversation(on)
            self.talks.append(talk)
            self.states.append(way.state)
            # Through the conversation the answer waits for its way.
            answers.append(steps.last_of(talk))
        if self.talks:
            _output(steps, TALK, merge(draft, self.talks, "messages"))
        if answers:
            _output(steps, ANSWER, merge(draft, answers))
        for key, begin in self.carried.items():
            ends = [_end(steps, state[key]) for state in self.states if key in state]
            changed = [end for end in ends if end != begin]
            changed.sort(key=lambda end: -list(draft.nodes).index(end.partition(".")[0]))
            _output(steps, variable(key), merge(draft, changed or [begin]))


def _end(steps: Steps, source: ValueSource) -> str:
    if isinstance(source, Output) and source.end:
        return source.end
    made = steps.draft.add("text", "prompt.template", {"template": "{value}"})
    if isinstance(source, PlainText):
        steps.draft.nodes[made]["params"]["template"] = source.text.replace("{", "{{").replace(
            "}", "}}"
        )
    else:
        steps.texts.hang(source, f"{made}.value", StepWay())
    return f"{made}.text"


def _output(steps: Steps, name: str, end: str) -> None:
    made = steps.draft.add(name, "io.output", {"name": name})
    steps.draft.wire(end, f"{made}.value")


def enter(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """Where a body begins; not one of the file's nodes, so the report is silent."""
    settings = mapped.settings
    steps.texts.outer = settings.get("outer") or {}
    if settings.get("mode") != "loop":
        made = steps.draft.add(ITEM, "io.input", {"name": ITEM, "kind": "json"})
        steps.texts.item = f"{made}.value"
        if "mode" not in settings:
            steps.lowering.report.add("mapped", mapped.what, "where a flow begins")
        return way
    talk = steps.draft.add(TALK, "io.input", {"name": TALK, "kind": "messages"})
    carried: dict[str, str] = {}
    state: dict[str, ValueSource] = {}
    for key in settings.get("carried") or []:
        given = steps.draft.add(key, "io.input", {"name": variable(key)})
        carried[key] = f"{given}.value"
        state[key] = Output("", "", carried[key])
    steps.rounds = Rounds(f"{talk}.value", carried)
    return StepWay(f"{talk}.value", [], True, state)


def again(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """The arrow back: the round is over, and nothing answers."""
    if steps.rounds is None:
        return steps.give_up(mapped, way, "It leads back to no step of the flow.")
    way = steps.texts.updated(mapped, way, "")
    steps.rounds.talks.append(steps.conversation(way))
    steps.rounds.states.append(way.state)
    return way


def loop(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """*Loop*: the steps from that one on, again and again until a round answers."""
    settings, draft = mapped.settings, steps.draft
    if "body_flow" not in settings:
        return steps.give_up(mapped, way, "It leads back to no step of the flow.")
    carried = {variable(key): key for key in settings.get("carried") or []}
    extra = [name for name in _asked(settings) if name not in carried and name != TALK]
    params = {
        "flow": settings["body_flow"],
        "state": {TALK: "messages", **dict.fromkeys(carried, "text")},
        "extra": extra, "until": ANSWER, "test": "is not empty", "most": settings["most"],
    }  # fmt: skip
    title = mapped.node.title or "Loop"
    made = draft.add(title, "logic.loop", params, mapped.node.at, title=title)
    draft.wire(steps.conversation(way), f"{made}.{TALK}")
    for name, key in carried.items():
        steps.texts.hang(way.state.get(key, PlainText("")), f"{made}.{name}", way)
    _hang_extra(steps, mapped, way, made, extra)
    mapped.pieces["it"] = made
    words = (
        f"the steps from there on are the flow {settings['body_flow']}, which Loop runs until a "
        f"round answers, at most {settings['most']} times; then the last words are the answer, "
        "where there a fixed message is"
    )
    steps.lowering.report.add("approximated", mapped.what, words, made)
    after = StepWay(f"{made}.{TALK}", [], True, {
        key: Output("", "", f"{made}.{name}") for name, key in carried.items()
    })  # fmt: skip
    steps.ends.append((steps.last_of(after.gate), after))
    return after


def _asked(settings: Any) -> list[str]:
    """What the body asks for, as its flow says; the importer lowers bodies first."""
    return [name for name, _ in settings.get("body_inputs") or []]


def _hang_extra(steps: Steps, mapped: Mapped, way: StepWay, made: str, names: list[str]) -> None:
    paths = {name: path for path, name in (mapped.settings.get("outer") or {}).items()}
    kinds = dict(mapped.settings.get("body_inputs") or [])
    for name in names:
        if name == "question":
            if kinds[name] == "messages":
                steps.lowering.talks.append((f"{made}.{name}", True))
            else:
                steps.texts.hang(CHAT, f"{made}.{name}", way)
        elif name in paths:
            source = steps.texts.source(mapped, way, Var(paths[name], double=True), {})
            steps.texts.hang(source, f"{made}.{name}", way)
        else:
            steps.texts.hang(NamedInput(name), f"{made}.{name}", way)


def each(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """*For each*: the steps inside, once for every item."""
    settings, draft = mapped.settings, steps.draft
    if "body_flow" not in settings:
        return steps.give_up(mapped, way, "There are no steps inside.")
    items = _items(steps, mapped, way)
    if not items:
        return steps.give_up(mapped, way, "Its items are no list that is known as JSON.")
    extra = [name for name in _asked(settings) if name != ITEM]
    params = {
        "flow": settings["body_flow"], "input": ITEM, "output": ANSWER, "extra": extra,
        "concurrency": 1, "on_item_error": "keep going",
    }  # fmt: skip
    title = mapped.node.title or "Iteration"
    made = draft.add(title, "logic.for_each", params, mapped.node.at, title=title)
    draft.wire(items, f"{made}.items")
    _hang_extra(steps, mapped, way, made, extra)
    joined = draft.add("results", "text.join", {"separator": "\n"})
    draft.wire(f"{made}.results", f"{joined}.texts")
    mapped.pieces["it"] = joined
    words = (
        f"the steps inside are the flow {settings['body_flow']}, which For each runs; what they "
        "write into the state stays inside"
    )
    steps.lowering.report.add("approximated", mapped.what, words, made)
    end = f"{joined}.text"
    if not followed(steps, step):
        steps.ends.append((end, way))
    return steps.texts.updated(mapped, way, end)


def _items(steps: Steps, mapped: Mapped, way: StepWay) -> str:
    """The end that gives the items: a list that is written down, or a value known as JSON."""
    text = mapped.settings.get("iterationInput")
    text = from_html(text).strip() if isinstance(text, str) else ""
    listed = READERS["json"](text)
    if isinstance(listed, list):
        written = json.dumps(listed, ensure_ascii=False).replace("`", "\\u0060")
        made = steps.draft.add("items", "data.transform", {"expression": f"`{written}`"})
        steps.draft.wire(steps.conversation(way), f"{made}.value")
        return f"{made}.result"
    source = steps.texts.value(mapped, way, text)
    return steps.texts.as_json(source.end) if isinstance(source, Output) else ""


def person(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """*Approve*: a person looks at the conversation, and it goes on by one of two ways."""
    settings, node = mapped.settings, mapped.node
    asked = from_html(str(settings.get("humanInputDescription") or "")).strip()
    fixed = settings.get("humanInputDescriptionType") != "dynamic"
    asked = asked if fixed and asked else "Do you want to proceed?"
    if "{{" in asked:
        asked = "Do you want to proceed?"
        fixed = False
    if not fixed:
        words = "what a model, or a reference, says to the person is a fixed question here"
        steps.lowering.report.add("approximated", mapped.what, words)
    shown = asked.replace("{", "{{").replace("}", "}}")
    last = way.said[-1].end if way.said else ""
    told = [StepWords(step, "asked", last, "assistant", "{it}\n\n" + shown)] if last else []
    talk = steps.conversation(way.after(*told))
    title = node.title or "Human Input"
    params = {"question": asked[:MAX_QUESTION], "carries": "messages"}
    made = steps.draft.add(title, "people.approve", params, node.at, title=title)
    steps.draft.wire(talk, f"{made}.value")
    mapped.pieces["it"] = made
    for index, port in enumerate(("approved", "rejected")):
        steps.ports[(step, str(index))] = f"{made}.{port}"
    steps.lowering.report.add("approximated", mapped.what, mapped.spec.differs, made)
    after = StepWay(f"{made}.approved", [], True, way.state)
    if settings.get("humanInputEnableFeedback") is not False:
        after = after.after(StepWords(step, "feedback", f"{made}.comment", "user"))
    return after
