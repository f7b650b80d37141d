"""What a flow says as Python, before it is written as a script, a notebook or a graph."""

from __future__ import annotations

import pprint
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from patchbay.flows.checks.resolve import Resolved, ResolvedNode, resolve_once
from patchbay.flows.document.graph import topological_order
from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import plain_secrets
from patchbay.flows.exchange.call import Call
from patchbay.flows.exchange.calls import is_said, native_call
from patchbay.flows.exchange.naming import python_name
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.wording import printable
from patchbay.nodes.catalog import Catalog

PLAIN_INPUTS = ("text", "number", "choice")
HELPER = "patchbay.flows.runs.script"
ASK = "from patchbay.flows.cli.asker import ask"


@dataclass(slots=True)
class ScriptDraft:
    """A script under construction."""

    resolved: Resolved
    order: list[str]
    names: dict[str, str] = field(default_factory=dict)
    values: dict[tuple[str, str], str] = field(default_factory=dict)
    """(node, output) → the Python expression of its value."""
    described: dict[tuple[str, str], str] = field(default_factory=dict)
    """Likewise for steps by `node`, where a library's own object says nothing to them."""
    said: dict[str, bool] = field(default_factory=dict)
    """Node → whether it is written as a plain call, as far as anybody asked."""
    maybe: set[tuple[str, str]] = field(default_factory=set)
    """Outputs that may be None, since their way was not taken."""
    imports: set[str] = field(default_factory=set)
    helpers: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    """What has to be installed besides what it imports."""
    body: list[list[str]] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)


def script_of(flow: Flow, catalog: Catalog) -> ScriptDraft:
    if found := list(plain_secrets(flow)):
        raise FlowError(found)
    resolved = resolve_once(flow, catalog)
    unknown = [n for n in resolved.nodes.values() if n.params is None and not n.instance.disabled]
    if unknown:
        raise FlowError(
            Problem(
                "export/node",
                f"{n.instance.id} is not known here, or its params do not fit.",
                "Run: patchbay validate",
                n.instance.id,
            )
            for n in unknown
        )
    order = topological_order(resolved.links)
    if order is None:
        raise FlowError(
            [Problem("structure/cycle", "The flow has a cycle.", "Run: patchbay validate")]
        )
    made = ScriptDraft(resolved, order)
    for node_id in order:
        made.names[node_id] = python_name(node_id, [*made.names.values()])
    if any(_asks(resolved.nodes[node_id]) for node_id in order):
        made.helpers.add("asking")
        made.imports.add(ASK)
        made.body.append(["# People are asked at the terminal.", "asking(ask)"])
    for node_id in order:
        node = resolved.nodes[node_id]
        if not node.instance.disabled:
            _add(made, node)
    return made


def _idle(made: ScriptDraft, node: ResolvedNode, steps: bool) -> Call | None:
    """The call of a model that nobody takes, since the plain calls that would say it themselves."""
    outgoing = [e for es in made.resolved.outgoing[node.instance.id].values() for e in es]
    call = native_call(made, node, {}, dry=True)
    return call if outgoing and not steps and call is not None and call.describes else None


def _asks(node: ResolvedNode) -> bool:
    """Whether a node asks a person."""
    known = node.cls is not None and node.params is not None and not node.instance.disabled
    return known and bool(node.cls.asks(node.params))  # type: ignore[union-attr]


def _add(made: ScriptDraft, node: ResolvedNode) -> None:
    if node.flow_input is not None:
        _input(made, node)
        return
    inputs = inputs_of(made, node)
    if inputs is None:  # what it needs comes from a node that is switched off
        return
    if node.flow_output is not None:
        value = next(iter(inputs.values()), [("None", False)])[0][0]
        made.outputs.append((node.flow_output, value))
        return
    call = native_call(made, node, inputs)
    if call is not None and not is_said(made, node):
        call = None  # only steps by `node` take it, and they take a description
    if call is not None:
        _native(made, node, inputs, call)
    steps = _steps_take(made, node)
    if call is None and (idle := _idle(made, node, steps)) is not None:
        made.values[(node.instance.id, idle.output)] = "None"  # it is there, and nobody reads it
        return
    if call is None or (call.describes and steps):
        _step(made, node, inputs, second=call is not None)


