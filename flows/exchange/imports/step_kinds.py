"""What becomes of each kind of step: asking, choosing a way, calling a tool, replying."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from patchbay.flows.exchange.imports.params import MISSING, READERS
from patchbay.flows.exchange.imports.references import CHAT, Output, ValueSource
from patchbay.flows.exchange.imports.step_ways import StepWay, StepWords
from patchbay.flows.exchange.imports.template import from_html, variable

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.mapped import Mapped
    from patchbay.flows.exchange.imports.steps import Steps

ORDERED = ("<", "<=", ">", ">=")
SPEAKING = frozenset(
    {"llm", "agent", "route", "condition", "reply", "loop", "each", "person", "again", "piece"}
)
"""Steps after which another one's words are no longer the last."""

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


def ask(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """A model, or an agent with tools, that hears the conversation and answers."""
    settings, lowering, node = mapped.settings, steps.lowering, mapped.node
    names: dict[str, ValueSource] = {}
    turns = [
        {"role": row["role"], "text": steps.texts.template(mapped, way, row["content"], names)}
        for row in settings.get("step_turns") or []
    ]
    user = settings.get("step_user") or ""
    remembers = bool(settings.get("step_memory"))
    if remembers:
        turns += steps.turns(way, names)
        _narrowed(steps, mapped)
    if user:
        turns.append({"role": "user", "text": steps.texts.template(mapped, way, user, names)})
    if not remembers and not any(turn["role"] == "user" for turn in turns):
        turns.append({"role": "user", "text": "{question}"})
        names["question"] = CHAT
    if way.gate and not remembers and CHAT not in names.values() and not way.said:
        words = "it does not read the question, so it runs whichever way is taken"
        lowering.report.add("approximated", mapped.what, words)
    title = node.title or node.type
    at = (node.at[0] - 300, node.at[1]) if node.at else None
    talk = steps.messages(f"{title} messages", turns, names, way, at)
    kind = "agent.react" if mapped.spec.step == "agent" else "model.ask"
    made = steps.draft.add(title, kind, {}, node.at, title=title)
    schema = READERS["schema"](settings.get("step_fields"))
    if kind == "model.ask" and schema is not MISSING:
        steps.draft.nodes[made]["params"]["json_schema"] = schema
    steps.draft.wire(talk, f"{made}.prompt")
    mapped.pieces["it"] = made
    lowering.report.add("mapped", mapped.what, f"prompt.chat, {kind}", made)
    _losses(steps, mapped, made)
    role = "user" if settings.get("step_role") == "userMessage" else "assistant"
    said = StepWords(step, variable(title), f"{made}.text", role)
    return steps.texts.updated(mapped, way, f"{made}.text").after(said)


def _narrowed(steps: Steps, mapped: Mapped) -> None:
    kind = str(mapped.settings.get("llmMemoryType") or mapped.settings.get("agentMemoryType") or "")
    told = mapped.settings.get("conversationHistorySelection")
    if kind in ("windowSize", "conversationSummary", "conversationSummaryBuffer") or (
        told in ("user_question", "last_message", "empty")
    ):
        words = "it hears the whole conversation, neither cut nor summed up"
        steps.lowering.report.add("approximated", mapped.what, words)


def _losses(steps: Steps, mapped: Mapped, made: str) -> None:
    code = mapped.settings.get("updateStateMemoryCode")
    by_code = any(
        key.startswith("selectedUpdateStateMemoryTab") and value == "updateStateMemoryCode"
        for key, value in mapped.settings.items()
    )
    if by_code and isinstance(code, str) and code.strip():
        words = "JavaScript writes the state there, which is never run here; see the note"
        steps.lowering.report.add("refused", mapped.what, words, made)
        at = mapped.node.at
        place = (at[0], at[1] + 180) if at else None
        steps.draft.note(f"{mapped.what}, what writes the state:\n\n{code}", place, color="gray")


def route(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """A model chooses among named ways."""
    names: dict[str, ValueSource] = {}
    cases: list[dict[str, Any]] = []
    taken: set[str] = set()
    for index, scenario in enumerate(mapped.settings.get("step_ways") or []):
        name = variable(str(scenario), taken)
        taken.add(name)
        cases.append({"name": name, "about": str(scenario)[:1900]})
        for handle in (str(index), camel(str(scenario))):
            steps.ports[(step, handle)] = name
    if not cases:
        return steps.give_up(mapped, way, "It names no ways.")
    told = mapped.settings.get("step_words") or ""
    instructions = steps.texts.template(mapped, way, told, names)
    asked = mapped.settings.get("step_input") or ""
    if names:  # instructions take no variables here: they go in front of what is looked at
        asked = f"{from_html(told)}\n\n{from_html(asked) or '{{ question }}'}"
        instructions = ""
    instructions = instructions.replace("{{", "{").replace("}}", "}")
    params = {
        "by": "model", "cases": cases, "instructions": instructions[:19_000],
        "none_fits": "end" in {w.output for w in steps.out(step)},
    }  # fmt: skip
    return _switch(steps, step, mapped, way, params, asked)


def condition(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """Conditions choose; those that look at another value are a switch behind the first."""
    rows = mapped.settings.get("step_conditions") or []
    if not rows:
        return steps.give_up(mapped, way, "It holds no conditions.")
    if any(OPERATIONS.get(str(row.get("operation", "")).lower()) is None for row in rows):
        return steps.give_up(mapped, way, "It looks at a value by a test that has no equal.")
    number, on = 0, way
    for value, group in groupby(rows, key=lambda row: str(row.get("value1"))):
        taken: set[str] = {"otherwise", "route"}
        cases = []
        for row in group:
            label = str(row.get("output") or f"way_{number + 1}")
            name = variable(label, taken)
            taken.add(name)
            cases.append(_case(name, row))
            for handle in (str(number), camel(label)):
                steps.ports[(step, handle)] = name
            number += 1
        _switch(steps, step, mapped, on, {"by": "conditions", "cases": cases}, value)
        on = way.through(f"{mapped.pieces['it']}.otherwise")
    for handle in (str(number), "end"):
        steps.ports[(step, handle)] = on.gate
    return way


def _case(name: str, row: Any) -> dict[str, Any]:
    test = OPERATIONS[str(row.get("operation", "")).lower()]
    operand: Any = from_html(str(row.get("value2") or row.get("value") or "")).strip()
    if test in ORDERED or row.get("type") == "number":
        operand = READERS["number"](operand)
    case = {"name": name, "test": test}
    if test not in ("is empty", "is not empty") and operand is not MISSING:
        case["operand"] = operand
    return case


def _switch(
    steps: Steps, step: str, mapped: Mapped, way: StepWay, params: dict[str, Any], text: str
) -> StepWay:
    node, draft = mapped.node, steps.draft
    title = node.title or node.type
    if way.whole:
        params["carries"] = "messages"
    made = draft.add(title, "logic.switch", params, node.at, title=title)
    mapped.pieces["it"] = made
    if way.whole:
        draft.wire(way.gate, f"{made}.value")
    else:
        steps.texts.hang(CHAT, f"{made}.value", way)
    names: dict[str, ValueSource] = {}
    template = steps.texts.template(mapped, way, text, names).strip() if text else ""
    template = template or "{question}"
    if template == "{question}":
        names["question"] = CHAT
    only = names.get(template.strip("{}")) if len(names) == 1 else None
    if isinstance(only, Output):
        draft.wire(_compared(steps, mapped, only.end, params), f"{made}.decide")
    elif template != "{question}" or way.whole:
        at = (node.at[0] - 300, node.at[1]) if node.at else None
        asked = draft.add("decide", "prompt.template", {"template": template}, at)
        for name, source in names.items():
            steps.texts.hang(source, f"{asked}.{name}", way)
        draft.wire(f"{asked}.text", f"{made}.decide")
    for key, port in list(steps.ports.items()):
        if key[0] == step and "." not in port:
            steps.ports[key] = f"{made}.{port}"
    steps.lowering.report.add("mapped", mapped.what, "logic.switch", made)
    return way


def _compared(steps: Steps, mapped: Mapped, end: str, params: dict[str, Any]) -> str:
    """What is looked at, as a number where it is compared with one: there a text is read as one."""
    if not any(case.get("test") in ORDERED for case in params["cases"]):
        return end
    number = steps.texts.as_number(end)
    if not number:
        words = "it compares a text as a number, which no case here does"
        steps.lowering.report.add("refused", mapped.what, words)
    return number or end


def call(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """A tool that is called as a step. What it gives is no part of the conversation."""
    names: dict[str, ValueSource] = {}
    rows = mapped.settings.get("step_arguments") or {}
    arguments = {k: steps.texts.template(mapped, way, v, names) for k, v in rows.items()}
    node = mapped.node
    title = node.title or node.type
    made = steps.draft.add(title, "tool.call", {"arguments": arguments}, node.at, title=title)
    for name, source in names.items():
        steps.texts.hang(source, f"{made}.{name}", way)
    mapped.pieces["it"] = made
    steps.lowering.report.add("mapped", mapped.what, "tool.call", made)
    if not followed(steps, step):
        steps.ends.append((f"{made}.text", way))
    return steps.texts.updated(mapped, way, f"{made}.text")


def reply(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """A text that answers."""
    names: dict[str, ValueSource] = {}
    told = mapped.settings.get("step_reply") or ""
    template = steps.texts.template(mapped, way, told, names)
    made = steps.draft.add("reply", "prompt.template", {"template": template}, mapped.node.at)
    for name, source in names.items():
        steps.texts.hang(source, f"{made}.{name}", way)
    steps.lowering.report.add("mapped", mapped.what, "io.output", made)
    mapped.pieces["it"] = made
    steps.ends.append((f"{made}.text", way))
    return way


def piece(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """A node of another kind in a row of steps: a search, a request, a flow."""
    asked = mapped.settings.get("retrieverQuery")
    for place in mapped.spec.chat:
        end = steps.lowering.endpoint(mapped, place)
        if end and isinstance(asked, str) and asked.strip():
            steps.texts.hang(steps.texts.value(mapped, way, asked), end, way)
        elif end:
            steps.texts.hang(CHAT, end, way)
    own = steps.lowering.outputs(step, "*").get("", "")
    way = steps.texts.updated(mapped, way, own)
    if mapped.node.type == "executeFlowAgentflow" and own:
        told = mapped.settings.get("executeFlowReturnResponseAs", "userMessage")
        role = "user" if told == "userMessage" else "assistant"
        return way.after(StepWords(step, variable(mapped.node.title or "flow"), own, role))
    return way


def finish(steps: Steps, step: str, mapped: Mapped, way: StepWay) -> StepWay:
    """The end behind a condition: what was said last is the answer on that way."""
    for source, handle in steps.before(step):
        if steps.steps[source].spec.step not in ("condition", "route"):
            continue
        before = steps.after[source]
        on = before.through(steps.ports.get((source, handle), before.gate))
        if on.said or on.whole:
            steps.ends.append((steps.last_of(steps.conversation(on)), on))
    return way


def followed(steps: Steps, step: str) -> bool:
    """Whether a step that says or does something comes after."""
    rows = (steps.steps.get(wire.target) for wire in steps.out(step))
    return any(other is not None and other.spec.step in SPEAKING for other in rows)


def camel(label: str) -> str:
    """Handles are labels in camel case there."""
    words = label.replace("-", " ").split()
    return "".join([words[0].lower(), *(w[:1].upper() + w[1:] for w in words[1:])]) if words else ""
