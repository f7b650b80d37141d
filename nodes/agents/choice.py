"""A choice between tools and an answer as one JSON object: its schema, its prompt, reading it.

This is how a model without tool calls of its own is brought to make valid ones: where its backend
constrains what it writes by the schema, even a very small model can write nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.models.lenient_json import json_in

LONGEST = 200
"""Characters of one text argument. A small model that is not stopped never ends its text."""


@dataclass(frozen=True, slots=True)
class Function:
    """A tool as a model sees it. `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]

    @staticmethod
    def of(openai: Mapping[str, Any]) -> Function:
        """From OpenAI's form, in which LangChain and CrewAI describe tools."""
        inner = openai.get("function", openai)
        empty = {"type": "object", "properties": {}}
        parameters = inner.get("parameters") or empty
        return Function(str(inner["name"]), str(inner.get("description", "")), parameters)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the model chose: a tool with arguments, or (`tool` is empty) an answer.

    `wrong` says why a call cannot be read; then there is neither.
    """

    tool: str = ""
    arguments: Mapping[str, Any] | None = None
    answer: JsonValue = ""
    thought: str = ""
    wrong: str = ""


def schema(
    functions: Sequence[Function],
    answer: Mapping[str, Any] | None = None,
    *,
    must_call: bool = False,
) -> dict[str, Any]:
    """The JSON Schema of the choice.

    Args:
        answer: the schema of the answer; any text unless given.
        must_call: leave no choice but that of the tool.
    """
    calls = [
        _object({"tool": {"const": f.name}, "input": _bounded(f.parameters)}) for f in functions
    ]
    if must_call:
        return {"anyOf": calls}
    return {"anyOf": [*calls, _object({"answer": dict(answer or {"type": "string"})})]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _bounded(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of the arguments, with an end to its texts and without words for people."""
    kept = {k: v for k, v in parameters.items() if k not in ("title", "description")}
    properties = {
        name: {"maxLength": LONGEST, **part} if part.get("type") == "string" else dict(part)
        for name, part in parameters.get("properties", {}).items()
    }
    return {**kept, "type": "object", "properties": properties, "additionalProperties": False}


def instructions(functions: Sequence[Function]) -> str:
    """What the model is told about its tools and how to use them."""
    listed = "\n".join(f"- {f.name}: {f.description} Takes {form(f)}" for f in functions)
    first = functions[0]
    return (
        f"You can use these tools:\n{listed}\n\n"
        f'To use a tool, write {{"tool": "{first.name}", "input": {form(first)}}}\n'
        'When you know the answer, write {"answer": "..."}'
    )


def form(function: Function) -> str:
    """What the arguments of a tool look like, as JSON."""
    properties = function.parameters.get("properties", {})
    return json.dumps({name: _blank(part) for name, part in properties.items()})


def _blank(part: Mapping[str, Any]) -> JsonValue:
    blanks: dict[str, JsonValue] = {"number": 0, "integer": 0, "boolean": True, "array": []}
    kind = part.get("type")
    return blanks.get(kind, "...") if isinstance(kind, str) else "..."


def written(tool: str, arguments: Mapping[str, Any]) -> str:
    """A call as the model would have written it, for its history."""
    return json.dumps({"tool": tool, "input": dict(arguments)}, ensure_ascii=False)


def read(text: str, functions: Sequence[Function]) -> Choice:
    """What a model wrote: a call, an answer, or a call that cannot be read.

    A text that is no choice is an answer as it stands. Of an answer that was cut, what there is of
    it is kept.
    """
    found = _json(text)
    names = [f.name for f in functions]
    if isinstance(found, dict):
        thought = found.get("thought")
        spoken = thought if isinstance(thought, str) else ""
        if isinstance(tool := found.get("tool"), str) and tool:
            given = found.get("input", {})
            if tool not in names:
                return Choice(wrong=f"There is no tool {tool!r}. There are: {', '.join(names)}.")
            if not isinstance(given, dict):
                shown = json.dumps(given, ensure_ascii=False)
                return Choice(wrong=f'The "input" must be an object, not {shown}.')
            return Choice(tool, given, thought=spoken)
        if "answer" in found:
            return Choice(answer=found["answer"], thought=spoken)
    elif found is None and _CALL.search(text):
        return Choice(wrong="It is not JSON, or there is more than one object.")
    return Choice(answer=_rest(text))


_CALL = re.compile(r"""\{\s*["'](?:thought["'].*["'])?tool["']\s*:""", re.DOTALL)
"""The beginning of a choice, in quotes of whatever kind."""


def _json(text: str) -> Any:
    """The one value in it, read as every node reads JSON; None where there is none."""
    try:
        return json_in(text)
    except ValueError:
        return None


def _rest(text: str) -> str:
    """The beginning of an answer whose JSON was cut."""
    head, mark, tail = text.partition('"answer":')
    tail = tail.strip()
    if not mark or not tail.startswith('"') or not head.strip().startswith("{"):
        return text.strip()
    try:
        return str(json.loads(tail.rstrip("\\") + '"'))
    except ValueError:
        return tail.strip('"')
