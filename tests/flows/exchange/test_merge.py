"""Three-way merges of flows: by nodes, params and wires; and git's driver, for real."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patchbay.flows.cli.app import build
from patchbay.flows.document.model import Edge, Flow, Group, NodeInstance, Note, Place
from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.exchange.three_way import merge, with_notes

BASE = Flow(
    name="Case",
    nodes=(
        NodeInstance(id="ask", kind="io.input", params={"name": "question"}),
        NodeInstance(id="prompt", kind="prompt.template", params={"template": "Say {question}"}),
        NodeInstance(id="out", kind="io.output"),
    ),
    edges=(
        Edge.model_validate({"from": "ask.value", "to": "prompt.question"}),
        Edge.model_validate({"from": "prompt.text", "to": "out.value"}),
    ),
    notes=(Note(id="note", text="Hello"),),
    groups=(Group(id="group", nodes=("ask", "prompt")),),
    layout={"ask": Place(x=0, y=0), "prompt": Place(x=300, y=0), "out": Place(x=600, y=0)},
)


def node(flow: Flow, name: str, **params: object) -> Flow:
    nodes = tuple(
        n.model_copy(update={"params": {**n.params, **params}}) if n.id == name else n
        for n in flow.nodes
    )
    return flow.model_copy(update={"nodes": nodes})


def added(flow: Flow, name: str, kind: str = "text.join") -> Flow:
    made = NodeInstance(id=name, kind=kind)
    return flow.model_copy(update={"nodes": (*flow.nodes, made)})


def wired(flow: Flow, source: str, target: str) -> Flow:
    edge = Edge.model_validate({"from": source, "to": target})
    return flow.model_copy(update={"edges": (*flow.edges, edge)})


def without(flow: Flow, name: str) -> Flow:
    return flow.model_copy(
        update={
            "nodes": tuple(n for n in flow.nodes if n.id != name),
            "edges": tuple(e for e in flow.edges if name not in (e.source_node, e.target_node)),
        }
    )


def test_params_of_one_node_come_together():
    done = merge(BASE, node(BASE, "ask", default="a"), node(BASE, "ask", description="b"))
    assert done.conflicts == []
    assert done.flow.node("ask").params == {"name": "question", "default": "a", "description": "b"}


def test_the_same_edit_on_both_sides_is_one():
    both = added(node(BASE, "ask", default="a"), "join")
    assert merge(BASE, both, both) == merge(BASE, both, BASE)
    assert merge(BASE, BASE, both).flow == both


def test_two_people_adding_nodes_never_conflict():
    ours = added(BASE, "join", "text.join")
    theirs = wired(added(BASE, "join", "text.split"), "prompt.text", "join.text")
    done = merge(BASE, ours, theirs)
    assert done.conflicts == []
    found = {(n.id, n.kind) for n in done.flow.nodes}
    assert found >= {("join", "text.join"), ("join-2", "text.split")}
    assert ("prompt.text", "join-2.text") in {(e.source, e.target) for e in done.flow.edges}


def test_layout_never_conflicts_and_ours_stays():
    ours = BASE.model_copy(update={"layout": {**BASE.layout, "ask": Place(x=1, y=1)}})
    theirs = BASE.model_copy(
        update={"layout": {**BASE.layout, "ask": Place(x=2, y=2), "out": Place(x=9, y=9)}}
    )
    done = merge(BASE, ours, theirs)
    assert done.conflicts == []
    assert (done.flow.layout["ask"].x, done.flow.layout["out"].x) == (1, 9)


def test_one_param_in_two_ways_is_named_and_shown():
    done = merge(BASE, node(BASE, "prompt", template="A"), node(BASE, "prompt", template="B"))
    assert [str(c) for c in done.conflicts] == ['prompt.template: ours is "A", theirs is "B"']
    shown = with_notes(done)
    assert shown.node("prompt").params["template"] == "A"
    assert shown.notes[-1].text == 'Conflict in prompt.template: ours is "A", theirs is "B"'
    assert shown.layout[shown.notes[-1].id].x == shown.layout["prompt"].x


def test_notes_of_conflicts_cover_nothing():
    column = {name: Place(x=0, y=y) for name, y in (("ask", 0), ("prompt", 180), ("out", 360))}
    base = BASE.model_copy(update={"layout": column})
    ours = node(node(base, "prompt", template="A", note="x"), "ask", default="a")
    theirs = node(node(base, "prompt", template="B", note="y"), "ask", default="b")
    named = [f.model_copy(update={"name": n}) for f, n in ((ours, "Ours"), (theirs, "Theirs"))]
    done = merge(base, *named)
    shown = with_notes(done)
    texts = [note.text for note in shown.notes[len(base.notes) :]]
    assert len(texts) == 3, "one a node, and one of the flow"
    assert sum(text.count("theirs is") for text in texts) == len(done.conflicts) == 4
    places = [(p.x, p.y, p.w or 270, p.h or 150) for p in shown.layout.values()]
    for number, (x, y, w, h) in enumerate(places):
        for x2, y2, w2, h2 in places[number + 1 :]:
            assert x >= x2 + w2 or x2 >= x + w or y >= y2 + h2 or y2 >= y + h


def test_true_and_one_are_not_the_same():
    done = merge(BASE, node(BASE, "ask", default=True), node(BASE, "ask", default=1))
    assert len(done.conflicts) == 1


@pytest.mark.parametrize("swap", [False, True])
def test_removed_here_and_changed_there_stays_and_is_named(swap: bool):
    sides = [without(BASE, "prompt"), node(BASE, "prompt", template="B")]
    done = merge(BASE, *(reversed(sides) if swap else sides))
    assert done.flow.node("prompt").params["template"] == "B"
    assert [c.node for c in done.conflicts] == ["prompt"]


def test_removed_here_and_untouched_there_goes_with_its_wires():
    done = merge(BASE, without(BASE, "prompt"), node(BASE, "ask", default="a"))
    assert done.conflicts == []
    assert [n.id for n in done.flow.nodes] == ["ask", "out"]
    assert done.flow.edges == ()
    assert done.flow.groups[0].nodes == ("ask",)


def test_a_port_that_takes_one_wire_gets_one():
    ours = wired(added(BASE, "a"), "a.text", "ask.x")
    theirs = wired(added(BASE, "b"), "b.text", "ask.x")
    assert merge(BASE, ours, theirs).conflicts == []
    done = merge(BASE, ours, theirs, many=lambda node, port: False)
    assert [str(c) for c in done.conflicts] == ["ask.x: ours wires it to a.text, theirs to b.text"]
    assert [e.source for e in done.flow.edges if e.target == "ask.x"] == ["a.text"]


def test_a_key_is_not_told_in_a_conflict():
    key = "sk-" + "a1B2" * 10
    done = merge(BASE, node(BASE, "ask", default=key), node(BASE, "ask", default="x"))
    assert key not in str(done.conflicts[0])


def patchbay(*arguments: object) -> tuple[int, str]:
    words = [str(word) for word in arguments]
    done = CliRunner().invoke(build(words[0]), words)
    return done.exit_code, done.output


def test_the_difference_in_words_and_as_a_picture(tmp_path: Path):
    save_flow(BASE, tmp_path / "a.json")
    save_flow(added(without(BASE, "out"), "join"), tmp_path / "b.json")
    code, said = patchbay("diff", tmp_path / "a.json", tmp_path / "b.json")
    assert code == 1
    assert 'Node "join" added.' in said
    assert 'Node "out" removed.' in said
    _, picture = patchbay("diff", tmp_path / "a.json", tmp_path / "b.json", "--mermaid")
    assert "classDef added" in picture
    assert "classDef removed" in picture
    assert patchbay("diff", tmp_path / "a.json", tmp_path / "a.json")[0] == 0


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_git_merges_flows_by_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    git(tmp_path, "init", "-q", "-b", "main")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    code, said = patchbay("git-setup")
    assert code == 0, said
    file = tmp_path / "flow.json"

    def commit(flow: Flow, words: str) -> None:
        save_flow(flow, file)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", words)

    commit(BASE, "base")
    git(tmp_path, "checkout", "-qb", "theirs")
    commit(node(added(BASE, "join"), "prompt", template="Theirs {question}"), "theirs")
    git(tmp_path, "checkout", "-q", "main")
    commit(added(node(BASE, "ask", default="a"), "split", "text.split"), "ours")
    done = git(tmp_path, "merge", "-q", "theirs", "-m", "merged")
    assert done.returncode == 0, done.stdout + done.stderr
    flow = read_flow(file)
    assert {n.id for n in flow.nodes} == {"ask", "prompt", "out", "join", "split"}
    assert flow.node("prompt").params["template"] == "Theirs {question}"

    git(tmp_path, "checkout", "-qb", "other", "HEAD~1")
    commit(node(BASE, "prompt", template="Other {question}"), "other")
    assert git(tmp_path, "merge", "-q", "main", "-m", "again").returncode != 0
    assert json.loads(file.read_text())["notes"][-1]["text"].startswith(
        "Conflict in prompt.template"
    )
