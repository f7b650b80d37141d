"""Edits are pure, say what is wrong in words, and can be taken back exactly."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchbay.flows.document.diff import changes
from patchbay.flows.document.edit import EditError, apply, fresh_id, inverse
from patchbay.flows.document.model import (
    Edge,
    Flow,
    FlowVariable,
    Group,
    NodeInstance,
    Note,
    Place,
    RunPolicy,
)
from patchbay.flows.document.operations import (
    AddGroup,
    AddNode,
    AddNote,
    Batch,
    Connect,
    Disable,
    Disconnect,
    EditGroup,
    EditNote,
    Move,
    Remove,
    Rename,
    Replace,
    Replug,
    SetId,
    SetMeta,
    SetParams,
    SetRun,
    Wire,
    dump_operation,
    parse_operation,
)
from patchbay.flows.document.patch import diff
from patchbay.nodes.catalog import load_catalog


def flow_of(*ids: str, edges: tuple[tuple[str, str], ...] = ()) -> Flow:
    return Flow(
        nodes=tuple(NodeInstance(id=i, kind="test.box") for i in ids),
        edges=tuple(Edge(source=a, target=b) for a, b in edges),
    )


CHAIN = flow_of("a", "b", "c", edges=(("a.out", "b.in"), ("b.out", "c.in")))

MOST = 2**53 - 1
"""The largest whole number that a browser keeps exact."""

# --- random flows and edits -----------------------------------------------------------------------

NAMES = ["a", "b", "c", "d", "e", "note", "box"]
names = st.sampled_from(NAMES)
numbers = st.integers(-MOST, MOST)
ends = st.builds("{}.{}".format, names, st.sampled_from(["out", "in", "x"]))
wires = st.builds(lambda a, b: Wire(source=a, target=b), ends, ends)
places = st.builds(
    Place,
    x=st.integers(-500, 500),
    y=st.integers(-500, 500),
    w=st.none() | st.integers(10, 300),
)
nodes = st.builds(
    NodeInstance,
    id=names,
    kind=st.sampled_from(["test.box", "test.other"]),
    title=st.none() | st.sampled_from(["Ask", "Näme"]),
    params=st.dictionaries(st.sampled_from("pqr"), numbers | st.text(max_size=5), max_size=2),
)
notes = st.builds(Note, id=names, text=st.text(max_size=8))
groups = st.builds(Group, id=names, nodes=st.lists(names, unique=True, max_size=3).map(tuple))
some = st.lists(names, max_size=3).map(tuple)


variables = st.lists(
    st.builds(
        FlowVariable, name=names, value=st.sampled_from(["x", 1, True, None, {"a": []}]),
        environments=st.dictionaries(st.sampled_from(["test", "production"]), numbers, max_size=2),
    ),
    max_size=2, unique_by=lambda one: one.name,
).map(tuple)  # fmt: skip


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Any flow a file may hold, doubtful ones too: dangling wires, places of nothing."""
    taken: set[str] = set()

    def free(items: list[Any]) -> tuple[Any, ...]:
        return tuple(i for i in items if not (i.id in taken or taken.add(i.id)))

    return Flow(
        name=draw(st.sampled_from(["One", "Two"])),
        variables=draw(variables),
        nodes=free(draw(st.lists(nodes, max_size=6))),
        edges=tuple(
            Edge(source=w.source, target=w.target) for w in draw(st.lists(wires, max_size=6))
        ),
        notes=free(draw(st.lists(notes, max_size=2))),
        groups=free(draw(st.lists(groups, max_size=2))),
        layout=draw(st.dictionaries(names, places, max_size=5)),
    )


simple_ops = st.one_of(
    st.builds(AddNode, node=nodes, at=st.none() | places),
    st.builds(
        Remove, nodes=some, edges=st.lists(wires, max_size=2).map(tuple), notes=some, groups=some
    ),
    st.builds(
        lambda w, r: Connect(source=w.source, target=w.target, replace=r), wires, st.booleans()
    ),
    st.builds(lambda w: Disconnect(source=w.source, target=w.target), wires),
    st.builds(Replug, old=wires, new=wires, replace=st.booleans()),
    st.builds(
        SetParams,
        node=names,
        params=st.dictionaries(st.sampled_from("pqr"), numbers, max_size=2),
        unset=st.lists(st.sampled_from("pqr"), max_size=2).map(tuple),
    ),
    st.builds(Rename, node=names, title=st.none() | st.just("New name")),
    st.builds(SetId, node=names, id=names),
    st.builds(SetRun, node=names, run=st.just({"retries": 3})),
    st.builds(Disable, nodes=some, disabled=st.booleans()),
    st.builds(Move, places=st.dictionaries(names, places, max_size=3)),
    st.builds(AddNote, note=notes, at=st.none() | places),
    st.builds(EditNote, note=names, text=st.none() | st.just("hello"), color=st.just("pink")),
    st.builds(AddGroup, group=groups, at=st.none() | places),
    st.builds(EditGroup, group=names, folded=st.booleans(), nodes=st.none() | some),
    st.builds(
        SetMeta,
        name=st.none() | st.just("Three"),
        description=st.none() | st.just("d"),
        variables=st.none() | variables,
    ),
    st.builds(Replace, flow=flows()),
)
operations = simple_ops | st.builds(
    lambda ops: Batch(ops=tuple(ops), label="several"), st.lists(simple_ops, max_size=4)
)


@settings(max_examples=400, deadline=None)
@given(flows(), operations)
def test_every_edit_can_be_taken_back_and_made_again(flow, op):
    try:
        after = apply(flow, op)
    except EditError:
        return
    undo = inverse(flow, op)
    assert apply(after, undo) == flow
    redo = inverse(after, undo)
    assert apply(flow, redo) == after


