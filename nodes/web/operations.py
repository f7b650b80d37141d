"""The operations of an OpenAPI document, read as data. No address in it is opened."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from patchbay.nodes.errors import NodeError
from patchbay.nodes.tools.send import HttpCall
from patchbay.nodes.values import as_text
from patchbay.nodes.web.api_document import (
    CannotBeSent,
    SchemasOf,
    as_list,
    as_object,
    followed,
)

METHODS = ("get", "post", "put", "patch", "delete")
_IN_PATH = re.compile(r"\{([^{}]+)\}")
_JSON = re.compile(r"application/(.+\+)?json(;.*)?", re.IGNORECASE)


@dataclass(frozen=True)
class ApiParameter:
    """One argument: where it goes, and its JSON Schema."""

    name: str
    place: str
    required: bool
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class ListedOperation:
    """One thing that an interface can do, as it stands in the document.

    `shared` is what stands beside it, under the same path.
    """

    name: str
    method: str
    path: str
    raw: Mapping[str, Any]
    shared: Mapping[str, Any]


@dataclass(frozen=True)
class ApiOperation:
    """One thing that an interface can do, with what it takes."""

    name: str
    method: str
    path: str
    about: str
    parameters: tuple[ApiParameter, ...] = ()
    body: Mapping[str, Any] | None = None
    body_required: bool = False
    server: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Parameter → the name of the argument that a model fills."""

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments, for a model."""
        properties: dict[str, Any] = {}
        for one in self.parameters:
            properties[self.arguments[f"{one.place}/{one.name}"]] = dict(one.schema)
        if self.body is not None:
            properties["body"] = dict(self.body)
        return {"type": "object", "properties": properties, "required": self._required()}

    def _required(self) -> list[str]:
        names = [self.arguments[f"{p.place}/{p.name}"] for p in self.parameters if p.required]
        return [*names, "body"] if self.body is not None and self.body_required else names

    def call(self, base: str, given: Mapping[str, Any]) -> HttpCall:
        """The request that the arguments make; those of a path cannot leave their place.

        Raises:
            NodeError: one that must be there is missing.
        """
        if lacking := [name for name in self._required() if given.get(name) is None]:
            words = f"{self.name} needs {', '.join(lacking)}."
            raise NodeError(words, code="tool/failed", retry=False)
        path, query, headers = self.path, [], {}
        for one in self.parameters:
            value = given.get(self.arguments[f"{one.place}/{one.name}"])
            if value is None:
                continue
            match one.place:
                case "path":
                    text = quote(as_text(value), safe="")
                    text = {".": "%2E", "..": "%2E%2E"}.get(text, text)
                    path = path.replace(f"{{{one.name}}}", text)
                case "query":
                    items = value if isinstance(value, list) else [value]
                    query += [(one.name, as_text(item)) for item in items]
                case "header":
                    headers[one.name] = as_text(value)
        url = f"{base.rstrip('/')}{path}"
        if query:
            url += f"?{urlencode(query)}"
        body = None
        if self.body is not None and given.get("body") is not None:
            body = json.dumps(given["body"], ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
        return HttpCall(self.method.upper(), url, headers, body)


def listed(data: Mapping[str, Any]) -> list[ListedOperation]:
    """The operations of a document, in its order, each with a name of its own.

    Raises:
        NotOpenApi: a reference leads nowhere, or out of the document.
    """
    found: list[ListedOperation] = []
    taken: set[str] = set()
    for path, item in data["paths"].items():
        shared = as_object(followed(data, item))
        for method in METHODS:
            if not isinstance(raw := shared.get(method), dict):
                continue
            wanted = tool_name(str(raw.get("operationId") or f"{method}_{path}"))
            name, number = wanted, 1
            while name in taken:
                number += 1
                name = f"{wanted[:56]}_{number}"
            taken.add(name)
            found.append(ListedOperation(name, method, str(path), raw, shared))
    return found


def operation(data: Mapping[str, Any], one: ListedOperation, source: str = "") -> ApiOperation:
    """What an operation takes.

    Args:
        data: the document.
        one: the operation.
        source: where it was read, from which a relative address of a server starts.

    Raises:
        NotOpenApi: a reference leads nowhere, or out of the document.
        CannotBeSent: it must be sent something else than JSON.
    """
    schemas = SchemasOf(data)
    parameters = tuple(_parameters(data, one, schemas))
    body = as_object(followed(data, one.raw.get("requestBody")))
    content = as_object(body.get("content"))
    media = next((m for m in content if _JSON.fullmatch(str(m))), None)
    if content and media is None and body.get("required"):
        kinds = ", ".join(str(m) for m in content)[:100]
        raise CannotBeSent(f"The operation {one.name!r} takes {kinds}, and only JSON can be sent.")
    schema = schemas.inlined(as_object(content[media]).get("schema")) if media else None
    about = one.raw.get("summary") or one.raw.get("description")
    return ApiOperation(
        name=one.name,
        method=one.method,
        path=one.path,
        about=" ".join(str(about or f"{one.method.upper()} {one.path}").split())[:1000],
        parameters=parameters,
        body=schema,
        body_required=bool(body.get("required")),
        server=_server(data, source),
        arguments=_arguments(parameters),
    )


def _parameters(
    data: Mapping[str, Any], one: ListedOperation, schemas: SchemasOf
) -> Iterator[ApiParameter]:
    """Those of the operation, which stand before those of its path, and those that only the path
    names."""
    given = [*as_list(one.shared.get("parameters")), *as_list(one.raw.get("parameters"))]
    by_place = {
        (str(known.get("in")), str(known["name"])): known
        for known in (as_object(followed(data, each)) for each in given)
        if isinstance(known.get("name"), str)
    }
    for name in _IN_PATH.findall(one.path):
        by_place.setdefault(("path", name), {})
    for (place, name), known in by_place.items():
        if place == "path" and f"{{{name}}}" not in one.path:
            continue
        if place in ("path", "query", "header"):
            schema = schemas.inlined(known.get("schema") or {"type": "string"})
            about = known.get("description")
            schema |= {"description": str(about)[:500]} if about else {}
            yield ApiParameter(name, place, bool(known.get("required") or place == "path"), schema)


def _arguments(parameters: tuple[ApiParameter, ...]) -> dict[str, str]:
    """Names that every provider of models takes, unlike each other and unlike `body`."""
    taken: dict[str, str] = {}
    for one in parameters:
        name = re.sub(r"[^A-Za-z0-9_]", "_", one.name)[:50] or "argument"
        while name in taken.values() or name == "body":
            name = f"{one.place}_{name}"
        taken[f"{one.place}/{one.name}"] = name
    return taken


def _server(data: Mapping[str, Any], source: str) -> str:
    first = as_object(next(iter(as_list(data.get("servers"))), None))
    url = str(first.get("url", ""))
    for name, about in as_object(first.get("variables")).items():
        url = url.replace(f"{{{name}}}", str(as_object(about).get("default", "")))
    return urljoin(source, url) if source else url


def tool_name(text: str) -> str:
    """A name that models can call."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:60]
    return name if name[:1].isalpha() else f"op_{name}"
