"""Pinning what nodes give: the value of the last run, or one that a person types."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from patchbay.flows.checks.resolve import Resolved, ResolvedNode, resolve_once
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.plan import wanted_nodes
from patchbay.flows.wording import listed
from patchbay.nodes.contract import Port
from patchbay.nodes.values import decode, encode
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.pins import Pin
from patchbay.studio.lenient_json import parse_lenient
from patchbay.studio.server.services import services
from patchbay.studio.views.values import gist

GIST = 160
"""Characters of a pinned value that a browser is told."""


def told_pins(document: FlowDocument) -> dict[str, Any]:
    """How often pins were changed (`turn`), and by node `gist`, `edited` and `once`."""
    found = document.pins.of(document.flow)
    nodes = {
        node: {
            "gist": gist(next(iter(pin.outputs.values()), ""), GIST),
            **({"edited": True} if pin.edited else {}),
            **({"once": True} if pin.once else {}),
        }
        for node, pin in found.items()
    }
    return {"turn": document.pins.turn, "nodes": nodes}


def change_pins(document: FlowDocument, browser: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Pin (`pin`, ids: what they gave in the last run; or `node`, `values`, `once`: by hand), or
    let nodes run again (`unpin`, ids).

    Returns:
        `pins` as `told_pins` tells them, and a `message` where something could not be done.
    """
    message = ""
    try:
        if "values" in asked:
            _give(
                document, str(asked.get("node", "")), asked["values"], once=bool(asked.get("once"))
            )
        elif "pin" in asked:
            message = _pin_last(document, browser, [str(each) for each in asked["pin"]])
        else:
            document.pins.drop([str(each) for each in asked.get("unpin", ())])
    except FlowError as error:
        message = " ".join(f"{problem.message} {problem.fix}" for problem in error.problems)
    document.announce()
    return {"pins": told_pins(document), "message": message}


def pin_of(document: FlowDocument, browser: str, node_id: str) -> dict[str, Any] | None:
    """What a person edits: by output `text` (what stands in the field), `plain` (whether it is a
    text, else JSON) and `types`; and whether it is `pinned`. None where nothing can be pinned."""
    node = _node(document, node_id)
    if node is None or node.outputs is None:
        return None
    pin = document.pins.of(document.flow).get(node_id)
    live = services().runner.latest(document.id, browser)
    step = live.progress.nodes.get(node_id) if live else None
    outputs = pin.outputs if pin else step.outputs if step else {}
    ports = [
        {"name": name, "types": list(port.type.ids), "plain": _plain(port),
         **({"text": _written(port, outputs[name])} if name in outputs else {})}
        for name, port in _ports(node).items()
    ]  # fmt: skip
    return {"ports": ports, "pinned": pin is not None} if ports else None


# --- runs -----------------------------------------------------------------------------------------


def for_run(document: FlowDocument, fresh: str | None = None) -> dict[str, dict[str, Any]]:
    """What a run that begins is given, by node; without the node that is to run anew.

    Raises:
        FlowError: a value is of a type that is no longer installed.
    """
    found, types = {}, services().catalog.value_types
    for node, pin in document.pins.of(document.flow).items():
        if node == fresh:
            continue
        try:
            found[node] = {name: decode(value, types) for name, value in pin.outputs.items()}
        except ValueError as error:
            raise _refused(f"The pinned value cannot be read any more: {error}", node) from error
    return found


def ran(document: FlowDocument) -> None:
    """A run has begun: values for one run are gone with it."""
    once = [node for node, pin in document.pins.of(document.flow).items() if pin.once]
    if once:
        document.pins.drop(once)
        document.announce()


def plan_words(document: FlowDocument) -> str:
    """What a run uses instead of running it, and what it leaves out; "" where nothing is pinned."""
    pins = document.pins.of(document.flow)
    if not pins:
        return ""
    resolved = resolve_once(document.flow, services().catalog)
    wanted = set(wanted_nodes(resolved, (), pins))
    said = f"Pinned, not run: {_titles(resolved, pins)}."
    left = [i for i in resolved.nodes if i not in wanted and i not in pins]
    return f"{said} Not needed then: {_titles(resolved, left)}." if left else said


def _titles(resolved: Resolved, ids: Collection[str]) -> str:
    titles = (resolved.nodes[i].title for i in resolved.nodes if i in ids)
    return listed(titles, last="and", limit=6)


# --- one node -------------------------------------------------------------------------------------


def _node(document: FlowDocument, node_id: str) -> ResolvedNode | None:
    return resolve_once(document.flow, services().catalog).nodes.get(node_id)


def _ports(node: ResolvedNode) -> dict[str, Port]:
    outputs = node.outputs.declared if node.outputs else {}
    shown = {name: port for name, port in outputs.items() if not port.hidden}
    return shown or dict(outputs)


def _plain(port: Port) -> bool:
    return port.type.ids == ("text",)


def _written(port: Port, stored: Any) -> str:
    if isinstance(stored, str) and (_plain(port) or "any" in port.type.ids):
        return stored
    return json.dumps(stored, ensure_ascii=False, indent=2)


def _pin_last(document: FlowDocument, browser: str, nodes: list[str]) -> str:
    """Pin what nodes gave in this person's last run. Returns which had nothing to pin, in words."""
    live = services().runner.latest(document.id, browser)
    if live is not None:
        services().runner.catch_up(live)
    kinds = {node.id: node.kind for node in document.flow.nodes}
    steps = live.progress.nodes if live else {}
    given = {i: steps[i].outputs for i in nodes if i in kinds and i in steps and steps[i].outputs}
    document.pins.put({i: Pin(kinds[i], dict(outputs)) for i, outputs in given.items()})
    missing = [i for i in nodes if i in kinds and i not in given]
    if not missing:
        return ""
    resolved = resolve_once(document.flow, services().catalog)
    return (
        f"{_titles(resolved, missing)} gave nothing in the last run that could be pinned. Run it "
        "first, or give it a value by hand."
    )


def _give(document: FlowDocument, node_id: str, values: Any, *, once: bool) -> None:
    node = _node(document, node_id)
    if node is None or not isinstance(values, Mapping):
        raise _refused("There is no such node any more.", node_id)
    ports, outputs = _ports(node), {}
    for name, text in values.items():
        if name not in ports or not isinstance(text, str):
            raise _refused(f'It gives nothing called "{name}".', node_id)
        outputs[name] = encode(_value(ports[name], name, text, node_id))
    if not outputs:
        raise _refused("Give at least one of its outputs a value.", node_id)
    document.pins.put({node_id: Pin(node.instance.kind, outputs, edited=True, once=once)})


def _value(port: Port, name: str, text: str, node_id: str) -> Any:
    if _plain(port):
        return text
    value, error = parse_lenient(text)
    if error and {"text", "any"} & set(port.type.ids):
        return text
    if error:
        raise _refused(f'"{name}" is no JSON: {error}', node_id)
    try:
        value = decode(value, services().catalog.value_types)
    except (ValueError, KeyError, TypeError) as failed:
        raise _refused(f'"{name}" cannot be read: {failed}', node_id) from failed
    if not port.type.accepts(value):
        raise _refused(f'"{name}" takes {port.type}, and this is something else.', node_id)
    return value


def _refused(message: str, node: str) -> FlowError:
    fix = "Correct the value, or let the node run."
    return FlowError([Problem("pins/value", message, fix, node=node)])
