"""What must hold for any flow at all, tried on random ones."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from patchbay.flows.checks.resolve import Resolved, resolve
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.graph import cycles, generations, links
from patchbay.flows.document.model import Edge, Flow, Group, NodeInstance, Place
from patchbay.flows.wording import UNSAFE
from tests.flows.checks.rules_kit import CATALOG, flow, node

IDS = [f"n{i}" for i in range(7)]
PORTS = ["text", "extra", "value", "texts", "left", "right", "documents", "model", "zip"]
KINDS = [*CATALOG.kinds(), "test.unheard-of", "", "\x1b[31m"]

params = st.dictionaries(
    st.sampled_from(["count", "mode", "names", "name", "key", "flow", "\x07", "sk-" + "0" * 20]),
    st.none() | st.integers(-3, 12) | st.text(max_size=4) | st.lists(st.text(max_size=3))
    | st.dictionaries(st.just("secret"), st.text(max_size=3)),
    max_size=3,
)  # fmt: skip


@st.composite
def wild_flow(draw: st.DrawFn) -> Flow:
    nodes = draw(
        st.lists(
            st.builds(
                NodeInstance,
                id=st.sampled_from(IDS),
                kind=st.sampled_from(KINDS).filter(bool),
                version=st.integers(1, 4),
                title=st.none() | st.sampled_from(["A \u202e title", "<b>"]),
                disabled=st.booleans(),
                params=params,
            ),
            max_size=7,
        )
    )
    end = st.builds("{}.{}".format, st.sampled_from(IDS), st.sampled_from(PORTS))
    edges = draw(
        st.lists(
            st.tuples(end, end).map(lambda ends: Edge(source=ends[0], target=ends[1])), max_size=12
        )
    )
    return Flow(
        nodes=tuple(nodes),
        edges=tuple(edges),
        groups=(Group(id="g", nodes=("n0", "gone")),),
        layout=draw(st.dictionaries(st.text(max_size=3), st.just(Place(x=0, y=0)), max_size=2)),
    )


@settings(deadline=None)
@given(wild_flow())
def test_validating_never_raises_and_every_finding_is_whole(wild: Flow) -> None:
    problems = validate(wild, CATALOG)
    for problem in problems:
        assert problem.fix
        assert problem.message
        assert not UNSAFE.search(f"{problem} {problem.place}")
        assert "sk-000" not in str(problem)
    order = {part.id: index for index, part in reversed(list(enumerate(wild.nodes)))}
    places = [order.get(p.node, len(wild.nodes)) if p.node else -1 for p in problems]
    assert places == sorted(places)


def to_graph(flow: Flow) -> nx.MultiDiGraph:
    """The flow as networkx has graphs, to hold our own walks through it against: node ids, and an
    edge for each wire between nodes that there are."""
    graph: nx.MultiDiGraph = nx.MultiDiGraph()
    graph.add_nodes_from(node.id for node in flow.nodes)
    known = set(graph)
    graph.add_edges_from(
        (edge.source_node, edge.target_node)
        for edge in flow.edges
        if {edge.source_node, edge.target_node} <= known
    )
    return graph


@settings(deadline=None)
@given(wild_flow())
def test_a_cycle_is_told_exactly_when_there_is_one(wild: Flow) -> None:
    graph = to_graph(wild)
    told = [p for p in validate(wild, CATALOG) if p.code == "structure/cycle"]
    assert bool(told) == (not nx.is_directed_acyclic_graph(graph))
    found = cycles(links(wild))
    assert len(found) == len(told)
    for names in found:
        assert len(set(names)) == len(names)
        assert all(graph.has_edge(*pair) for pair in itertools.pairwise([*names, names[0]]))


@settings(deadline=None)
@given(wild_flow())
def test_nodes_come_in_the_order_that_networkx_gives_them(wild: Flow) -> None:
    expected: dict[str, int] = {}
    with contextlib.suppress(nx.NetworkXUnfeasible):
        for index, names in enumerate(nx.topological_generations(to_graph(wild))):
            expected |= dict.fromkeys(names, index)
    assert list(generations(links(wild)).items()) == list(expected.items())


# --- branches: what the rules promise holds in every possible run --------------------------------


@st.composite
def branching_flow(draw: st.DrawFn) -> Flow:
    """Forks, steps, joins and two-port nodes; wires only forward, to ports that exist."""
    nodes, wires = [node("n0", "in")], []
    sources = ["n0.value"]
    forks = 0
    for index in range(1, draw(st.integers(3, 9))):
        kinds = ["step", "join", "slots"] + (["fork"] * 2 if forks < 3 else [])
        kind = draw(st.sampled_from(kinds))
        forks += kind == "fork"
        name = f"n{index}"
        extra = {"names": ["a", "b"]} if kind == "slots" else {}
        disabled = draw(st.sampled_from([False] * 6 + [True]))
        nodes.append(node(name, kind, disabled=disabled, **extra))
        ports = {"step": ["text", "extra"], "join": ["texts"], "slots": ["a", "b"]}
        for port in ports.get(kind, ["text"]):
            optional = port == "extra"
            ends = draw(
                st.lists(
                    st.sampled_from(sources), min_size=0 if optional else 1, max_size=3, unique=True
                )
            )
            wires += [f"{end} > {name}.{port}" for end in ends]
        outputs = ["left", "middle", "right"] if kind == "fork" else ["text"]
        sources += [f"{name}.{output}" for output in outputs]
    return flow(nodes, *wires)


def runs(resolved: Resolved) -> Iterator[tuple[set[str], set[str]]]:
    """For every choice at the forks: the nodes that ran, and the outputs that were set."""
    forks = [i for i, n in resolved.nodes.items() if n.exclusive]
    for choice in itertools.product(["left", "middle", "right", None], repeat=len(forks)):
        taken = dict(zip(forks, choice, strict=True))
        ran: set[str] = set()
        given_out: set[str] = set()
        for node_id, found in resolved.nodes.items():  # wires only point forward
            wired = resolved.incoming[node_id]
            full = [p for p, es in wired.items() if any(e.source in given_out for e in es)]
            starved = [p for p in wired if p not in full and found.input(p).required]  # type: ignore[union-attr]
            if found.instance.disabled or starved or (wired and not full):
                continue
            ran.add(node_id)
            for output in found.outputs.declared if found.outputs else ():
                if not found.exclusive or taken[node_id] == output:
                    given_out.add(f"{node_id}.{output}")
        yield ran, given_out


@settings(deadline=None)
@given(branching_flow())
def test_a_port_for_one_wire_never_gets_two_values_unless_told(drawn: Flow) -> None:
    resolved = resolve(drawn, CATALOG)
    problems = validate(drawn, CATALOG)
    told = {p.place for p in problems if p.code == "wiring/many"}
    never = {p.node for p in problems if p.code == "wiring/never"}
    for ran, given_out in runs(resolved):
        assert not never & ran
        for node_id, wired in resolved.incoming.items():
            for port, edges in wired.items():
                single = not resolved.nodes[node_id].input(port).type.many  # type: ignore[union-attr]
                delivered = sum(edge.source in given_out for edge in edges)
                assert delivered < 2 or not single or f"{node_id}.{port}" in told


@settings(deadline=None)
@given(branching_flow())
def test_what_is_said_to_stay_empty_never_runs(drawn: Flow) -> None:
    last = drawn.nodes[-1]
    if last.kind == "test.fork":
        return
    ended = drawn.model_copy(
        update={
            "nodes": (*drawn.nodes, node("out", "out")),
            "edges": (*drawn.edges, Edge(source=f"{last.id}.{_output(last)}", target="out.value")),
        }
    )
    empty = any(p.code == "structure/disabled" for p in validate(ended, CATALOG))
    if empty:
        assert not any("out" in ran for ran, _ in runs(resolve(ended, CATALOG)))


def _output(last: NodeInstance) -> str:
    return "value" if last.kind == "test.in" else "text"
