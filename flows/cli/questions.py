"""A question on the terminal: what is asked, what to look at, and how it is answered."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.cli import say
from patchbay.flows.cli.figures import text_of
from patchbay.nodes.questions import ChoiceWanted, DecisionWanted, FormWanted, Question, question_of
from patchbay.nodes.units import timestamp

if TYPE_CHECKING:
    from patchbay.flows.runs.events import NodeAsked

WIDEST = 60
MOST_LINES = 40
WORDS = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no",
}  # fmt: skip


def put(run: str, event: NodeAsked, *, alone: bool) -> None:
    """Say what a run waits for, and how to answer."""
    question = known(event.asks)
    say.err("")
    for line in lines_of(event.asks, event.until):
        say.err(line)
    way = command(run, event.question, event.asks, alone=alone)
    say.err(f"    → {way}" if question is not None else "    → Install the plugin it needs first.")


def known(asks: Mapping[str, Any]) -> Question | None:
    """The question of a stored form; None where it holds a value of a plugin that is missing."""
    from patchbay.flows.runs.defaults import default_catalog

    try:
        return question_of(asks, default_catalog().value_types)
    except ValueError:
        return None


def lines_of(asks: Mapping[str, Any], until: float | None = None) -> list[str]:
    """A question as lines for people."""
    question = known(asks)
    whom = f" (for {asks['whom']})" if asks["whom"] else ""
    lines = [f"? {asks['title']}{whom}"]
    if until is not None:
        late = f", else {_default(question)}" if question and question.has_default else ""
        lines.append(f"  until {when(until)}{late}")
    if question is None:
        return lines
    wants = question.wants
    if isinstance(wants, DecisionWanted):
        import json

        lines.append(f"  {wants.tool}({json.dumps(wants.arguments, ensure_ascii=False)})")
    if question.value is not None:
        shown = text_of(question.value, WIDEST).splitlines()
        lines += [f"  | {line}" for line in shown[:MOST_LINES]]
        if len(shown) > MOST_LINES:
            lines.append(f"  | … {len(shown) - MOST_LINES} more lines")
    if isinstance(wants, ChoiceWanted):
        lines.append(f"  one of: {', '.join(wants.options)}")
    if isinstance(wants, FormWanted):
        lines += [f"  {name}: {about}" for name, about in fields_of(wants).items()]
    return lines


def command(run: str, question: str, asks: Mapping[str, Any], *, alone: bool) -> str:
    """The command that answers a question."""
    which = "" if alone else f" --question {shlex.quote(question)}"
    wants = asks["wants"]
    kind = wants["kind"]
    if kind == "choice":
        ways = f"--choose {shlex.quote(str(wants['options'][0]))}"
    elif kind == "form":
        names = wants["schema"].get("properties", {})
        ways = " ".join(f"--form {shlex.quote(f'{name}=…')}" for name in names)
    else:
        ways = {
            "approval": '--approve  (or --reject "why")',
            "edit": "--value @edited.txt",
            "decision": '--approve  (or --reject "why", --value @arguments.json, --respond "…")',
        }[kind]
    return f"patchbay answer {run}{which} {ways}"


def fields_of(form: FormWanted) -> dict[str, str]:
    """What each field of a form takes, in words."""
    required = form.schema.get("required", [])
    told = {}
    properties: Any = form.schema.get("properties", {})
    for name, part in properties.items():
        about = [type_words(part), str(part.get("description", ""))]
        if isinstance(required, list) and name not in required:
            about.append("may be left out")
        told[name] = "; ".join(text for text in about if text)
    return told


def type_words(part: Mapping[str, Any]) -> str:
    """What a part of a JSON Schema takes, in words."""
    if "enum" in part:
        return "one of " + ", ".join(map(str, part["enum"]))
    if "const" in part:
        return f"one of {part['const']}"
    if "anyOf" in part:
        return " or ".join(type_words(one) for one in part["anyOf"] if one.get("type") != "null")
    if part.get("type") == "array":
        return f"a list, each {type_words(part.get('items', {}))}"
    words = {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "yes or no",
    }
    return words.get(str(part.get("type", "")), "JSON")


def when(at: float) -> str:
    """A time as people write it."""
    return timestamp(at)


def _default(question: Question | None) -> str:
    from patchbay.flows.runs.inbox import said

    if question is None:
        return ""
    data = question.as_json()
    return f"{said({'value': data['default']})} is taken"
