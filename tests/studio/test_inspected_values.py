"""What a browser is told of the values of a run: a line each, then all of it, to its owner."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.document.writing import save_flow
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.opened import Documents
from patchbay.studio.inspector.routes import routes
from patchbay.studio.inspector.tokens import tokens_of
from patchbay.studio.inspector.told_run import run_of
from patchbay.studio.inspector.values import step_of, value_of, values_of, whole
from patchbay.studio.server.cookie import COOKIE
from patchbay.studio.server.json_answer import as_json
from patchbay.studio.server.services import services

ANN, BOB = "ann-0123456789abcdef", "bob-0123456789abcdef"
TEXT = "# An answer\n\nThe embers rest [1]."


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlowDocument:
    """A flow that Ann has run."""
    nodes = (
        NodeInstance(id="given", kind="io.value", params={"value": TEXT}),
        NodeInstance(id="prompt", kind="prompt.template", params={"template": "Say {what}"}),
        NodeInstance(id="out", kind="io.output", params={"name": "said"}),
    )
    edges = (
        Edge(source="given.value", target="prompt.what"),
        Edge(source="prompt.text", target="out.value"),
    )
    save_flow(Flow(name="Told", nodes=nodes, edges=edges), tmp_path / "flow.json")
    documents = Documents(background=False)
    monkeypatch.setattr(services(), "documents", documents)
    return _run(documents.open(tmp_path / "flow.json"), tmp_path)


def _run(opened: FlowDocument, folder: Path) -> FlowDocument:
    live = services().runner.start(opened.id, ANN, opened.flow, {}, folder=folder)
    end = time.monotonic() + 240
    while live.active and time.monotonic() < end:
        time.sleep(0.02)
    assert live.progress.status == "finished"
    return opened


def test_each_port_is_told_in_a_line(document: FlowDocument) -> None:
    told = values_of(document, ANN, "prompt")
    assert told["status"] in ("done", "cached")
    assert told["in"]["what"] == {"shape": "text", "gist": "# An answer The embers rest [1]."}
    assert told["out"]["text"]["gist"].startswith("Say # An answer")


def test_a_value_comes_as_it_is_and_markdown_is_parsed(document: FlowDocument) -> None:
    whole = value_of(document, ANN, "given", "out", "value")
    assert whole is not None
    assert whole["value"] == TEXT
    assert whole["words"][0]["is"] == "heading"
    assert value_of(document, ANN, "prompt", "in", "what") == whole
    assert value_of(document, ANN, "prompt", "out", "gone") is None


def test_a_text_with_numbers_comes_with_what_they_stand_for(
    document: FlowDocument, tmp_path: Path
) -> None:
    told = value_of(document, ANN, "given", "out", "value")
    assert told is not None
    assert "sources" not in told, "nothing was found for it"
    (tmp_path / "oven.md").write_text("The oven burns beech.")
    nodes = (
        NodeInstance(id="load", kind="retrieval.load", params={"path": "oven.md"}),
        NodeInstance(id="answer", kind="prompt.template", params={"template": "Beech [1]. {it}"}),
        NodeInstance(id="plain", kind="prompt.template", params={"template": "Beech. {it}"}),
        NodeInstance(id="out", kind="io.output", params={"name": "said"}),
    )
    wires = (("load.documents", "answer.it"), ("load.documents", "plain.it"),
             ("answer.text", "out.value"))  # fmt: skip
    edges = tuple(Edge(source=source, target=target) for source, target in wires)
    save_flow(Flow(name="Cites", nodes=nodes, edges=edges), tmp_path / "cites.json")
    cites = _run(services().documents.open(tmp_path / "cites.json"), tmp_path)
    for place in (("answer", "out", "text"), ("out", "in", "value"), ("", "run", "said")):
        told = value_of(cites, ANN, *place)
        assert told is not None
        assert [one["text"] for one in told["sources"]] == ["The oven burns beech."]
    assert "sources" not in (value_of(cites, ANN, "plain", "out", "text") or {})


def test_nobody_else_is_told(document: FlowDocument) -> None:
    assert values_of(document, BOB, "prompt")["out"] == {}
    assert value_of(document, BOB, "given", "out", "value") is None
    assert values_of(document, ANN, "nobody")["out"] == {}


def test_the_routes_tell_their_owner_only(document: FlowDocument) -> None:
    for browser, there in ((ANN, True), (BOB, False)):
        client = TestClient(Starlette(routes=routes()), cookies={COOKIE: browser})
        token = services().grants.issue(document.id, browser)
        asked = {"doc": document.id, "token": token, "node": "given"}
        told = client.get("/patchbay/values", params=asked).json()
        assert ("value" in told["out"]) is there
        more = {"side": "out", "port": "value"}
        answer = client.get("/patchbay/value", params=asked | more)
        assert answer.status_code == (200 if there else 404)
        assert client.get("/patchbay/value", params=asked | {"token": "guessed"}).status_code == 403


def test_tokens_are_estimated_where_no_model_is_open_and_its_context_is_told(
    tmp_path: Path,
) -> None:
    nodes = (
        NodeInstance(id="prompt", kind="prompt.template"),
        NodeInstance(id="model", kind="model.gguf", params={"context": 1536}),
        NodeInstance(id="ask", kind="model.ask"),
    )
    edges = (
        Edge(source="prompt.text", target="ask.prompt"),
        Edge(source="model.model", target="ask.model"),
    )
    document = FlowDocument(None, Flow(nodes=nodes, edges=edges))
    told = tokens_of(document, "prompt", "x" * 401)
    assert (told["tokens"], told["how"], told["context"]) == (101, "estimated", 1536)
    lone = FlowDocument(None, Flow(nodes=nodes[:1]))
    assert tokens_of(lone, "prompt", "") == {"tokens": 0, "how": "estimated"}


def test_an_open_model_counts_itself() -> None:
    from patchbay.flows import run

    nodes = (
        NodeInstance(id="given", kind="io.value", params={"value": "Say yes."}),
        NodeInstance(id="model", kind="model.gguf", params={"context": 1536}),
        NodeInstance(id="ask", kind="model.ask", params={"max_tokens": 2}),
        NodeInstance(id="out", kind="io.output", params={"name": "said"}),
    )
    edges = (
        Edge(source="given.value", target="ask.prompt"),
        Edge(source="model.model", target="ask.model"),
        Edge(source="ask.text", target="out.value"),
    )
    flow = Flow(nodes=nodes, edges=edges)
    run(flow)
    told = tokens_of(FlowDocument(None, flow), "given", "The embers rest.")
    assert told["how"] == "counted by smollm2-135m-instruct"
    assert 3 <= told["tokens"] <= 8


@pytest.mark.parametrize(
    ("told", "read"),
    [
        (
            {"rows": [[1.5, float("nan")], [float("inf"), "NaN"]]},
            {"rows": [[1.5, None], [None, "NaN"]]},
        ),
        ({"value": (float("-inf"), 2)}, {"value": [None, 2]}),
        ({"deep": {"a": [{"b": float("nan")}]}}, {"deep": {"a": [{"b": None}]}}),
        ({"plain": [0.1, 7, True, None, "æ"]}, {"plain": [0.1, 7, True, None, "æ"]}),
        ({"half": "a\ud83d"}, {"half": "a?"}),
    ],
)
def test_a_browser_can_read_every_number_and_text(told: object, read: object) -> None:
    def refused(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    assert json.loads(bytes(as_json(told).body), parse_constant=refused) == read


def test_a_step_is_told_with_all_that_it_did(document: FlowDocument) -> None:
    told = step_of(document, ANN, "prompt")
    assert told["title"] == "Prompt template"
    assert told["status"] in ("done", "cached")
    assert (list(told["in"]), list(told["out"])) == (["what"], ["text"])
    assert (told["problem"], told["warnings"], told["steps"]) == (None, [], [])
    assert step_of(document, ANN, "nobody")["status"] == ""
    assert step_of(document, BOB, "prompt") == {"run": "", "status": ""}


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (12, 12), (15, 13)])
def test_warnings_of_nodes_stand_at_the_top_of_a_run_that_has_ended(
    count: int, shown: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They lay in folded steps, so that a run that had left rows out looked like any other."""
    rows = [{"prompt": "a", "answer": "b"}, {"prompt": "c", "answer": ""}]
    nodes = [NodeInstance(id="given", kind="io.value", params={"value": rows, "type": "json"})]
    edges = []
    for n in range(count):
        nodes.append(NodeInstance(id=f"n{n}", kind="train.instruction_data", title=f"Rows {n}"))
        edges.append(Edge(source="given.value", target=f"n{n}.source"))
        nodes.append(NodeInstance(id=f"o{n}", kind="io.output", params={"name": f"o{n}"}))
        edges.append(Edge(source=f"n{n}.report", target=f"o{n}.value"))
    save_flow(Flow(name="Warned", nodes=tuple(nodes), edges=tuple(edges)), tmp_path / "flow.json")
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    documents = Documents(background=False)
    monkeypatch.setattr(services(), "documents", documents)
    document = _run(documents.open(tmp_path / "flow.json"), tmp_path)
    told = run_of(document, ANN)["warnings"]
    assert len(told) == shown
    assert told[0].startswith("Rows 0: Row 2 is without an answer: nothing could be learned")
    assert (told[-1] == "3 more warnings.") == (shown > 12)


