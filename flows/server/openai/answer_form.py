"""The form of an answer that a client asks for: its JSON schema goes to the structured output."""

from __future__ import annotations

from typing import Any

from patchbay.flows.runs.inputs import flow_outputs
from patchbay.flows.server.core.overrides import with_params
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.openai.answering import answer_name
from patchbay.flows.server.openai.conversation import wrong


def in_form(service: FlowService, flow: ServedFlow, wanted: Any) -> ServedFlow:
    """The flow, with the JSON schema that a client wants in the node that makes the answer.

    A flow without a structured output answers as it always does: the form is asked for in vain, as
    sampling params are.

    Args:
        service: where it is served.
        flow: as it is served.
        wanted: `response_format` of a chat completion, or `text.format` of a response.

    Raises:
        RefusedError: what is wanted is no form, or no schema that can be followed.
    """
    schema = _schema(wanted)
    place = None if schema is None else place_of_schema(flow)
    if place is None:
        return flow
    node, param = place
    changes = {node: {param: schema}}
    return with_params(service, flow, changes, "The JSON schema cannot be followed")


def place_of_schema(flow: ServedFlow) -> tuple[str, str] | None:
    """The node that is wired into the answer and the param of its schema; None where there is
    none that gives an answer of such a form."""
    resolved, name = flow.prepared.resolved, answer_name(flow)
    outputs = flow_outputs(resolved)
    if name not in outputs:
        return None
    for edge in resolved.incoming[outputs[name]].get("value", ()):
        source = edge.source.partition(".")[0]
        node = resolved.nodes[source]
        if node.cls is not None and (param := node.cls.schema_param(node.params)):
            return source, param
    return None


def _schema(wanted: Any) -> dict[str, Any] | None:
    """The JSON schema of a form; None for texts, and for JSON of any kind."""
    if wanted is None:
        return None
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind in ("text", "json_object"):
        return None
    if kind != "json_schema":
        raise wrong('"response_format" is of the type text, json_object or json_schema.', "type")
    inner = wanted.get("json_schema", wanted)
    schema = inner.get("schema") if isinstance(inner, dict) else None
    if not isinstance(schema, dict):
        raise wrong('"response_format" of the type json_schema needs a "schema".', "schema")
    return schema
