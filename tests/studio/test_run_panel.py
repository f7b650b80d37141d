"""The Run panel of the dock: its form, files, what is told of a run; all for its owner only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.document.writing import save_flow
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.opened import Documents
from patchbay.studio.inspector.run_form import form_of, take_file, take_typed
from patchbay.studio.inspector.run_routes import routes
from patchbay.studio.inspector.starting import form_values, missing, refusals, start
from patchbay.studio.inspector.told_run import answer, run_of
from patchbay.studio.server.cookie import COOKIE
from patchbay.studio.server.services import services

ANN, BOB = "ann-0123456789abcdef", "bob-0123456789abcdef"


def opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch, nodes: list[NodeInstance], *edges: Edge
) -> FlowDocument:
    save_flow(Flow(name="Asks", nodes=tuple(nodes), edges=edges), folder / "flow.json")
    documents = Documents(background=False)
    monkeypatch.setattr(services(), "documents", documents)
    monkeypatch.setattr(services(), "home", folder / "home")
    return documents.open(folder / "flow.json")


def asks(name: str, kind: str = "text", **params: Any) -> NodeInstance:
    return NodeInstance(id=name, kind="io.input", params={"name": name, "kind": kind, **params})


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlowDocument:
    """A flow that asks for a text and a number, and gives the text."""
    out = NodeInstance(id="out", kind="io.output", params={"name": "said"})
    nodes = [asks("what"), asks("count", "number", default=3), out]
    return opened(tmp_path, monkeypatch, nodes, Edge(source="what.value", target="out.value"))


def ended(document: FlowDocument) -> None:
    end = time.monotonic() + 240
    while time.monotonic() < end:
        live = services().runner.latest(document.id, ANN)
        if live is not None and not live.active:
            return
        time.sleep(0.05)
    raise AssertionError("The run does not end.")


def test_the_form_tells_what_is_asked_and_what_was_typed(document: FlowDocument) -> None:
    what, count = form_of(document, ANN)["fields"]
    assert (what["name"], what["required"], what["text"]) == ("what", True, "")
    assert (count["kind"], count["text"]) == ("number", "3")
    assert missing(document, ANN) == ["what"]
    told = take_typed(document, ANN, {"typed": {"what": "Hello", "count": "2.5", "gone": "x"}})
    assert [field["text"] for field in told["fields"]] == ["Hello", "2.5"]
    assert form_values(document, ANN) == {"what": "Hello", "count": 2.5}
    assert form_values(document, BOB) == {}
    take_typed(document, ANN, {"typed": {"count": ""}})
    assert form_values(document, ANN) == {"what": "Hello"}


@pytest.mark.parametrize(
    ("kind", "typed", "value", "text"),
    [
        ("json", '{"a": 1}', {"a": 1}, '{\n  "a": 1\n}'),
        ("json", "[1, 2", "[1, 2", "[1, 2"),
        ("json", "plain", "plain", "plain"),
        ("number", "1e3", 1000.0, "1000"),
        ("number", "many", "many", ""),
        ("text", " [1] ", " [1] ", " [1] "),
    ],
)
def test_a_text_means_what_its_field_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, typed: str, value: Any, text: str
) -> None:
    document = opened(tmp_path, monkeypatch, [asks("it", kind)])
    told = take_typed(document, ANN, {"typed": {"it": typed}})
    assert form_values(document, ANN) == {"it": value}
    assert told["fields"][0]["text"] == text


def test_a_choice_is_one_of_those(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = opened(tmp_path, monkeypatch, [asks("it", "choice", choices=["a", "b"])])
    take_typed(document, ANN, {"typed": {"it": "b"}})
    assert form_values(document, ANN) == {"it": "b"}
    take_typed(document, ANN, {"typed": {"it": "c"}})
    assert form_values(document, ANN) == {}


def test_files_are_kept_and_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = opened(tmp_path, monkeypatch, [asks("it", "documents"), asks("text")])
    assert take_file(document, ANN, "text", "a.txt", b"a", more=False) is None
    take_file(document, ANN, "it", "One Note.txt", b"one", more=False)
    told = take_file(document, ANN, "it", "two.md", b"two", more=True)
    assert told is not None
    assert told["fields"][0]["files"] == ["one-note.txt", "two.md"]
    paths = form_values(document, ANN)["it"]
    assert [Path(path).read_bytes() for path in paths] == [b"one", b"two"]
    told = take_typed(document, ANN, {"typed": {"it": None}})
    assert told["fields"][0]["files"] == []


def test_a_run_is_told_to_whoever_started_it(document: FlowDocument) -> None:
    assert run_of(document, ANN) == {}
    assert start(document, ANN) is False
    assert [one.code for one in refusals(document, ANN)]
    assert form_of(document, ANN)["refused"][0]["message"]
    take_typed(document, ANN, {"typed": {"what": "Hello"}})
    assert form_of(document, ANN)["refused"] == []
    assert start(document, ANN) is True
    ended(document)
    told = run_of(document, ANN)
    assert told["status"] == "finished"
    (output,) = told["outputs"]
    assert (output["name"], output["node"], output["gist"]) == ("said", "out", "Hello")
    assert {step["path"]: step["status"] for step in told["steps"]}["what"] in ("done", "cached")
    assert run_of(document, BOB) == {}


def test_the_routes_take_nothing_from_strangers(document: FlowDocument) -> None:
    client = TestClient(Starlette(routes=routes()), cookies={COOKIE: ANN})
    token = services().grants.issue(document.id, ANN)
    query, here = {"doc": document.id, "token": token}, {"origin": "http://testserver"}
    body = {"typed": {"what": "Hi"}}
    post = client.post("/patchbay/form", params=query, json=body, headers=here)
    assert post.json()["fields"][0]["text"] == "Hi"
    assert client.post("/patchbay/form", params=query, json=body).status_code == 403
    away = {"origin": "http://elsewhere.test"}
    for path in ("form", "stop", "answer", "form-file"):
        answer = client.post(f"/patchbay/{path}", params=query, json=body, headers=away)
        assert answer.status_code == 403
    guessed = query | {"token": "guessed"}
    assert client.get("/patchbay/form", params=guessed).status_code == 403
    assert client.get("/patchbay/run", params=query).json() == {}
    assert client.post("/patchbay/stop", params=query, headers=here).json() == {"said": ""}
    sent = client.post("/patchbay/form", params=query, content="[1", headers=here)
    assert sent.status_code == 400


def test_a_question_is_answered_in_the_shape_that_the_chat_has_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may = NodeInstance(id="may", kind="people.approve", params={"question": "May it?"})
    out = NodeInstance(id="out", kind="io.output", params={"name": "said"})
    document = opened(
        tmp_path, monkeypatch, [asks("what", default="Hello"), may, out],
        Edge(source="what.value", target="may.value"),
        Edge(source="may.approved", target="out.value"),
    )  # fmt: skip
    start(document, ANN)
    ended(document)
    (asked,) = run_of(document, ANN)["questions"]
    assert (asked["title"], asked["wants"]["kind"], asked["until"]) == ("May it?", "approval", None)
    wrong = answer(document, ANN, {"question": asked["question"], "choose": "x"})
    assert "still open" in wrong["said"]
    assert not wrong["late"]
    given = {"question": asked["question"], "approve": True, "comment": " fine "}
    assert answer(document, ANN, given) == {"said": "", "late": False}
    ended(document)
    assert answer(document, ANN, given)["late"]
    assert run_of(document, ANN)["status"] == "finished"
