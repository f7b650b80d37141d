"""Calls of tools: which of them can be read, and what a model is told about one that cannot.

The raw text decides. Nothing is repaired or completed: a call that is not what it should be is
never run, and the model, which alone knows what it meant, is told and makes it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from patchbay.nodes.agents.choice import Function, form
from patchbay.nodes.agents.heard import Heard, RawCall
from patchbay.nodes.errors import NodeError
from patchbay.nodes.strict_json import parse_once_each

LONGEST = 500
"""Characters of a call that is shown because it could not be read."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A turn that is neither an answer nor calls that can be run.

    Args:
        why: what is wrong, as the end of "could not be read: …".
        raw: what the model wrote.
        told: how the talk goes on: what it said, and what it is told about that.
    """

    why: str
    raw: str
    told: tuple[BaseMessage, ...]

    def note(self) -> str:
        """For the person."""
        return f"A call could not be read, so that it was not run: {self.why} It wrote: {self.raw}"

    def failure(self, who: str) -> NodeError:
        """There are no more turns in which it could be made again."""
        return NodeError(
            f"{who} came to no answer: its last call could not be read. {self.why} "
            f"It wrote: {self.raw}",
            fix="Allow more turns, raise the model's max tokens, or take a model that calls tools.",
            code="agent/unreadable-call",
        )


def arguments_of(raw: str, function: Function | None) -> dict[str, Any]:
    """The arguments of a call.

    A JSON text that holds the JSON of an object counts as that object: some servers (vLLM with a
    required call) write it so. No arguments at all are fine where the tool needs none.

    Raises:
        ValueError: they are no JSON object, in words for the model.
    """
    needs = function is not None and bool(function.parameters.get("required"))
    if not raw.strip():
        if needs:
            raise ValueError("The arguments are missing.")
        return {}
    try:
        found = _json(raw)
        if isinstance(found, str):
            found = _json(found)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The arguments are not JSON ({_why(error)}).") from None
    if found is None and not needs:
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"The arguments are {_kind(found)}, not a JSON object.")
    return found


def _json(raw: str) -> Any:
    """JSON that can mean one thing only, and can be sent on.

    Raises:
        ValueError: an object says a name twice, a text holds half a character, or it is no JSON.
    """
    found = parse_once_each(raw)
    json.dumps(found, ensure_ascii=False).encode()  # a half character cannot be
    return found


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "a text holds half a character"
    return str(error) if isinstance(error, ValueError) else "nested too deep"


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def read_calls(
    heard: Heard, functions: Sequence[Function], made: int
) -> tuple[list[dict[str, Any]], Trouble | None]:
    """The calls of a turn as LangChain has them, or what is wrong with them.

    Of a turn that was cut none is run, nor of one in which any call cannot be read.

    Args:
        heard: what the model said; it has calls.
        functions: the tools that there are.
        made: calls made before, which give a call without an id its own.
    """
    known = {function.name: function for function in functions}
    read: list[dict[str, Any]] = []
    wrong: dict[int, str] = {}
    for number, call in enumerate(heard.calls):
        try:
            if not call.name:
                raise ValueError("It names no tool.")
            arguments = arguments_of(call.arguments, known.get(call.name))
        except ValueError as error:
            wrong[number] = str(error)
            arguments = {}
        read.append({"name": call.name, "args": arguments, "id": call.id, "type": "tool_call"})
    _identify(read, made)
    if heard.cut:
        wrong = dict.fromkeys(range(len(read)), CUT_SHORT)
    if not wrong:
        return read, None
    return [], _unread(heard, read, wrong, known)


CUT_SHORT = (
    "It was cut at the limit of tokens before it was complete. Write less, and make the call first."
)


def _identify(read: list[dict[str, Any]], made: int) -> None:
    """Give an id to each call that has none, or the one of another."""
    seen: set[str] = set()
    for number, call in enumerate(read, made + 1):
        if not call["id"] or call["id"] in seen:
            call["id"] = f"call_{number}"
        seen.add(call["id"])


def _unread(
    heard: Heard, read: list[dict[str, Any]], wrong: dict[int, str], known: dict[str, Function]
) -> Trouble:
    raw = shown("; ".join(f"{call.name} {call.arguments}".strip() for call in heard.calls))
    why = next(iter(wrong.values()))
    if not all(call["name"] in known for call in read):
        said = AIMessage(heard.text or raw)
        return Trouble(why, raw, (said, HumanMessage(_please(why, known.values()))))
    # Servers parse the arguments of earlier calls, so that the raw text cannot be sent back as is.
    echo = [{**call, "args": {} if number in wrong else call["args"]}
            for number, call in enumerate(read)]  # fmt: skip
    told = [
        ToolMessage(
            _to_call(heard.calls[number], wrong.get(number), known[call["name"]]),
            tool_call_id=call["id"],
            name=call["name"],
        )
        for number, call in enumerate(read)
    ]
    return Trouble(why, raw, (AIMessage(heard.text, tool_calls=echo), *told))


def _to_call(call: RawCall, wrong: str | None, function: Function) -> str:
    if wrong is None:
        return "Error: this call was not run, since another one of the same turn cannot be read."
    return (
        f"Error: this call cannot be read and was not run. {wrong} You wrote: "
        f"{shown(call.arguments)} Call {function.name} again, with the arguments as one JSON "
        f"object like {form(function)}"
    )


def _please(why: str, functions: Iterable[Function]) -> str:
    names = ", ".join(function.name for function in functions)
    return f"Your call cannot be read and was not run. {why} Call one of these tools: {names}."


def shown(raw: str) -> str:
    """What a model wrote, for a message: not too much of it."""
    text = raw.strip()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


# --- calls written as text ------------------------------------------------------------------------

_MARKS = (
    "<tool_call", "<function_call", "<function=", "<|python_tag|>", "[TOOL_CALLS]", "<invoke ",
    "<|tool_call", "<｜tool", "<tool_use", "<function_calls", "to=functions.",
)  # fmt: skip
"""How models of different makers begin a call that their server should have read."""

_NAMES = ("name", "tool", "tool_name", "function", "action")
_INPUTS = ("arguments", "parameters", "input", "args", "action_input", "tool_input")
_FENCE = re.compile(r"^\s*```\w*\s*|\s*```\s*$")


def written_call(text: str, names: Collection[str]) -> str:
    """The call of a known tool that a text is, in place of an answer; empty if it is none.

    Whatever stands before the call does not make it an answer; a call in the middle of prose is
    talked about, not made.
    """
    if not names or not any(name in text for name in names):
        return ""
    for mark in _MARKS:
        if (at := text.find(mark)) >= 0 and any(name in text[at:] for name in names):
            return shown(text[at:])
    bare = _FENCE.sub("", text).strip()
    listed = "|".join(re.escape(name) for name in names)
    if re.fullmatch(rf"\[?\s*(?:{listed})\s*\(.*\)\s*\]?", bare, re.DOTALL):
        return shown(bare)
    if re.search(rf"^\s*Action\s*:\s*(?:{listed})\s*$", text, re.MULTILINE):
        return shown(text)
    return _json_call(bare, names, listed)


def _json_call(text: str, names: Collection[str], listed: str) -> str:
    keys = "|".join(_NAMES)
    begins = rf'[\[{{]?\s*\{{?\s*"(?:{keys}|type|tool_calls|id)"'
    for match in re.finditer(r"(?:^|\n|`{3}\w*\s)\s*([\[{])", text):
        rest = text[match.start(1) :].rstrip("` \n")
        try:
            found, end = json.JSONDecoder().raw_decode(rest)
        except (ValueError, RecursionError):
            named = rf'"(?:{keys})"\s*:\s*"(?:{listed})"'
            if re.match(begins, rest) and re.search(named, rest):  # cut, or in single quotes
                return shown(rest)
            continue
        if not rest[end:].strip() and _is_call(found, names):
            return shown(rest)
    return ""


def _is_call(value: Any, names: Collection[str]) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_call(item, names) for item in value)
    if not isinstance(value, dict):
        return False
    inner = value.get("function")
    if isinstance(inner, dict):
        return _is_call(inner, names)
    if isinstance(value.get("tool_calls"), list):
        return _is_call(value["tool_calls"], names)
    named = any(value.get(key) in names for key in _NAMES if isinstance(value.get(key), str))
    return named and any(key in value for key in _INPUTS)


def as_text_trouble(text: str, names: Collection[str], *, cut: bool) -> str:
    """What is wrong with a call in CrewAI's text format; empty where there is none, or it is fine.

    CrewAI itself would repair its arguments and run the call, however they look.
    """
    if "Final Answer:" in text:
        return ""
    found = re.search(r"Action\s*:\s*(.*?)\s*\n\s*Action\s*Input\s*:\s*(.*)", text, re.DOTALL)
    if found is None:
        return CUT_SHORT if cut and re.search(r"^\s*Action\s*:", text, re.MULTILINE) else ""
    if cut:
        return CUT_SHORT
    raw = found[2].partition("\nObservation")[0].strip()
    try:
        arguments_of(raw, None)
    except ValueError as error:
        return str(error)
    return ""