@settings(max_examples=200, deadline=None)
@given(operations)
def test_operations_survive_json(op):
    data = dump_operation(op)
    assert dump_operation(parse_operation(data)) == data
    assert parse_operation(data) == op


@settings(max_examples=200, deadline=None)
@given(flows(), flows())
def test_the_difference_of_two_flows_leads_from_one_to_the_other(one, two):
    assert apply(one, diff(one, two)) == two
    assert diff(one, one) == diff(two, two)


# --- single edits ---------------------------------------------------------------------------------


def test_removing_a_node_takes_its_wires_its_place_and_its_membership():
    flow = CHAIN.model_copy(
        update={
            "groups": (Group(id="g", nodes=("a", "b")),),
            "layout": {"b": Place(x=1, y=2), "a": Place(x=0, y=0)},
        }
    )
    after = apply(flow, Remove(nodes=("b",)))
    assert [n.id for n in after.nodes] == ["a", "c"]
    assert after.edges == ()
    assert after.groups[0].nodes == ("a",)
    assert after.layout == {"a": Place(x=0, y=0)}


def test_a_replugged_wire_keeps_its_place_in_the_order():
    flow = flow_of("a", "b", "c", edges=(("a.out", "c.docs"), ("b.out", "c.docs")))
    after = apply(
        flow,
        Replug(
            old=Wire(source="a.out", target="c.docs"), new=Wire(source="a.other", target="c.docs")
        ),
    )
    assert [e.source for e in after.edges] == ["a.other", "b.out"]


def test_a_single_value_port_gives_way_to_the_new_wire():
    flow = flow_of("a", "b", "c", edges=(("a.out", "c.in"),))
    after = apply(flow, Connect(source="b.out", target="c.in", replace=True))
    assert [e.source for e in after.edges] == ["b.out"]


def test_a_new_id_follows_through_wires_groups_and_layout():
    flow = CHAIN.model_copy(
        update={"groups": (Group(id="g", nodes=("b",)),), "layout": {"b": Place(x=1, y=1)}}
    )
    after = apply(flow, SetId(node="b", id="bee"))
    assert [(e.source, e.target) for e in after.edges] == [("a.out", "bee.in"), ("bee.out", "c.in")]
    assert after.groups[0].nodes == ("bee",)
    assert "bee" in after.layout


def test_a_batch_happens_whole_or_not_at_all():
    with pytest.raises(EditError, match='no node "ghost"'):
        apply(CHAIN, Batch(ops=(Remove(nodes=("a",)), Rename(node="ghost", title="x"))))


def test_run_policy_is_checked():
    assert apply(CHAIN, SetRun(node="a", run={"retries": 2})).node("a").run == RunPolicy(retries=2)
    with pytest.raises(EditError, match="retries"):
        apply(CHAIN, SetRun(node="a", run={"retries": -1}))


@pytest.mark.parametrize(
    ("op", "words"),
    [
        (AddNode(node=NodeInstance(id="a", kind="k")), 'already something called "a"'),
        (Remove(nodes=("ghost",)), "not there any more"),
        (Connect(source="a.out", target="b.in"), "already wired"),
        (Connect(source="a.out", target="a.in"), "wired to itself"),
        (Connect(source="a.out", target="ghost.in"), 'no node "ghost"'),
        (Disconnect(source="a.out", target="c.in"), "no wire"),
        (SetId(node="a", id="b"), 'already something called "b"'),
        (EditNote(note="n"), 'no note "n"'),
        (EditGroup(group="g"), 'no group "g"'),
        (Move(places={"ghost": Place(x=0, y=0)}), "not there any more"),
    ],
)
def test_an_edit_that_makes_no_sense_says_why(op, words):
    with pytest.raises(EditError, match=words):
        apply(CHAIN, op)


def test_ids_are_readable():
    assert fresh_id("Prompt template", []) == "prompt-template"
    assert fresh_id("prompt", ["prompt", "prompt-2"]) == "prompt-3"
    assert fresh_id("3 wishes", []) == "n-3-wishes"
    assert fresh_id("…", []) == "node"


def test_changes_in_words():
    new = apply(
        CHAIN,
        Batch(
            ops=(
                AddNode(node=NodeInstance(id="d", kind="test.box", title="Search")),
                SetParams(node="a", params={"template": "Hi"}),
                Replug(
                    old=Wire(source="a.out", target="b.in"), new=Wire(source="a.out", target="b.x")
                ),
                Rename(node="c", title="Answer"),
            )
        ),
    )
    assert changes(CHAIN, new) == [
        'Node "Search" added.',
        '`template` of "a" changed.',
        'Node "c" renamed to "Answer".',
        "Wire a.out → b.in moved to a.out → b.x.",
    ]


def test_changes_in_words_call_nodes_by_their_titles_where_a_catalog_tells_them():
    first = NodeInstance(id="first", kind="prompt.template", params={"template": "a {text}"})
    second = NodeInstance(id="second", kind="prompt.template", params={"template": "b {text}"})
    old = Flow(
        nodes=(NodeInstance(id="given", kind="io.value"), first, second),
        edges=(Edge(source="given.value", target="first.text"),),
    )
    new = apply(
        old,
        Batch(
            ops=(
                SetParams(node="second", params={"template": "c {text}"}),
                Connect(source="first.text", target="second.text"),
                Remove(nodes=("given",)),
            )
        ),
    )
    assert changes(old, new, load_catalog()) == [
        'Node "Value" removed.',
        'Template of "Prompt template: c {text}" changed.',
        'Wire text of "Prompt template: a {text}" → text of "Prompt template: c {text}" added.',
        'Wire value of "Value" → text of "Prompt template: a {text}" removed.',
    ]
