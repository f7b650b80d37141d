"""What was said to a model and by it, in the form of the conventions' message schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


def asked_json(messages: Sequence[Any]) -> str:
    """LangChain's messages as `gen_ai.input.messages`; pictures by their kind only."""
    return _json([{"role": _role(message), "parts": _parts(message)} for message in messages])


def answer_json(text: str, calls: Sequence[tuple[str, str, str]], end: str) -> str:
    """An answer as `gen_ai.output.messages`."""
    parts: list[dict[str, Any]] = [_text(text)] if text or not calls else []
    parts += [_call(*call) for call in calls]
    return _json([{"role": "assistant", "parts": parts, "finish_reason": end}])


def tools_json(tools: Sequence[Mapping[str, Any]]) -> str:
    """Tools as `gen_ai.tool.definitions`."""
    functions = (tool.get("function", tool) for tool in tools)
    return _json([{"type": "function", **function} for function in functions])


def value_json(value: Any) -> str:
    """A value as JSON; what has no JSON as its text."""
    return value if isinstance(value, str) else _json(value)


def _role(message: Any) -> str:
    return _ROLES.get(message.type, str(message.type))


def _parts(message: Any) -> list[dict[str, Any]]:
    if message.type == "tool":
        given = {"type": "tool_call_response", "id": message.tool_call_id}
        return [{**given, "response": str(message.text)}]
    content = message.content
    blocks = [content] if isinstance(content, str) else content
    parts = [_part(block) for block in blocks if block != ""]
    calls = getattr(message, "tool_calls", None) or ()
    return parts + [_call(c["id"] or "", c["name"], c["args"]) for c in calls]


def _part(block: Any) -> dict[str, Any]:
    if isinstance(block, str):
        return _text(block)
    if block.get("type") == "text":
        return _text(str(block.get("text", "")))
    return _text(f"[{block.get('type', 'part')}]")


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "content": text}


def _call(id: str, name: str, arguments: Any) -> dict[str, Any]:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = {"unreadable": arguments}
    return {"type": "tool_call", "id": id or None, "name": name, "arguments": arguments}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
