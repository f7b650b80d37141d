"""The document puts everybody's edits in one order, saves them, and overwrites nobody."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchbay.flows.document.edit import EditError, apply
from patchbay.flows.document.model import Edge, Flow, NodeInstance, Place
from patchbay.flows.document.operations import (
    Connect,
    Move,
    Remove,
    Rename,
    Replace,
    SetParams,
    parse_operation,
)
from patchbay.flows.document.patch import edge_key
from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.writing import canonical_text, save_flow
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.opened import Documents
from patchbay.studio.documents.timeline import LOG
from patchbay.studio.documents.versions import Versions

START = Flow(
    name="Test",
    nodes=(NodeInstance(id="a", kind="k"), NodeInstance(id="b", kind="k")),
    edges=(Edge(source="a.out", target="b.in"),),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "flow.json"
    save_flow(START, file)
    return file


def added(name: str) -> dict:
    return {"op": "add_node", "node": {"id": name, "kind": "k"}}


def item(seq: int, op: dict, at: int = 0) -> dict:
    return {"seq": seq, "at": at, "op": op}


def ids(document: FlowDocument) -> list[str]:
    return [node.id for node in document.flow.nodes]


# --- the order of edits ---------------------------------------------------------------------------


def test_what_was_taken_before_is_skipped():
    document = FlowDocument(None, START)
    first, second = item(1, added("x")), item(2, added("y"))
    document.submit("me", [first])
    document.submit("me", [first, second])
    document.submit("me", [first, second])
    assert ids(document) == ["a", "b", "x", "y"]
    assert document.revision == 2


def test_others_hear_the_edit_and_the_one_who_made_it_only_its_number():
    document = FlowDocument(None, START)
    document.submit("me", [item(1, added("x"))])
    mine, theirs = document.since("me", 0), document.since("you", 0)
    assert mine["ops"] == [{"r": 1, "s": 1}]
    assert mine["ack"] == 1
    assert theirs["ops"] == [{"r": 1, "o": {"op": "add_node", "node": {"id": "x", "kind": "k"}}}]
    assert "snap" not in mine


def test_a_new_or_late_client_gets_the_whole_flow():
    document = FlowDocument(None, START)
    assert document.since("me", None)["snap"]["name"] == "Test"
    for number in range(LOG + 5):
        document.apply(Rename(node="a", title=str(number)))
    assert "snap" in document.since("me", 3)
    assert "snap" not in document.since("me", document.revision - 2)
    assert document.flow_at(document.revision - LOG) is not None
    assert document.flow_at(document.revision - LOG - 1) is None


def test_what_cannot_be_done_is_told_in_words():
    document = FlowDocument(None, START)
    document.submit(
        "me",
        [
            item(1, {"op": "rename", "node": "ghost", "title": "x"}),
            item(2, {"op": "nonsense"}),
            item(3, {"op": "replace", "flow": {}}),
            item(4, added("x")),
        ],
    )
    update = document.since("me", 0)
    assert update["rejected"] == [
        {"seq": 1, "message": 'There is no node "ghost".'},
        {"seq": 2, "message": "That edit is malformed."},
        {"seq": 3, "message": "A whole flow is replaced on the server only."},
    ]
    assert update["ack"] == 4
    assert ids(document) == ["a", "b", "x"]


def test_two_people_give_one_name_at_once_and_both_nodes_stay():
    document = FlowDocument(None, START)
    document.submit("one", [item(1, added("ask"))])
    wire = {"op": "connect", "from": "ask.out", "to": "a.in"}
    document.submit("two", [item(1, added("ask")), item(2, wire)])
    assert ids(document) == ["a", "b", "ask", "ask-2"]
    assert document.flow.edges[-1].source == "ask-2.out"
    # What the second person does after seeing the outcome means what it says.
    rename = {"op": "rename", "node": "ask", "title": "First"}
    document.submit("two", [item(3, rename, at=document.revision)])
    assert document.flow.node("ask").title == "First"


def test_commands_come_in_order_among_edits_and_once():
    document = FlowDocument(None, START)
    message = [item(1, added("x")), {"seq": 2, "at": 0, "cmd": {"name": "run", "arg": ""}}]
    assert document.submit("me", message) == [{"name": "run", "arg": ""}]
    assert document.submit("me", message) == []
    assert document.since("me", 0)["ack"] == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["one", "two"]), st.integers(0, 9)), max_size=12))
def test_browsers_that_follow_the_updates_end_with_the_servers_flow(steps):
    """A client that applies what it is told, in order, always arrives at the same flow."""
    document = FlowDocument(None, START)
    flows = {"one": START, "two": START}
    seen = {"one": 0, "two": 0}
    sent: dict[str, list] = {"one": [], "two": []}
    for client, choice in steps:
        seq = len(sent[client]) + 1
        op = [
            added(f"n{choice}"),
            {"op": "remove", "nodes": [f"n{choice}"]},
            {"op": "move", "places": {"a": {"x": choice, "y": 0}}},
            {"op": "undo"},
        ][choice % 4]
        sent[client].append(op)
        document.submit(client, [item(seq, op, at=seen[client])])
        for name in (client,) if choice % 2 else ("one", "two"):
            update = document.since(name, seen[name])
            for entry in update["ops"]:
                known = sent[name][entry["s"] - 1] if "s" in entry else None
                flows[name] = apply(flows[name], parse_operation(entry.get("o") or known))
            seen[name] = update["rev"]
    for name in flows:
        for entry in document.since(name, seen[name])["ops"]:
            known = sent[name][entry["s"] - 1] if "s" in entry else None
            flows[name] = apply(flows[name], parse_operation(entry.get("o") or known))
        assert flows[name] == document.flow


def test_edits_from_many_threads_are_all_kept():
    document = FlowDocument(None, START)

    def work(name: str) -> None:
        for number in range(1, 21):
            document.submit(name, [item(number, added(f"{name}{number}"))])

    threads = [threading.Thread(target=work, args=(name,)) for name in "cdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(document.flow.nodes) == 82
    assert document.revision == 80


# --- undo -----------------------------------------------------------------------------------------


def test_everybody_takes_back_their_own():
    document = FlowDocument(None, START)
    document.submit("one", [item(1, added("x"))])
    document.submit("two", [item(1, added("y"))])
    document.undo("one")
    assert ids(document) == ["a", "b", "y"]
    assert document.undo("one") is None
    document.redo("one")
    assert sorted(ids(document)) == ["a", "b", "x", "y"]
    document.undo("two")
    assert ids(document) == ["a", "b", "x"]


def test_undo_from_the_canvas_is_an_edit_like_any_other():
    document = FlowDocument(None, START)
    document.submit("me", [item(1, {"op": "remove", "nodes": ["a"]}), item(2, {"op": "undo"})])
    assert document.flow == START
    update = document.since("me", 0)
    assert update["ops"][1]["o"]["op"] == "patch"
    assert update["undo"] == [0, 1]


def test_typing_in_one_field_is_one_step():
    now = [0.0]
    document = FlowDocument(None, START, clock=lambda: now[0])
    for text in ("H", "He", "Hey"):
        document.apply(SetParams(node="a", params={"template": text}), client="me")
        now[0] += 1
    now[0] += 60
    document.apply(SetParams(node="a", params={"template": "Hey you"}), client="me")
    document.undo("me")
    assert document.flow.node("a").params == {"template": "Hey"}
    document.undo("me")
    assert document.flow == START


def test_a_wire_to_a_node_that_is_gone_does_not_come_back():
    document = FlowDocument(None, START)
    document.apply(Remove(nodes=("a",)), client="me")
    document.apply(Remove(nodes=("b",)), client="you")
    document.undo("me")
    assert ids(document) == ["a"]
    assert document.flow.edges == ()


def test_what_cannot_be_undone_any_more_says_so():
    document = FlowDocument(None, START)
    document.apply(Rename(node="a", title="Ask"), client="me")
    document.apply(Remove(nodes=("a",)), client="you")
    with pytest.raises(EditError, match="cannot be undone any more"):
        document.undo("me")


# --- the file -------------------------------------------------------------------------------------


def test_saving_is_canonical_and_every_save_is_a_version(path: Path, tmp_path: Path):
    versions = Versions(tmp_path / "home", path)
    document = FlowDocument(path, versions=versions)
    document.apply(Rename(node="a", title="Ask"))
    assert not document.saved
    assert document.save()
    assert document.saved
    assert path.read_text() == canonical_text(document.flow)
    listed = versions.list()
    assert [v.changes for v in listed] == [('Node "a" renamed to "Ask".',), ("First version.",)]
    assert versions.read(listed[-1].digest) == START
    document.apply(Replace(flow=versions.read(listed[-1].digest)), client="me")
    document.save()
    assert read_flow(path) == START
    document.undo("me")
    assert document.flow.node("a").title == "Ask"


def test_a_version_is_named_by_what_it_holds_only(path: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="does not name a version"):
        Versions(tmp_path, path).read("../../etc/passwd")


def test_a_change_by_another_program_shows_up(path: Path):
    document = FlowDocument(path)
    save_flow(apply(START, Rename(node="b", title="Theirs")), path)
    document.poll()
    assert document.flow.node("b").title == "Theirs"
    assert document.saved
    assert document.since("me", 0)["ops"][0]["o"]["op"] == "replace"


def test_a_change_by_another_program_is_never_overwritten(path: Path, tmp_path: Path):
    versions = Versions(tmp_path / "home", path)
    document = FlowDocument(path, versions=versions)
    document.apply(Rename(node="a", title="Mine"))
    theirs = apply(START, Rename(node="b", title="Theirs"))
    save_flow(theirs, path)
    assert not document.save()
    assert document.conflict is not None
    assert read_flow(path) == theirs
    document.apply(Move(places={"a": Place(x=1, y=1)}))
    assert not document.save()
    document.keep_mine()
    assert read_flow(path).node("a").title == "Mine"
    assert document.saved
    assert theirs in [versions.read(version.digest) for version in versions.list()]


def test_theirs_can_be_taken_and_mine_is_kept_as_a_version(path: Path, tmp_path: Path):
    versions = Versions(tmp_path / "home", path)
    document = FlowDocument(path, versions=versions)
    document.apply(Rename(node="a", title="Mine"), client="me")
    mine = document.flow
    save_flow(apply(START, Rename(node="b", title="Theirs")), path)
    document.poll()
    document.take_theirs()
    assert document.flow.node("b").title == "Theirs"
    assert document.saved
    assert mine in [versions.read(version.digest) for version in versions.list()]


def test_a_file_that_became_no_flow_is_a_conflict(path: Path):
    document = FlowDocument(path)
    path.write_text("{ half a fi")
    document.poll()
    assert document.conflict is not None
    assert document.conflict.theirs is None
    assert document.flow == START
    document.keep_mine()
    assert read_flow(path) == START


@pytest.fixture
def torn(path: Path, tmp_path: Path) -> FlowDocument:
    """Changed here, changed by another program, and then changed by that program once more."""
    document = FlowDocument(path, versions=Versions(tmp_path / "home", path))
    document.apply(Rename(node="a", title="Mine"))
    save_flow(apply(START, Rename(node="b", title="Theirs")), path)
    document.poll()
    assert document.conflict is not None
    save_flow(apply(START, Rename(node="b", title="Theirs, later")), path)
    return document


def titles(document: FlowDocument, node: str) -> set[str | None]:
    """What a node was called in any version that was kept."""
    assert document.versions is not None
    kept = [document.versions.read(version.digest) for version in document.versions.list()]
    return {flow.node(node).title for flow in kept}


def test_keeping_mine_keeps_what_they_wrote_until_that_moment(torn: FlowDocument, path: Path):
    torn.keep_mine()
    assert torn.conflict is None
    assert torn.saved
    assert read_flow(path) == torn.flow
    assert torn.flow.node("a").title == "Mine"
    assert "Theirs, later" in titles(torn, "b")
    torn.apply(Rename(node="a", title="Mine again"))
    assert torn.save()


def test_taking_theirs_takes_what_is_there_at_that_moment(torn: FlowDocument, path: Path):
    torn.take_theirs()
    assert torn.conflict is None
    assert torn.saved
    assert torn.flow == read_flow(path)
    assert torn.flow.node("b").title == "Theirs, later"
    assert "Mine" in titles(torn, "a")
    torn.apply(Rename(node="a", title="After"))
    assert torn.save()
    assert (read_flow(path).node("a").title, read_flow(path).node("b").title) == (
        "After", "Theirs, later",
    )  # fmt: skip


def test_a_text_that_is_no_flow_is_not_lost_and_cannot_be_taken(torn: FlowDocument, path: Path):
    path.write_text("{ half a fi")
    torn.take_theirs()
    assert torn.conflict is not None
    assert "file/not-json" in torn.conflict.message
    assert torn.flow.node("a").title == "Mine"
    torn.keep_mine()
    assert read_flow(path).node("a").title == "Mine"
    assert path.with_name("flow.json.theirs").read_text() == "{ half a fi"


def test_a_file_that_is_gone_is_written_again(torn: FlowDocument, path: Path):
    path.unlink()
    torn.keep_mine()
    assert torn.saved
    assert read_flow(path).node("a").title == "Mine"


def test_what_looks_like_a_key_is_not_saved(path: Path):
    document = FlowDocument(path)
    key = "sk-" + "a1B2c3D4" * 5
    document.apply(SetParams(node="a", params={"key": key}))
    assert not document.save()
    assert document.save_error is not None
    assert key not in str(document.save_error)
    assert read_flow(path) == START
    document.apply(SetParams(node="a", unset=("key",)))
    document.save()
    assert document.save_error is None


def test_everybody_gets_one_document_and_hears_of_changes(path: Path, tmp_path: Path):
    documents = Documents(tmp_path / "home", background=False)
    document = documents.open(path)
    assert documents.open(path.parent / "." / path.name) is document
    assert documents.by_id(document.id) is document
    assert documents.by_id("0") is None
    assert Documents(background=False).by_id(document.id) is None
    heard: list[int] = []
    leave = document.subscribe(lambda: heard.append(document.revision))
    document.apply(Rename(node="a", title="x"))
    leave()
    document.apply(Rename(node="a", title="y"))
    assert heard == [1]
    documents.tick(now=document.touched + 0.1)
    assert not document.saved
    documents.tick(now=document.touched + 1)
    assert document.saved
    assert read_flow(path).node("a").title == "y"


def test_a_document_is_found_while_a_page_holds_it(path: Path):
    """Its file was renamed: what a browser still sends must not go to the next document."""
    documents = Documents(background=False)
    document = documents.open(path)
    documents.close(path)
    again = documents.open(path)
    assert documents.by_id(document.id) is document
    assert documents.by_id(again.id) is again
    gone = document.id
    del document
    gc.collect()
    assert documents.by_id(gone) is None


def test_problems_are_looked_for_once_per_revision():
    looked: list[Flow] = []
    document = FlowDocument(None, START, check=lambda flow: looked.append(flow) or ())
    document.problems()
    document.problems()
    document.apply(Connect(source="b.out", target="a.in"))
    document.problems()
    assert len(looked) == 2


def test_edge_keys_name_both_ends():
    assert edge_key(START.edges[0]) == "a.out>b.in"
