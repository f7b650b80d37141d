"""A flow as a Python script of plain library calls, or as a notebook.

Prompts, models behind providers and servers, questions to them, agents and crews, engines and
networks become the calls of LangChain, CrewAI, LlamaIndex and Transformers that say the same. Where
none does (a local model held to a grammar, an index kept by content), the script calls the node
itself by one small import.
"""

from __future__ import annotations

import json
import pprint
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from patchbay.flows.checks.resolve import Resolved, ResolvedNode, resolve
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
    body: list[list[str]] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)


def to_python(flow: Flow, catalog: Catalog) -> str:
    """The script. It runs by itself: `python script.py question="…"`.

    Raises:
        FlowError: the flow holds a key as text, a cycle, or a node that is not known here.
    """
    made = script_of(flow, catalog)
    body = "\n\n".join(
        "\n".join(f"    {line}" if line else "" for line in block) for block in made.body
    )
    arguments = ", ".join(made.arguments)
    returned = ", ".join(f"{name!r}: {value}" for name, value in made.outputs)
    head = _head(flow)
    parts = [head, *_imports(made), "", "", f"def main({arguments}) -> dict:"]
    parts += [f'    """{one_line(flow.description or flow.name)}"""']
    parts += [body] if body else []
    parts += ["", f"    return {{{returned}}}", "", "", *_ending(made)]
    return "\n".join(parts) + "\n"


def to_notebook(flow: Flow, catalog: Catalog) -> str:
    """The same as a Jupyter notebook: a cell for each step."""
    made = script_of(flow, catalog)
    about = [f"# {flow.name}", "", flow.description, "", "Exported from Patchbay."]
    needs = sorted(
        {_package(line) for line in made.imports} | ({"patchbay-studio"} if made.helpers else set())
    )
    needs = [name for name in needs if name]
    cells = [_cell("markdown", "\n".join(about))]
    if needs:
        cells.append(_cell("code", f"%pip install -q {' '.join(needs)}"))
    cells.append(_cell("code", "\n".join(line for line in _imports(made) if line)))
    if made.arguments:
        values = [
            argument if "=" in argument else f'{argument.partition(":")[0]} = ""  # set it'
            for argument in made.arguments
        ]
        cells.append(_cell("code", "\n".join(_plain_argument(value) for value in values)))
    cells += [_cell("code", "\n".join(block)) for block in made.body]
    returned = ", ".join(f"{name!r}: {value}" for name, value in made.outputs)
    cells.append(_cell("code", f"{{{returned}}}"))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    notebook = {
        "cells": cells,
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _plain_argument(text: str) -> str:
    name, equals, value = text.partition("=")
    return f"{name.partition(':')[0].strip()} = {value.strip()}" if equals else text


def _cell(kind: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": text}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


_PACKAGES = {
    "langchain": "langchain",
    "langchain_core": "langchain-core",
    "langchain_openai": "langchain-openai",
    "langchain_ollama": "langchain-ollama",
    "crewai": "crewai",
    "transformers": "transformers torch",
}


def _package(line: str) -> str:
    """What is to be installed for an import."""
    module = line.split()[1].split(".")
    if module[0] == "llama_index":  # one package for each part
        return "-".join(module[: 2 if module[1] == "core" else 3]).replace("_", "-")
    return _PACKAGES.get(module[0], "")


# --- the whole ------------------------------------------------------------------------------------


def script_of(flow: Flow, catalog: Catalog) -> ScriptDraft:
    if found := list(plain_secrets(flow)):
        raise FlowError(found)
    resolved = resolve(flow, catalog)
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


# --- words ----------------------------------------------------------------------------------------


def _literal(value: Any) -> str:
    text = pprint.pformat(value, width=88, sort_dicts=False)
    return text


def _comment(node: ResolvedNode) -> Iterator[str]:
    title = node.instance.title or (node.cls.title if node.cls else node.instance.kind)
    yield f"# {one_line(title)} ({node.instance.kind})"


def one_line(text: str) -> str:
    return printable(text, 300).replace('"""', "'''").replace("\\", "/")


def _head(flow: Flow) -> str:
    return f'"""{one_line(flow.name)}. Exported from Patchbay."""\n'


def _imports(made: ScriptDraft) -> list[str]:
    lines = sorted(made.imports)
    helpers = sorted({*made.helpers, "show"})
    return (
        [*lines, *([""] if lines else []), f"from {HELPER} import {', '.join(helpers)}"]
        if made.helpers
        else lines
    )


def _ending(made: ScriptDraft) -> list[str]:
    """How the script runs by itself: `name=value` for each input."""
    lines = ['if __name__ == "__main__":', "    import sys", ""]
    lines += ['    given = dict(word.split("=", 1) for word in sys.argv[1:])']
    if made.helpers:
        return [*lines, "    show(main(**given))"]
    return [
        *lines,
        "    for name, value in main(**given).items():",
        '        print(f"{name}: {value}")',
    ]
