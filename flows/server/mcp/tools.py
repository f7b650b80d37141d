"""A flow as a tool: its name, its schemas, and what it gives as content."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from mcp import types

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.server.core.asked import RunRequest, safe
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.core.uploads import Uploads, plain_name
from patchbay.flows.server.http.openapi import inputs_schema, outputs_schema
from patchbay.flows.server.openai.answering import Answering
from patchbay.nodes.values import Document, Picture, encode

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_FILE = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "A plain file name."},
        "data": {"type": "string", "description": "The content, in base64."},
    },
    "required": ["name", "data"],
}


def tool_name(flow: ServedFlow) -> str:
    """The name of a flow as tools may be called: at most 64 signs without spaces."""
    return _NOT_IN_NAMES.sub("_", flow.name)[:64]


def by_tool(flows: Iterable[ServedFlow]) -> dict[str, ServedFlow]:
    """The flows by the names of their tools. Of those that come to one name, the flow that is
    called so has it, and the others get a number."""
    found: dict[str, ServedFlow] = {}
    for flow in sorted(flows, key=lambda flow: (tool_name(flow) != flow.name, flow.name)):
        name, number = tool_name(flow), 1
        while name in found:
            number += 1
            name = f"{tool_name(flow)[:60]}_{number}"
        found[name] = flow
    return found


def tool_of(flow: ServedFlow, name: str) -> types.Tool:
    """A flow as a tool of this name."""
    schema = inputs_schema(flow)
    for asks in flow.inputs.values():
        if asks.kind == "file":
            known = schema["properties"][asks.name]
            schema["properties"][asks.name] = {**known, **_FILE}
            schema["properties"][asks.name].pop("format", None)
    return types.Tool(
        name=name,
        title=flow.title,
        description=flow.description or flow.title,
        inputSchema=schema,
        outputSchema=outputs_schema(flow),
    )


def request_for(flow: ServedFlow, given: Mapping[str, Any], run: str) -> RunRequest:
    """The inputs of a call.

    Raises:
        FlowError: one does not fit.
        RefusedError: a file has a name that leads elsewhere.
    """
    asked = RunRequest()
    try:
        for name, value in given.items():
            asks = flow.inputs.get(name)
            if asks is not None and asks.kind == "file":
                asked.uploads = asked.uploads or Uploads(run)
                value = asks.parse(_kept(asked.uploads, name, value))
            asked.inputs[name] = value if asks is None else safe(asks, value)
    except BaseException:
        asked.forget()
        raise
    return asked


def _kept(uploads: Uploads, name: str, value: Any) -> Any:
    try:
        file, data = value["name"], base64.b64decode(value["data"], validate=True)
    except (TypeError, KeyError, ValueError, binascii.Error):
        message = f'The input "{name}" takes a file.'
        fix = 'Give {"name": "notes.txt", "data": "…"} with the content in base64.'
        raise FlowError([Problem("input/invalid", message, fix)]) from None
    path = uploads.place(plain_name(str(file)))
    path.write_bytes(data)
    return path


def content_of(answering: Answering, outputs: Mapping[str, Any]) -> list[types.ContentBlock]:
    """What a run gave: its answer as text, pictures, and its sources as resources."""
    found: list[types.ContentBlock] = []
    pictures = [value for value in outputs.values() if isinstance(value, Picture)]
    if text := answering.text({n: v for n, v in outputs.items() if not isinstance(v, Picture)}):
        found.append(types.TextContent(type="text", text=text))
    found += [
        types.ImageContent(type="image", data=picture.data, mimeType=picture.media)
        for picture in pictures
    ]
    found += _resources(answering.sources(outputs))
    return found


def _resources(sources: Iterable[Document]) -> list[types.ContentBlock]:
    found: list[types.ContentBlock] = []
    for number, source in enumerate(sources, 1):
        named = source.metadata.get("url") or source.metadata.get("source") or f"source {number}"
        uri = str(named)
        if not uri.startswith(("http://", "https://")):
            uri = f"source:///{quote(uri.replace(chr(92), '/').rpartition('/')[2])}"
        held = types.TextResourceContents(uri=uri, mimeType="text/plain", text=source.text)
        found.append(types.EmbeddedResource(type="resource", resource=held))
    return found


def structured(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs by name, as JSON."""
    return {name: encode(value) for name, value in outputs.items()}
