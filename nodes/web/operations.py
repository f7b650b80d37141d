"""The operations of an OpenAPI document, read as data. No address in it is opened."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from patchbay.nodes.tools.send import HttpCall
from patchbay.nodes.values import as_text

METHODS = ("get", "post", "put", "patch", "delete")
MAX_OPERATIONS = 200
_MAX_DEPTH = 30


class NotOpenApi(ValueError):  # noqa: N818 - it is told as it is
    """A document is no OpenAPI document; the text says why."""


@dataclass(frozen=True)
class ApiParameter:
    """One argument: where it goes, and its JSON Schema."""

    name: str
    place: str
    required: bool
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class ApiOperation:
    """One thing that an interface can do."""

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
        required = []
        for one in self.parameters:
            name = self.arguments[f"{one.place}/{one.name}"]
            properties[name] = dict(one.schema)
            if one.required:
                required.append(name)
        if self.body is not None:
            properties["body"] = dict(self.body)
            if self.body_required:
                required.append("body")
        return {"type": "object", "properties": properties, "required": required}

    def call(self, base: str, given: Mapping[str, Any]) -> HttpCall:
        """The request that the arguments make; those of a path cannot leave their place."""
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


def parse(text: str) -> dict[str, Any]:
    """A document, in JSON or YAML.

    Raises:
        NotOpenApi: it is none, or of a version that is not read.
    """
    import yaml  # type: ignore[import-untyped]

    try:
        data = json.loads(text)
    except ValueError:
        try:
            data = yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise NotOpenApi(
                f"It is neither JSON nor YAML: {' '.join(str(error).split())[:200]}"
            ) from None
    except RecursionError:
        raise NotOpenApi("It is nested too deeply.") from None
    if not isinstance(data, dict) or not isinstance(data.get("paths"), dict):
        raise NotOpenApi("It has no `paths`.")
    if not str(data.get("openapi", "")).startswith("3."):
        raise NotOpenApi("It is not of OpenAPI 3; convert it first.")
    return data


def operations(data: Mapping[str, Any], source: str = "") -> list[ApiOperation]:
    """The operations of a document, in its order.

    Args:
        data: the document.
        source: where it was read, from which a relative address of a server starts.

    Raises:
        NotOpenApi: a reference leads nowhere, or out of the document.
    """
    found: list[ApiOperation] = []
    for path, item in data["paths"].items():
        for method, raw in _methods(_followed(data, item)):
            if len(found) == MAX_OPERATIONS:
                raise NotOpenApi(f"It has more than {MAX_OPERATIONS} operations.")
            found.append(_operation(data, str(path), method, raw, item, source))
    return found


def _methods(item: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for method in METHODS:
        if isinstance(item, dict) and isinstance(item.get(method), dict):
            yield method, item[method]


def _operation(
    data: Mapping[str, Any], path: str, method: str, raw: Mapping[str, Any], item: Any, source: str
) -> ApiOperation:
    given = [
        _followed(data, one) for one in (*item.get("parameters", ()), *raw.get("parameters", ()))
    ]
    by_place = {(one.get("in"), one.get("name")): one for one in given if isinstance(one, dict)}
    parameters = tuple(
        ApiParameter(
            str(name),
            str(place),
            bool(one.get("required") or place == "path"),
            _described(data, one),
        )
        for (place, name), one in by_place.items()
        if place in ("path", "query", "header")
    )
    body = _followed(data, raw.get("requestBody"))
    content = body.get("content", {}) if isinstance(body, dict) else {}
    media = next((m for m in content if re.fullmatch(r"application/(.+\+)?json", m)), None)
    schema = _inlined(data, content[media].get("schema", {}), 0) if media else None
    about = str(raw.get("summary") or raw.get("description") or f"{method.upper()} {path}")
    return ApiOperation(
        name=tool_name(str(raw.get("operationId") or f"{method}_{path}")),
        method=method,
        path=path,
        about=" ".join(about.split())[:1000],
        parameters=parameters,
        body=schema,
        body_required=bool(isinstance(body, dict) and body.get("required")),
        server=_server(data, source),
        arguments=_arguments(parameters),
    )


def _arguments(parameters: tuple[ApiParameter, ...]) -> dict[str, str]:
    """Names that are unlike each other and unlike `body`."""
    taken: dict[str, str] = {}
    for one in parameters:
        name = re.sub(r"\W", "_", one.name) or "argument"
        while name in taken.values() or name == "body":
            name = f"{one.place}_{name}"
        taken[f"{one.place}/{one.name}"] = name
    return taken


def _described(data: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    schema = _inlined(data, one.get("schema", {"type": "string"}), 0)
    about = one.get("description")
    return {**schema, **({"description": str(about)[:500]} if about else {})}


def _server(data: Mapping[str, Any], source: str) -> str:
    servers = data.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    url = str(first.get("url", "")) if isinstance(first, dict) else ""
    variables = first.get("variables", {}) if isinstance(first, dict) else {}
    for name, about in variables.items() if isinstance(variables, dict) else ():
        url = url.replace(f"{{{name}}}", str(about.get("default", "")))
    return urljoin(source, url) if source else url


def _followed(data: Mapping[str, Any], value: Any) -> Any:
    """A value, or what it refers to in the same document."""
    for _ in range(_MAX_DEPTH):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            return value
        value = _referred(data, value["$ref"])
    raise NotOpenApi("Its references go round in a circle.")


def _referred(data: Mapping[str, Any], ref: str) -> Any:
    if not ref.startswith("#/"):
        raise NotOpenApi(f"The reference {ref[:100]!r} leads out of the document; put it inside.")
    found: Any = data
    for step in ref[2:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or key not in found:
            raise NotOpenApi(f"The reference {ref[:100]!r} leads nowhere.")
        found = found[key]
    return found


def _inlined(data: Mapping[str, Any], schema: Any, depth: int) -> dict[str, Any]:
    """A schema with what it refers to put in; where it goes round, anything is taken."""
    schema = _followed(data, schema)
    if not isinstance(schema, dict) or depth > 8:
        return {}
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties" and isinstance(value, dict):
            kept[key] = {name: _inlined(data, one, depth + 1) for name, one in value.items()}
        elif key == "items":
            kept[key] = _inlined(data, value, depth + 1)
        elif key in ("allOf", "anyOf", "oneOf") and isinstance(value, list):
            kept[key] = [_inlined(data, one, depth + 1) for one in value]
        elif key in ("type", "enum", "description", "required", "format", "default", "minimum",
                     "maximum", "pattern", "nullable"):  # fmt: skip
            kept[key] = value
    return kept


def tool_name(text: str) -> str:
    """A name that models can call."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:60]
    return name if name[:1].isalpha() else f"op_{name}"
