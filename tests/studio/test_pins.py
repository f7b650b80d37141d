"""Values that people pin: kept beside the flow, used by runs of the studio, told to browsers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.document.operations import Remove
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import FlowError
from patchbay.studio.documents import pins as pins_module
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.opened import Documents
from patchbay.studio.documents.pins import Pin, Pins
from patchbay.studio.inspector.pinning import (
    change_pins,
    for_run,
    pin_of,
    plan_words,
    ran,
    told_pins,
)
from patchbay.studio.inspector.routes import routes
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.server.cookie import COOKIE
from patchbay.studio.server.services import services

PINNED = Pin("io.value", {"value": "Mine"}, edited=True)
ANN, BOB = "ann-0123456789abcdef", "bob-0123456789abcdef"


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlowDocument:
    """given → prompt → out, and `data`, which is JSON."""
    nodes = (
        NodeInstance(id="given", kind="io.value", params={"value": "Hello"}),
        NodeInstance(id="prompt", kind="prompt.template", params={"template": "Say {what}"}),
        NodeInstance(
            id="data", kind="io.value", title="Data", params={"type": "json", "value": {"a": 1}}
        ),
        NodeInstance(id="out", kind="io.output", params={"name": "said"}),
    )
    edges = (
        Edge(source="given.value", target="prompt.what"),
        Edge(source="prompt.text", target="out.value"),
    )
    save_flow(Flow(name="Pins", nodes=nodes, edges=edges), tmp_path / "flow.json")
    documents = Documents(tmp_path / "home", background=False)
    monkeypatch.setattr(services(), "documents", documents)
    return documents.open(tmp_path / "flow.json")


def run(document: FlowDocument) -> LiveRun:
    live = services().runner.start(
        document.id, ANN, document.flow, {}, folder=document.folder, pinned=for_run(document)
    )
    ran(document)
    end = time.monotonic() + 240
    while live.active:
        assert time.monotonic() < end, "the run does not end"
        time.sleep(0.02)
    return live


def test_what_a_node_gave_is_pinned_and_used_instead_of_running_it(document: FlowDocument) -> None:
    before = run(document)
    assert before.progress.outputs == {"said": "Say Hello"}
    told = change_pins(document, ANN, {"pin": ["prompt"]})
    assert told == {
        "pins": {"turn": 1, "nodes": {"prompt": {"gist": "Say Hello"}}}, "message": "",
    }  # fmt: skip
    given = NodeInstance(id="given", kind="io.value", params={"value": "Good night"})
    changed = document.flow.model_copy(update={"nodes": (given, *document.flow.nodes[1:])})
    assert changed.nodes[0] != document.flow.nodes[0]
    live = run(document)
    assert live.progress.outputs == {"said": "Say Hello"}
    assert live.progress.nodes["prompt"].status == "cached"
    assert "given" not in live.progress.nodes, "nothing else needs it"
    assert plan_words(document) == ('Pinned, not run: "Prompt template". Not needed then: "Value".')
    change_pins(document, ANN, {"unpin": ["prompt"]})
    assert "given" in run(document).progress.nodes
    assert plan_words(document) == ""


def test_pins_outlive_the_studio_and_not_the_node(document: FlowDocument, tmp_path: Path) -> None:
    change_pins(document, ANN, {"node": "prompt", "values": {"text": "By hand"}})
    again = Documents(tmp_path / "home", background=False).open(tmp_path / "flow.json")
    assert told_pins(again)["nodes"] == {"prompt": {"gist": "By hand", "edited": True}}
    assert "By hand" not in (tmp_path / "flow.json").read_text("utf-8"), "never in the flow"
    again.apply(Remove(nodes=("prompt",)), client="me")
    assert told_pins(again)["nodes"] == {}
    again.undo("me")
    assert list(told_pins(again)["nodes"]) == ["prompt"]


def test_a_value_for_one_run_goes_with_it(document: FlowDocument) -> None:
    change_pins(document, ANN, {"node": "prompt", "values": {"text": "Once"}, "once": True})
    assert told_pins(document)["nodes"]["prompt"] == {"gist": "Once", "edited": True, "once": True}
    assert run(document).progress.outputs == {"said": "Once"}
    assert told_pins(document)["nodes"] == {}
    assert run(document).progress.outputs == {"said": "Say Hello"}


def test_a_node_that_is_run_anew_is_not_taken_from_its_pin(document: FlowDocument) -> None:
    change_pins(document, ANN, {"node": "prompt", "values": {"text": "Pinned"}})
    assert for_run(document, "prompt") == {}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"pin": ["prompt"]}, "gave nothing in the last run"),
        ({"node": "gone", "values": {"text": "x"}}, "no such node"),
        ({"node": "prompt", "values": {"other": "x"}}, 'nothing called "other"'),
        ({"node": "prompt", "values": {}}, "at least one"),
        ({"node": "prompt", "values": "x"}, "no such node"),
        ({"node": "data", "values": {"value": "{"}}, "no JSON"),
    ],
)
def test_what_cannot_be_pinned_says_why(
    document: FlowDocument, asked: dict[str, Any], said: str
) -> None:
    told = change_pins(document, ANN, asked)
    assert said in told["message"]
    assert told["pins"] == {"turn": 0, "nodes": {}}


def test_what_can_be_edited_is_told_as_it_is_typed(document: FlowDocument) -> None:
    assert pin_of(document, ANN, "prompt") == {
        "ports": [{"name": "text", "types": ["text"], "plain": True}], "pinned": False,
    }  # fmt: skip
    run(document)
    found = pin_of(document, ANN, "prompt")
    assert found is not None
    assert found["ports"][0]["text"] == "Say Hello"
    unasked = pin_of(document, BOB, "prompt")
    assert unasked is not None
    assert "text" not in unasked["ports"][0], "another person's run"
    change_pins(document, ANN, {"node": "data", "values": {"value": '{"a": [1, 2]}'}})
    data = pin_of(document, ANN, "data")
    assert data is not None
    assert data["pinned"]
    assert data["ports"][0]["text"] == '{\n  "a": [\n    1,\n    2\n  ]\n}'
    assert for_run(document) == {"data": {"value": {"a": [1, 2]}}}
    assert pin_of(document, ANN, "nobody") is None


def test_too_much_is_refused_and_what_was_pinned_stays(
    document: FlowDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_pins(document, ANN, {"node": "prompt", "values": {"text": "small"}})
    monkeypatch.setattr(pins_module, "LIMIT", 400)
    told = change_pins(document, ANN, {"node": "prompt", "values": {"text": "x" * 400}})
    assert "more than" in told["message"]
    assert told["pins"]["nodes"]["prompt"]["gist"] == "small"


def test_a_damaged_file_is_no_pin(tmp_path: Path) -> None:
    flow = Flow(nodes=(NodeInstance(id="a", kind="io.value"),))
    pins = Pins(tmp_path, tmp_path / "flow.json")
    pins.put({"a": Pin("io.value", {"value": 1}), "b": Pin("io.value", {"value": 2})})
    assert list(Pins(tmp_path, tmp_path / "flow.json").of(flow)) == ["a"]
    pins.move(tmp_path, tmp_path / "other.json")
    assert list(Pins(tmp_path, tmp_path / "other.json").of(flow)) == ["a"]
    assert Pins(tmp_path, tmp_path / "flow.json").of(flow) == {}
    Pins(tmp_path, tmp_path / "bare.json").move(tmp_path, tmp_path / "left.json")
    Pins(tmp_path, tmp_path / "left.json").put({"a": Pin("io.value", {"value": 3})})
    Pins(tmp_path, tmp_path / "bare.json").move(tmp_path, tmp_path / "left.json")
    assert Pins(tmp_path, tmp_path / "left.json").of(flow) == {}, "those of a flow of before"
    (file,) = (tmp_path / "pins").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    for text in ("{", "[]", '{"a": 3}', '{"a": {"no": 1}}'):
        file.write_text(text)
        assert Pins(tmp_path, tmp_path / "other.json").of(flow) == {}


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "pins").write_text("in the way")
    with pytest.raises(FlowError, match="cannot be kept"):
        Pins(tmp_path, tmp_path / "flow.json").put({"a": Pin("io.value", {"value": 1})})


def test_the_routes_serve_their_owner_only(document: FlowDocument) -> None:
    token = services().grants.issue(document.id, ANN)
    asked = {"doc": document.id, "token": token}
    change = {"node": "prompt", "values": {"text": "Via HTTP"}}
    for browser, status in ((BOB, 403), (ANN, 200)):
        client = TestClient(Starlette(routes=routes()), cookies={COOKIE: browser})
        assert client.post("/patchbay/pins", params=asked, json=change).status_code == status
        got = client.get("/patchbay/pin", params={**asked, "node": "prompt"})
        assert got.status_code == status
    assert got.json()["ports"][0]["text"] == "Via HTTP"
    for bad in (b"", b"[]", b"{"):
        assert client.post("/patchbay/pins", params=asked, content=bad).status_code == 400


def test_pins_of_a_past_run_take_the_place_of_all_that_a_flow_has(document: FlowDocument) -> None:
    pins, flow = document.pins, document.flow
    pins.put({"given": PINNED, "prompt": Pin("prompt.template", {"text": "Mine"}),
              "data": Pin("io.value", {"value": 1}), "elsewhere": PINNED})  # fmt: skip
    past = {"prompt": Pin("prompt.template", {"text": "Then"}),
            "data": Pin("io.value", {"value": 1})}  # fmt: skip
    assert pins.swap(flow, past) == 2, "one is let go, one has another value, one is as it was"
    assert pins.of(flow) == past
    assert pins.swap(flow, {}) == 2
    assert pins.of(flow) == {}
    assert pins.swap(flow, past) == 0


def test_pins_that_cannot_be_kept_leave_those_that_stood_there(
    document: FlowDocument, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pins, flow = document.pins, document.flow
    pins.put({"given": PINNED})
    monkeypatch.setattr(pins_module, "LIMIT", 200)
    with pytest.raises(FlowError, match="more than"):
        pins.swap(flow, {"data": Pin("io.value", {"value": "x" * 300})})
    assert pins.of(flow) == {"given": PINNED}
    monkeypatch.undo()
    folder = tmp_path / "home" / "pins"
    folder.rename(tmp_path / "home" / "away")
    folder.write_text("no folder")
    with pytest.raises(FlowError, match="cannot be kept"):
        pins.swap(flow, {})
    assert pins.of(flow) == {"given": PINNED}
