"""A flow as a LangGraph graph, where all its nodes are plain calls of LangChain."""

from __future__ import annotations

from patchbay.flows.document.model import Flow
from patchbay.flows.exchange.call import Call
from patchbay.flows.exchange.calls import native_call
from patchbay.flows.exchange.packages import packages
from patchbay.flows.exchange.python_script import head_of
from patchbay.flows.exchange.script_draft import ScriptDraft, inputs_of, script_of
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.catalog import Catalog


def to_langgraph(flow: Flow, catalog: Catalog) -> str:
    """A script that builds the graph as `graph`: each step a node, each wire an edge.

    Raises:
        FlowError: a node has no plain call; all such nodes are named.
    """
    made = script_of(flow, catalog)
    problems = [_in_the_way(made, node_id) for node_id in made.order]
    if found := [problem for problem in problems if problem is not None]:
        raise FlowError(found)
    models, steps = _parts(made)
    imports = {"from typing import TypedDict", "from langgraph.graph import END, START, StateGraph"}
    further: set[str] = set()
    for _, call in [*models, *steps]:
        imports |= set(call.imports)
        further |= set(call.packages)
    lines = [head_of(flow, packages(imports, further), " as a LangGraph graph")]
    lines += [*sorted(imports), "", ""]
    lines += ["class State(TypedDict, total=False):"]
    fields = [name for name, _ in _asked(made)] + [made.names[key] for key, _ in steps]
    lines += [f"    {name}: object" for name in dict.fromkeys(fields)] or ["    pass"]
    lines += ["", ""]
    for key, call in models:
        lines += [*call.lines(made.names[key]), ""]
    for key, call in steps:
        name = made.names[key]
        body = [f"    {line}" for line in call.lines(name)]
        lines += ["", f"def {name}_step(state: State) -> State:", *body]
        lines += [f'    return {{"{name}": {name}}}', ""]
    lines += ["", *_graph(made, [key for key, _ in steps]), "", *_main(made)]
    return "\n".join(lines) + "\n"


def _in_the_way(made: ScriptDraft, node_id: str) -> Problem | None:
    node = made.resolved.nodes[node_id]
    asked = node.flow_input
    if node.instance.disabled or node.flow_output is not None:
        return None
    if asked is not None and asked.kind in ("text", "number", "choice", "json"):
        return None
    if asked is None and node.instance.kind != "logic.merge":
        call = native_call(made, node, {}, dry=True)
        if call is not None:
            return None
    name = node.instance.title or node.instance.id
    message = f'"{name}" ({node.instance.kind}) has no plain call of LangChain, so the flow is no '
    return Problem(
        "export/node",
        message + "LangGraph graph.",
        "Export it to Python, which calls the node itself.",
        node=node_id,
    )


def _asked(made: ScriptDraft) -> list[tuple[str, object]]:
    nodes = (made.resolved.nodes[key] for key in made.order)
    return [(made.names[n.instance.id], n.flow_input) for n in nodes if n.flow_input is not None]


def _parts(made: ScriptDraft) -> tuple[list[tuple[str, Call]], list[tuple[str, Call]]]:
    """What is made once (models), and the steps of the graph."""
    models: list[tuple[str, Call]] = []
    steps: list[tuple[str, Call]] = []
    for key in made.order:
        node = made.resolved.nodes[key]
        if node.flow_input is not None:
            made.values[(key, "value")] = f'state["{made.names[key]}"]'
            continue
        if node.flow_output is not None or node.instance.disabled:
            continue
        inputs = inputs_of(made, node)
        call = native_call(made, node, inputs or {})
        if call is None:
            continue
        name = made.names[key]
        (models if call.describes else steps).append((key, call))
        made.values[(key, call.output)] = name if call.describes else f'state["{name}"]'
    return models, steps


def _graph(made: ScriptDraft, steps: list[str]) -> list[str]:
    lines = ["builder = StateGraph(State)"]
    known = set(steps)
    lines += [f'builder.add_node("{key}", {made.names[key]}_step)' for key in steps]
    for key in steps:
        wires = made.resolved.incoming[key].values()
        before = {e.source_node for es in wires for e in es if e.source_node in known}
        if len(before) > 1:
            lines.append(f'builder.add_edge({sorted(before)!r}, "{key}")')
        else:
            lines.append(
                f'builder.add_edge({(repr(next(iter(before))) if before else "START")}, "{key}")'
            )
    last = [
        k
        for k in steps
        if not any(e.target_node in known for es in made.resolved.outgoing[k].values() for e in es)
    ]
    lines += [f'builder.add_edge("{key}", END)' for key in last]
    return [*lines, "graph = builder.compile()"]


def _main(made: ScriptDraft) -> list[str]:
    outputs = []
    for key in made.order:
        node = made.resolved.nodes[key]
        if node.flow_output is not None:
            wires = made.resolved.incoming[key].values()
            outputs += [(node.flow_output, made.names[edges[0].source_node]) for edges in wires]
    defaults = []
    for name, asked in _asked(made):
        default = getattr(asked, "default", None)
        defaults.append(f"{name!r}: {default!r}" if default is not None else "")
    given = ", ".join(text for text in defaults if text)
    lines = ['if __name__ == "__main__":', "    import sys", ""]
    lines += [f"    given = {{{given}}}"]
    lines += ['    given |= dict(word.split("=", 1) for word in sys.argv[1:])']
    lines += ["    state = graph.invoke(given)"]
    return [*lines, *(f'    print(f"{name}: {{state[{value!r}]}}")' for name, value in outputs)]