def inputs_of(made: ScriptDraft, node: ResolvedNode) -> dict[str, list[tuple[str, bool]]] | None:
    """Port → its values as expressions, each with whether it may be None."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for port, edges in made.resolved.incoming[node.instance.id].items():
        ends = [(e.source_node, e.source_port) for e in edges]
        values = [(made.values[end], end in made.maybe) for end in ends if end in made.values]
        declared = node.input(port)
        if values:
            found[port] = values
        elif declared is not None and declared.required:
            return None
    return found


def _guard(node: ResolvedNode, inputs: Mapping[str, list[tuple[str, bool]]]) -> str:
    """The condition under which a node runs; "" for always."""
    conditions: list[str] = []
    for port, values in inputs.items():
        declared = node.input(port)
        if declared is not None and declared.required and all(maybe for _, maybe in values):
            tests = [f"{value} is not None" for value, _ in values]
            conditions.append(tests[0] if len(tests) == 1 else f"({' or '.join(tests)})")
    if not conditions and inputs and all(m for vs in inputs.values() for _, m in vs):
        conditions.append(" or ".join(f"{v} is not None" for vs in inputs.values() for v, _ in vs))
    return " and ".join(dict.fromkeys(conditions))


def _input(made: ScriptDraft, node: ResolvedNode) -> None:
    asked = node.flow_input
    assert asked is not None  # noqa: S101 - the caller looked
    name = made.names[node.instance.id] = python_name(
        asked.name, [v for k, v in made.names.items() if k != node.instance.id]
    )
    plain = asked.kind in PLAIN_INPUTS
    kind = {"text": "str", "choice": "str", "number": "float"}.get(asked.kind, "object")
    default = "" if asked.required else f" = {asked.default!r}"
    if not plain:
        default = " = None" if not asked.required else ""
    argument = f"{name}: {kind}{default}"
    made.arguments.append(argument)
    made.arguments.sort(key=lambda text: "=" in text)
    made.values[(node.instance.id, "value")] = name
    if not plain:
        made.helpers.add("take")
        params = _literal(node.instance.params)
        made.body.append([*_comment(node), f"{name} = take({params}, {name})"])
    elif asked.kind == "number":
        made.body.append([f"{name} = float({name})"])


def _native(
    made: ScriptDraft, node: ResolvedNode, inputs: Mapping[str, list[tuple[str, bool]]], call: Call
) -> None:
    name = made.names[node.instance.id]
    made.imports |= set(call.imports)
    made.packages |= set(call.packages)
    guard = _guard(node, inputs)
    lines = list(_comment(node))
    if guard and not call.always:
        lines += [f"{name} = None", f"if {guard}:"]
        lines += [f"    {line}" for line in call.lines(name)]
    else:
        lines += call.lines(name)
    made.body.append(lines)
    output = call.output
    made.values[(node.instance.id, output)] = name
    if guard:
        made.maybe.add((node.instance.id, output))


def _step(
    made: ScriptDraft,
    node: ResolvedNode,
    inputs: Mapping[str, list[tuple[str, bool]]],
    *,
    second: bool,
) -> None:
    """A node by itself, through the one small import."""
    node_id = node.instance.id
    name = made.names[node_id] + ("_node" if second else "")
    made.helpers.add("node")
    given = {port: _given(made, node, port, values) for port, values in inputs.items()}
    params = _literal(dict(node.instance.params))
    words = [repr(node.instance.kind)]
    if node.instance.params or given:
        words.append(params)
    if given:
        words.append("{" + ", ".join(f"{port!r}: {value}" for port, value in given.items()) + "}")
    call = f"{name} = node({', '.join(words)})"
    guard = _guard(node, inputs)
    lines = [] if second else list(_comment(node))
    if guard:
        made.helpers.add("SKIPPED")
        lines += [
            f"{name} = SKIPPED",
            f"if {guard}:",
            *(f"    {line}" for line in call.split("\n")),
        ]
    else:
        lines += call.split("\n")
    made.body.append(lines)
    declared = node.outputs.declared if node.outputs is not None else {}
    for output in declared:
        end = (node_id, output)
        value = f"{name}.{output}" if output.isidentifier() else f"{name}[{output!r}]"
        made.described[end] = value
        if not second:
            made.values[end] = value
            if guard or output in node.exclusive or node.subflows:
                made.maybe.add(end)


def _given(made: ScriptDraft, node: ResolvedNode, port: str, values: list[tuple[str, bool]]) -> str:
    edges = made.resolved.incoming[node.instance.id][port]
    ends = [
        (e.source_node, e.source_port)
        for e in edges
        if (e.source_node, e.source_port) in made.values
    ]
    words = [made.described.get(end, made.values[end]) for end in ends]
    declared = node.input(port)
    if declared is not None and declared.type.many:
        return "[" + ", ".join(words) + "]"
    if len(words) == 1:
        return words[0]
    return f"next((v for v in ({', '.join(words)}) if v is not None), None)"


def _steps_take(made: ScriptDraft, node: ResolvedNode) -> bool:
    """Whether a step by `node` takes what a node gives."""
    return any(
        not is_said(made, made.resolved.nodes[edge.target_node])
        for edges in made.resolved.outgoing[node.instance.id].values()
        for edge in edges
        if edge.target_node in made.resolved.nodes
    )


def _literal(value: Any) -> str:
    text = pprint.pformat(value, width=88, sort_dicts=False)
    return text


def _comment(node: ResolvedNode) -> Iterator[str]:
    title = node.instance.title or (node.cls.title if node.cls else node.instance.kind)
    yield f"# {one_line(title)} ({node.instance.kind})"


def one_line(text: str) -> str:
    return printable(text, 300).replace('"""', "'''").replace("\\", "/")
