"""What is said in a record of a data set: a text, a message, or several of them.

Hubs have the same in many spellings: `role` and `content`, or `from` and `value`; a content that is
a list of parts; tool calls whose arguments are JSON text, and the older `function_call`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.io.records import Record, column
from patchbay.nodes.strict_json import once_each, parse_json
from patchbay.nodes.values import as_text

ROLES = ("system", "user", "assistant", "tool")
_ALIASES = {
    "human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant",
    "chatgpt": "assistant", "developer": "system", "function": "tool", "observation": "tool",
}  # fmt: skip
"""Names of roles in older data sets, and in those of other makers."""

SaidMessage = dict[str, Any]


def message_of(given: Mapping[str, Any], number: int, param: str) -> SaidMessage:
    """A message with a role that templates know.

    Args:
        given: as it stands in the record.
        number: of the record.
        param: that names the field.

    Raises:
        NodeError: the role is none, or the message holds more than text.
    """
    role = str(given.get("role") or given.get("from") or "").lower()
    role = _ALIASES.get(role, role)
    if role not in ROLES:
        raise _unreadable(
            f"A message of record {number} has the role {role!r}.",
            f"Roles are {', '.join(ROLES)}.",
            param,
        )
    content = given.get("content", given.get("value"))
    message: SaidMessage = {"role": role, "content": _content(content, number, param)}
    for name in ("name", "tool_call_id"):
        if given.get(name):
            message[name] = given[name]
    if calls := _calls(given, number, param):
        message["tool_calls"] = calls
    return message


def messages_in(value: object, number: int, param: str) -> list[SaidMessage] | None:
    """The messages that a value is: a list of them, one, or such a list as JSON text, which tables
    and ratings of conversations have. None where it is none."""
    given, fits = value, _names_a_role
    if isinstance(value, str):
        given, fits = loaded(value) if value.lstrip()[:1] == "[" else None, _is_message
    elif isinstance(value, Mapping):
        given = [value]
    if not isinstance(given, list) or not given or not all(map(fits, given)):
        return None
    return [message_of(one, number, param) for one in given]


def _names_a_role(given: object) -> bool:
    return isinstance(given, Mapping) and ("role" in given or "from" in given)


def _is_message(given: object) -> bool:
    """Whether it can be nothing else: a text that only looks like a message stays a text."""
    if not isinstance(given, Mapping):
        return False
    role = str(given.get("role") or given.get("from") or "").lower()
    says = {"content", "value", "tool_calls", "function_call"}
    return _ALIASES.get(role, role) in ROLES and bool(says & given.keys())


def asked_in(rows: list[Record], field: str, param: str, first: int = 1) -> list[list[SaidMessage]]:
    """One field of every record as what is asked: its messages, or its text as the person's.

    Raises:
        NodeError: a record lacks it, or holds messages that cannot be read.
    """
    texts = column(rows, field, "source", first)
    return [
        messages_in(row[field], number, param) or [{"role": "user", "content": text}]
        for number, (row, text) in enumerate(zip(rows, texts, strict=True), first)
    ]


def under(system: str, messages: Sequence[SaidMessage]) -> list[SaidMessage]:
    """The messages below a system text, where there is one and they have none."""
    if not system or (messages and messages[0]["role"] == "system"):
        return list(messages)
    return [{"role": "system", "content": system}, *messages]


def last_words(messages: Sequence[SaidMessage]) -> str:
    """What the person says last."""
    said = [one["content"] for one in messages if one["role"] == "user"]
    return str(said[-1]) if said else ""


def _content(content: object, number: int, param: str) -> str:
    """The text of a message; parts of text stand below each other, as templates write them."""
    if not isinstance(content, list) or not all(isinstance(part, Mapping) for part in content):
        return "" if content is None else as_text(content)
    texts = []
    for part in content:
        if not isinstance(part.get("text"), str):
            kind = part.get("type") or ", ".join(map(str, part)) or "nothing"
            raise _unreadable(
                f"A message of record {number} holds {kind!r} beside text; trainings read text.",
                "Give records of text alone.",
                param,
            )
        texts.append(part["text"])
    return "\n".join(texts)


def _calls(given: Mapping[str, Any], number: int, param: str) -> list[dict[str, Any]]:
    """The tool calls of a message, with arguments as the object that they are."""
    calls = given.get("tool_calls") or ()
    if not calls and isinstance(given.get("function_call"), Mapping):
        calls = [{"type": "function", "function": given["function_call"]}]
    calls = loaded(calls) if isinstance(calls, str) else calls
    if not isinstance(calls, (list, tuple)) or not all(isinstance(one, Mapping) for one in calls):
        raise _unreadable(
            f"A message of record {number} has tool calls that are no list of calls.",
            'A call is {"type": "function", "function": {"name": "…", "arguments": {…}}}.',
            param,
        )
    return [_with_object(one) for one in calls]


def _with_object(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call whose arguments are an object: servers write them as JSON text, and templates that
    make JSON of them would quote it a second time."""
    made = dict(call)
    inner = made.get("function")
    if isinstance(inner, Mapping):
        made["function"] = _with_object(inner)
    elif isinstance(arguments := made.get("arguments"), str):
        read = loaded(arguments)
        made["arguments"] = read if isinstance(read, dict) else arguments
    return made


def loaded(text: str) -> Any:
    """What a text is as JSON; the text where it is none."""
    try:
        return parse_json(text, once_each)
    except ValueError:
        return text


def _unreadable(message: str, fix: str, param: str) -> NodeError:
    return NodeError(message, fix=fix, param=param, code="training/no-messages", retry=False)
