"""A node class as plain JSON, for the palette, the inspector, the docs and `patchbay nodes`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from patchbay.nodes.catalog import install_command, missing_packages
from patchbay.nodes.contract import UNSET, Node, NodeParams, Port, Ports
from patchbay.nodes.docstrings import attribute_docs
from patchbay.nodes.values import encode


def node_declaration(node: type[Node]) -> dict[str, Any]:
    """Everything a shell needs to know of a kind. Ports are those of the default params."""
    missing = missing_packages(node)
    schema = node.Params.model_json_schema()
    defaults = default_params(node)
    return {
        "kind": node.kind,
        "version": node.version,
        "title": node.title,
        "family": node.family,
        "icon": node.icon,
        "synonyms": list(node.synonyms),
        "doc": node.doc(),
        "params": _with_docs(_ordered(node.Params, schema), attribute_docs(node.Params)),
        "definitions": schema.get("$defs", {}),
        "required_params": schema.get("required", []),
        "inputs": port_declarations(node.input_ports(defaults)) if defaults else [],
        "outputs": port_declarations(node.output_ports(defaults)) if defaults else [],
        "dynamic": _is_dynamic(node),
        "missing": missing,
        "install": install_command(missing) if missing else "",
    }


def _with_docs(properties: dict[str, Any], docs: dict[str, str]) -> dict[str, Any]:
    return {
        name: {"description": docs[name], **schema} if name in docs else schema
        for name, schema in properties.items()
    }


def _ordered(params: type[BaseModel], schema: dict[str, Any]) -> dict[str, Any]:
    """The properties of a schema: a node's own first, then those that it shares with others."""
    properties: dict[str, Any] = schema.get("properties", {})
    return {name: properties[name] for name in dict.fromkeys(_own_first(params))}


def _own_first(params: type[BaseModel]) -> Iterator[str]:
    if not issubclass(params, NodeParams):
        yield from params.model_fields
        return
    yield from (
        name for name in vars(params).get("__annotations__", ()) if name in params.model_fields
    )
    for base in params.__bases__:
        if issubclass(base, BaseModel):
            yield from _own_first(base)


def default_params(node: type[Node]) -> Any | None:
    """The params of a freshly dropped node, or None where a param has no default."""
    if any(f.is_required() for f in node.Params.model_fields.values()):
        return None
    return node.Params()


def port_declarations(ports: type[Ports]) -> list[dict[str, Any]]:
    """The visible ports, in order."""
    return [_describe_port(port) for port in ports.declared.values() if not port.hidden]


def _describe_port(port: Port) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": port.name,
        "types": list(port.type.ids),
        "many": port.type.many,
        "required": port.required,
        "doc": port.doc,
    }
    if port.default is not UNSET and port.default is not None:
        described["default"] = encode(port.default)
    return described


def _is_dynamic(node: type[Node]) -> bool:
    return (
        node.input_ports.__func__ is not Node.input_ports.__func__  # type: ignore[attr-defined]
        or node.output_ports.__func__ is not Node.output_ports.__func__  # type: ignore[attr-defined]
    )
