"""The push routes are for the page that was given a token, in the browser it was given to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.document.operations import SetParams
from patchbay.flows.document.writing import save_flow
from patchbay.flows.runs.events import NodeAsked
from patchbay.flows.runs.history import History
from patchbay.nodes.catalog import load_catalog
from patchbay.studio.documents.cards import Cards, picture_name
from patchbay.studio.documents.importing import flow_from
from patchbay.studio.documents.opened import Documents
from patchbay.studio.server.cookie import COOKIE, BrowserCookie
from patchbay.studio.server.grants import Grants
from patchbay.studio.server.news import merged
from patchbay.studio.server.routes import routes
from patchbay.studio.server.services import services
from tests.stores import change

HERE = "http://testserver"
ANN = "ann-0123456789abcdef"


@pytest.fixture
def client() -> TestClient:
    pages = [
        Route("/", lambda request: HTMLResponse("<p>page</p>")),
        Route("/plain", lambda request: PlainTextResponse("text")),
    ]
    app = Starlette(routes=[*routes(), *pages], middleware=[Middleware(BrowserCookie)])
    return TestClient(app)


@pytest.fixture
def documents(monkeypatch: pytest.MonkeyPatch) -> Documents:
    """The open flows of the services; nothing is saved by itself."""
    documents = Documents(background=False)
    monkeypatch.setattr(services(), "documents", documents)
    return documents


def url(path: str, token: str, document: str = "doc") -> str:
    return f"/patchbay/{path}?doc={document}&token={token}"


@pytest.mark.parametrize(
    ("cookie", "document", "headers"),
    [
        ("bob-0123456789abcdef", "doc", {}),
        ("", "doc", {}),
        (ANN, "other", {}),
        (ANN, "doc", {"origin": "http://evil.test"}),
        (ANN, "doc", {"sec-fetch-site": "cross-site"}),
    ],
)
def test_events_are_refused_to_strangers(
    client: TestClient, cookie: str, document: str, headers: dict[str, str]
) -> None:
    token = services().grants.issue("doc", ANN)
    client.cookies.set(COOKIE, cookie)
    assert client.get(url("events", token, document), headers=headers).status_code == 403


@pytest.mark.parametrize("form", ["json", "png", "svg"])
def test_a_flow_is_exported_to_the_page_that_shows_it(
    client: TestClient, documents: Documents, tmp_path: Path, form: str
) -> None:
    flow = Flow(name="Mine", nodes=(NodeInstance(id="a", kind="io.input"),))
    save_flow(flow, tmp_path / "mine.json")
    document = documents.open(tmp_path / "mine.json")
    address = f"{url('export', services().grants.issue(document.id, ANN), document.id)}&as={form}"
    client.cookies.set(COOKIE, "bob-0123456789abcdef")
    assert client.get(address).status_code == 403
    client.cookies.set(COOKIE, ANN)
    assert client.get(address, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    answer = client.get(address)
    assert answer.headers["content-disposition"] == f'attachment; filename="mine.{form}"'
    assert flow_from(answer.content) == flow
    assert client.get(address.replace(f"as={form}", "as=exe")).status_code == 404


def test_a_flow_with_a_key_in_it_is_not_exported(
    client: TestClient, documents: Documents, tmp_path: Path
) -> None:
    key = "sk-" + "a1B2c3D4" * 6
    save_flow(Flow(nodes=(NodeInstance(id="a", kind="k"),)), tmp_path / "mine.json")
    document = documents.open(tmp_path / "mine.json")
    document.apply(SetParams(node="a", params={"api_key": key}))
    client.cookies.set(COOKIE, ANN)
    token = services().grants.issue(document.id, ANN)
    answer = client.get(f"{url('export', token, document.id)}&as=json")
    assert answer.status_code == 409
    assert key not in answer.text


def test_a_made_up_token_is_refused(client: TestClient) -> None:
    client.cookies.set(COOKIE, ANN)
    assert client.get(url("events", "x" * 32)).status_code == 403


@pytest.mark.parametrize("origin", [None, "http://evil.test"])
def test_a_socket_needs_the_origin_of_the_page(client: TestClient, origin: str | None) -> None:
    client.cookies.set(COOKIE, ANN)
    headers = {"origin": origin} if origin else {}
    token = services().grants.issue("doc", ANN)
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect(url("live", token), headers=headers),
    ):
        pass
    assert refused.value.code == 1008


def test_the_owner_hears_of_the_document(
    client: TestClient, documents: Documents, tmp_path: Path
) -> None:
    client.cookies.set(COOKIE, ANN)
    save_flow(Flow(nodes=(NodeInstance(id="a", kind="k"),)), tmp_path / "mine.json")
    document = documents.open(tmp_path / "mine.json")
    address = url("live", services().grants.issue(document.id, ANN), document.id)
    with client.websocket_connect(address, headers={"origin": HERE}) as socket:
        now = {"revision": 0, "saved": True, "conflict": False, "pins": 0}
        assert socket.receive_json() == [{"reset": True}, now]
        document.apply(SetParams(node="a", params={"x": 1}))
        assert socket.receive_json() == [now | {"revision": 1, "saved": False}]


def test_pages_name_the_browser_once(client: TestClient) -> None:
    given = client.get("/").headers["set-cookie"]
    assert given.startswith(f"{COOKIE}=")
    assert "HttpOnly" in given
    assert "SameSite=Lax" in given
    assert "set-cookie" not in client.get("/").headers
    assert "set-cookie" not in TestClient(client.app).get("/plain").headers


def test_old_tokens_are_forgotten() -> None:
    few = Grants(limit=2)
    first, *rest = [few.issue("doc", ANN) for _ in range(3)]
    assert few.check(first, "doc", ANN) is None
    assert all(few.check(token, "doc", ANN) for token in rest)


def test_gathered_news_says_the_same_in_fewer_messages() -> None:
    news = [
        {"node": "a", "status": "running", "text": "one "},
        {"node": "a", "status": "running", "text": "two"},
        {"node": "b", "status": "running", "text": "x"},
        {"revision": 1},
        {"revision": 2},
    ]
    assert merged(news) == [
        {"node": "a", "status": "running", "text": "one two"},
        {"node": "b", "status": "running", "text": "x"},
        {"revision": 2},
    ]


def test_a_browser_hears_how_many_questions_wait_for_it(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    monkeypatch.delenv("PATCHBAY_HISTORY", raising=False)
    address = "/patchbay/open-questions"
    assert client.get(address).json() == {"open": 0}
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    for run, asked in (("mine", 2), ("theirs", 1), ("terminal", 1), ("ended", 1)):
        ask(history, run, asked, status="finished" if run == "ended" else "waiting")
    lines = ({"run": "mine", "owner": ANN}, {"run": "theirs", "owner": "bob-0123456789abcdef"})
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (tmp_path / "run-owners.jsonl").write_text(text, encoding="utf-8")
    client.cookies.set(COOKIE, ANN)
    assert client.get(address).json() == {"open": 3}
    history.inbox.withdraw("mine", "q0")
    assert client.get(address).json() == {"open": 2}
    assert client.get(address, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert client.get(address, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    history.close()
    (tmp_path / "history.sqlite").write_bytes(b"no database")
    assert client.get(address).json() == {"open": 0}


def test_the_picture_of_a_card_has_an_address(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = Cards(tmp_path / "cards.json", load_catalog)
    monkeypatch.setattr(services(), "cards", cards)
    path = tmp_path / "one.json"
    save_flow(Flow(nodes=(NodeInstance(id="a", kind="flow.input"),)), path)
    (card,) = cards.of([path])
    for picture in (card.light, card.dark):
        sent = client.get(f"/patchbay/pictures/{picture_name(picture)}")
        assert (sent.text, sent.headers["content-type"]) == (picture, "image/svg+xml")
        assert "immutable" in sent.headers["cache-control"]
        assert "default-src 'none'" in sent.headers["content-security-policy"]
    assert picture_name(card.light) != picture_name(card.dark)
    for name in ("", picture_name("<svg/>"), "..%2Fcards.json", "one.json"):
        assert client.get(f"/patchbay/pictures/{name}").status_code == 404


def ask(history: History, run: str, asked: int, status: str) -> None:
    """A run that has asked so many questions."""
    change(
        history, "insert into runs (id, name, status, process, started_at, seconds, tokens, flow, "
        "only, inputs, outputs) values (?, 'x', ?, 'p/1/1', 1, 0, 0, '{}', '[]', '{}', '{}')",
        run, status,
    )  # fmt: skip
    for number in range(asked):
        event = NodeAsked(at=1.0, node="n", question=f"q{number}", asks={}, until=None)
        history.inbox.put(run, event, "digest")