def test_what_the_run_gave_is_told_by_the_names_of_its_outputs(document: FlowDocument) -> None:
    told = value_of(document, ANN, "", "run", "said")
    assert told is not None
    assert str(told["value"]).startswith("Say # An answer")
    assert value_of(document, BOB, "", "run", "said") is None


@pytest.mark.parametrize(
    ("value", "shown", "cut"),
    [
        ("a" * 20_001, "a" * 20_000, 1),
        (["a long text, of more than forty characters"] * 31,
         ["a long text, of more than forty characters"] * 30, 1),
        (list(range(502)), list(range(500)), 2),
        ({"$type": "table", "columns": ["n"], "rows": [[n] for n in range(2003)]},
         {"$type": "table", "columns": ["n"], "rows": [[n] for n in range(2000)]}, 3),
        ({"any": "object"}, {"any": "object"}, 0),
    ],
)  # fmt: skip
def test_a_small_place_gets_the_beginning_and_how_much_is_left(
    value: object, shown: object, cut: int
) -> None:
    told = whole(value, brief=True)
    assert (told["value"], told.get("cut", 0)) == (shown, cut)
    assert whole(value)["value"] == value


def test_messages_and_markdown_files_come_with_their_markdown() -> None:
    said = [{"$type": "message", "role": "user", "content": "**Now**"}]
    assert whole(said)["parts"][0][0]["in"][0]["is"] == "strong"
    files = {"/a.md": "# Head", "/b.txt": "# no"}
    assert list(whole(files)["parts"]) == ["/a.md"]
