"""The description of a server's own addresses (OpenAPI 3.1), and a page that shows it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.core.version import version_of_ours
from patchbay.nodes.contract import InputField
from patchbay.nodes.values import encode

_MESSAGE = {
    "type": "object",
    "properties": {
        "role": {"enum": ["system", "user", "assistant", "tool"]},
        "content": {"type": "string"},
    },
    "required": ["role", "content"],
}
_DOCUMENT = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "metadata": {"type": "object"}},
    "required": ["text"],
}
_KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "choice": {"type": "string"},
    "json": {},
    "messages": {"anyOf": [{"type": "string"}, {"type": "array", "items": _MESSAGE}]},
    "documents": {
        "anyOf": [
            {"type": "string"},
            _DOCUMENT,
            {"type": "array", "items": {"anyOf": [{"type": "string"}, _DOCUMENT]}},
        ]
    },
    "file": {"type": "string", "format": "binary"},
}


def input_schema(asks: InputField) -> dict[str, Any]:
    """The JSON Schema of what may be given for an input."""
    schema = dict(_KINDS.get(asks.kind, {}))
    if asks.choices:
        schema["enum"] = list(asks.choices)
    if asks.description:
        schema["description"] = asks.description
    if not asks.required:
        schema["default"] = encode(asks.default)
    return schema


def inputs_schema(flow: ServedFlow, *, files: bool = True) -> dict[str, Any]:
    """The JSON Schema of all inputs of a flow."""
    taken = [asks for asks in flow.inputs.values() if files or asks.kind != "file"]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {asks.name: input_schema(asks) for asks in taken},
        "additionalProperties": False,
    }
    if needed := [asks.name for asks in taken if asks.required]:
        schema["required"] = needed
    return schema


def outputs_schema(flow: ServedFlow) -> dict[str, Any]:
    """The JSON Schema of what a flow gives. An output may be left out: its branch was not taken."""
    properties = {
        name: {**_given(flow, name), **({"description": text} if text else {})}
        for name, text in flow.outputs.items()
    }
    return {"type": "object", "properties": properties}


_GIVEN: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "messages": {"type": "array", "items": _MESSAGE},
    "documents": {"type": "array", "items": _DOCUMENT},
}
"""What a value of a port's type is as JSON; others are of any form."""


def _given(flow: ServedFlow, output: str) -> dict[str, Any]:
    """What an output is for certain; {} where its wires do not say."""
    types = flow.types_of(output)
    return _GIVEN.get(types.pop(), {}) if len(types) == 1 else {}


_BODIES: dict[str, dict[str, Any]] = {
    "/answer": {
        "question": {"type": "string", "description": "Which one, where there are several."},
        "approve": {"type": "boolean", "description": "Yes or no."},
        "reject": {"type": "string", "description": "No, and why."},
        "choose": {"type": "string", "description": "One of the options."},
        "value": {"description": "What is edited, as it should be; or a tool's arguments."},
        "respond": {"type": "string", "description": "What a tool is said to have given."},
        "form": {"type": "object", "description": "The fields."},
        "comment": {"type": "string"},
        "who": {"type": "string", "description": "For whom it is answered."},
    },
    "/feedback": {"rating": {"enum": [1, 0, -1]}, "comment": {"type": "string"}},
}
"""What is sent to addresses of a run; of an answer exactly one of the six ways."""


def document(flows: Iterable[ServedFlow]) -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, Any] = {}
    for flow in flows:
        paths[f"/flows/{flow.in_address}/run"] = {"post": _operation(flow)}
    run = {"name": "run", "in": "path", "required": True, "schema": {"type": "string"}}
    for name, method, text in (
        ("", "get", "How a run stands"),
        ("/events", "get", "The events of a run; Last-Event-ID goes on where the line broke"),
        ("/cancel", "post", "Stop a run"),
        ("/answer", "post", "Answer a question of a run"),
        ("/resume", "post", "Go on with a run that was interrupted"),
        ("/feedback", "post", "Keep a thumb and a comment"),
    ):
        said: dict[str, Any] = {"summary": text, "parameters": [run], "responses": _responses({})}
        if name in _BODIES:
            schema = {"type": "object", "properties": _BODIES[name]}
            said["requestBody"] = {"content": {"application/json": {"schema": schema}}}
        paths["/runs/{run}" + name] = {method: said}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Flows", "version": version_of_ours()},
        "paths": paths,
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{"key": []}],
    }


def _operation(flow: ServedFlow) -> dict[str, Any]:
    schema = inputs_schema(flow)
    words = {
        "stream": {"type": "boolean", "default": False, "description": "Server-sent events."},
        "background": {"type": "boolean", "default": False, "description": "Answer at once."},
        "thread": {"type": "string", "description": "The conversation that it is a turn of."},
    }
    own = {name: word for name, word in words.items() if name not in flow.inputs}
    schema = {**schema, "properties": {**schema["properties"], **own}}
    forms = {"multipart/form-data": {"schema": schema}}
    if not any(asks.kind == "file" and asks.required for asks in flow.inputs.values()):
        forms = {"application/json": {"schema": schema}, **forms}
    return {
        "operationId": f"run_{flow.name}",
        "summary": flow.title,
        "description": flow.description,
        "requestBody": {"content": forms, "required": bool(flow.needs)},
        "responses": _responses(outputs_schema(flow)),
    }


def _responses(outputs: dict[str, Any]) -> dict[str, Any]:
    result = {
        "type": "object",
        "properties": {
            "run": {"type": "string"},
            "flow": {"type": "string"},
            "status": {"type": "string"},
            "outputs": outputs,
            "seconds": {"type": "number"},
            "tokens": {"type": "object"},
        },
    }
    problem = {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "fix": {"type": "string"},
                    "node": {"type": "string"},
                },
                "required": ["code", "message"],
            }
        },
    }
    ok = {"application/json": {"schema": result}}
    bad = {"application/json": {"schema": problem}}
    return {
        "200": {"description": "It finished.", "content": ok},
        "202": {"description": "It works in the background, or waits for a person.", "content": ok},
        "4XX": {"description": "It was refused, and why.", "content": bad},
        "5XX": {"description": "It failed, and why.", "content": bad},
    }


def page(title: str = "Flows") -> str:
    """A page that shows the description: it asks for the key, and nothing of another site."""
    return _PAGE.replace("{title}", escape(title))


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/assets/docs.css">
<main><h1>{title}</h1>
<p>Every flow that is served here, with what it takes and gives; also as
<a href="/openapi.json">/openapi.json</a>.</p>
<form id="key"><label>Key <input name="key" type="password" autocomplete="off"></label>
<button>Show</button></form><p id="said" role="status"></p><div id="flows"></div></main>
<script src="/assets/docs.js"></script></html>
"""
