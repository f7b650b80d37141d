"""What the inspector is told of a node: over a guarded route, from the product's own tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from patchbay.flows.document.model import Flow, NodeInstance, RunPolicy
from patchbay.flows.document.writing import save_flow
from patchbay.nodes.catalog import load_catalog
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.opened import Documents
from patchbay.studio.inspector.known import asked, known_of
from patchbay.studio.inspector.policy import policy_fields
from patchbay.studio.inspector.routes import routes
from patchbay.studio.server.cookie import COOKIE
from patchbay.studio.server.services import services
from tests.ports import free_ports

ANN = "ann-0123456789abcdef"


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlowDocument:
    """An open flow with a node of each sort that more is known of."""
    nodes = (
        NodeInstance(id="model", kind="model.gguf"),
        NodeInstance(id="read", kind="retrieval.load", params={"path": "here.txt"}),
        NodeInstance(id="all", kind="retrieval.load", params={"path": "texts"}),
        NodeInstance(id="lost", kind="retrieval.load", params={"path": "gone.txt"}),
        NodeInstance(
            id="server", kind="model.openai_compatible", params={"api_key": {"secret": "NOT_SET"}}
        ),
        NodeInstance(id="odd", kind="nobody.knows"),
    )
    save_flow(Flow(name="Known", nodes=nodes), tmp_path / "flow.json")
    (tmp_path / "here.txt").write_text("x")
    (tmp_path / "texts").mkdir()
    for name in ("a.md", "b.md"):
        (tmp_path / "texts" / name).write_text("x")
    documents = Documents(background=False)
    monkeypatch.setattr(services(), "documents", documents)
    return documents.open(tmp_path / "flow.json")


def test_a_model_is_told_with_its_facts_and_what_there_is(document: FlowDocument) -> None:
    known = known_of(document, "model")
    names = [value for value, _ in known["choices"]["weights"]]
    assert "smollm2-135m-instruct" in names
    assert {"file", "memory"} <= {name for name, _ in known["facts"]}
    assert known["about"][0]["is"] == "paragraph"
    assert known["askable"] == []


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ("read", "The file is there."),
        ("all", "The folder is there, with 2 entries."),
        ("lost", "There is no such file here."),
    ],
)
def test_a_file_or_a_folder_is_looked_for_beside_the_flow(
    document: FlowDocument, node: str, words: str
) -> None:
    assert known_of(document, node)["notes"] == {"path": words}


def test_a_secret_is_told_by_name_and_a_server_can_be_asked(document: FlowDocument) -> None:
    known = known_of(document, "server")
    assert known["notes"]["api_key"] == "NOT_SET is not set on this machine."
    assert known["askable"] == ["model"]


def test_a_server_that_is_not_there_is_said(document: FlowDocument) -> None:
    address = f"http://127.0.0.1:{free_ports(1)[0]}/v1"
    from patchbay.flows.document.operations import SetParams

    document.apply(SetParams(node="server", params={"base_url": address}), client="me")
    answer = asked(document, "server", "model")
    assert "choices" not in answer
    assert answer["message"]
    assert asked(document, "model", "weights")["message"] == "There is nobody to ask."
    assert asked(document, "gone", "x")["message"] == "There is nobody to ask."


def test_nothing_is_known_of_what_is_not_there(document: FlowDocument) -> None:
    assert known_of(document, "odd") == {}
    assert known_of(document, "gone") == {}
    assert known_of(document, "") == {"memory": "", "file": "flow.json"}  # nothing is opened


@pytest.mark.parametrize("kind", [node.kind for node in load_catalog()])
def test_every_kind_can_be_looked_at(kind: str) -> None:
    document = FlowDocument(None, Flow(nodes=(NodeInstance(id="it", kind=kind),)))
    assert known_of(document, "it")["about"]


def test_every_setting_of_a_run_has_a_field() -> None:
    fields = {field["name"]: field for field in policy_fields()}
    assert list(fields) == list(RunPolicy.model_fields)
    for field in fields.values():
        assert field["doc"]
        assert list(field.get("words", {})) == list(field.get("choices", ()))


@pytest.mark.parametrize(
    ("query", "cookie", "status"),
    [
        ({}, ANN, 200),
        ({"token": "guessed"}, ANN, 403),
        ({}, "bob-0123456789abcdef", 403),
        ({"doc": "other"}, ANN, 403),
    ],
)
def test_only_the_page_that_shows_the_flow_is_told(
    document: FlowDocument, query: dict[str, str], cookie: str, status: int
) -> None:
    client = TestClient(Starlette(routes=routes()), cookies={COOKIE: cookie})
    token = services().grants.issue(document.id, ANN)
    for path, more in (
        ("node", {}),
        ("choices", {"param": "weights"}),
        ("problems", {}),
        ("flows", {}),
    ):
        asked_for: dict[str, Any] = {"doc": document.id, "token": token, "node": "model"}
        answer = client.get(f"/patchbay/{path}", params=asked_for | more | query)
        assert answer.status_code == status
        if status == 200:
            assert answer.headers["cache-control"] == "no-store"
            assert answer.json()
