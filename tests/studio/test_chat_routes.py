"""The addresses of the chat: for the page that shows the flow, in the shapes of the server's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.document.writing import save_flow
from patchbay.studio.chat.routes import routes
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.opened import Documents
from patchbay.studio.server import services as holder
from patchbay.studio.server.cookie import COOKIE
from patchbay.studio.server.services import Services

ANN, BOB = "ann-0123456789abcdef", "bob-0123456789abcdef"
HERE = {"origin": "http://testserver"}


def talk(kind: str = "messages") -> Flow:
    """A flow whose answer is what it was given."""
    return Flow(
        name="Talk",
        nodes=(
            NodeInstance(id="in", kind="io.input", params={"name": "said", "kind": kind}),
            NodeInstance(id="mood", kind="io.input", params={"name": "mood", "default": "good"}),
            NodeInstance(id="out", kind="io.output", params={"name": "answer"}),
        ),
        edges=(Edge(source="in.value", target="out.value"),),
    )


APPROVE = Flow(
    name="Approve",
    nodes=(
        NodeInstance(id="said", kind="io.input", params={"name": "said"}),
        NodeInstance(id="may", kind="people.approve", params={"question": "May it?"}),
        NodeInstance(id="sent", kind="io.output", params={"name": "answer"}),
    ),
    edges=(
        Edge(source="said.value", target="may.value"),
        Edge(source="may.approved", target="sent.value"),
    ),
)


class Page:
    """A page of a browser that shows a flow."""

    def __init__(self, document: FlowDocument, browser: str) -> None:
        self.document = document
        self._client = TestClient(Starlette(routes=routes()))
        self._client.cookies.set(COOKIE, browser)
        token = holder.services().grants.issue(document.id, browser)
        self._grant = {"doc": document.id, "token": token}

    def ask(self, way: str, path: str, body: Any = None, **query: str) -> Any:
        """An answer."""
        return self._client.request(
            way, f"/patchbay/chat{path}", params={**self._grant, **query}, json=body, headers=HERE
        )

    def get(self, path: str, **query: str) -> Any:
        """What is at an address."""
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def say(self, text: str, **query: str) -> list[dict[str, Any]]:
        """The events of a turn."""
        path = f"/flows/{self.document.id}/run"
        answer = self.ask("POST", path, {"said": text}, stream="true", **query)
        assert answer.status_code == 200, answer.text
        return read(answer.text)

    def follow(self, run: str) -> list[dict[str, Any]]:
        """The events of a run."""
        return read(self.ask("GET", f"/runs/{run}/events").text)


def read(text: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line[:6] == "data: "]
    return [json.loads(line) for line in lines]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A studio of its own: nothing is saved by itself."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    monkeypatch.delenv("PATCHBAY_HISTORY", raising=False)
    made = Services(tmp_path)
    made.documents = Documents(background=False)
    monkeypatch.setattr(holder, "_services", made)
    yield tmp_path
    if "history" in made.__dict__:
        made.history.close()


def opened(home: Path, flow: Flow, browser: str = ANN) -> Page:
    path = home / f"{flow.name}.json"
    if not path.exists():
        save_flow(flow, path)
    return Page(holder.services().documents.open(path), browser)


def test_a_turn_streams_and_is_kept(home: Path):
    page = opened(home, talk())
    told = page.get(f"/flows/{page.document.id}")
    assert told["talk"] == {"input": "said", "kind": "messages", "description": ""}
    started, *_, ended = page.say("Hello **you**")
    assert started["type"] == "run_started"
    assert started["titles"]["in"] == "Flow input: said: messages"
    assert ended["type"] == "run_finished"
    assert ended["outputs"]["answer"][0]["content"] == "Hello **you**"
    page.say("And then?", thread=started["thread"])
    thread = page.get("/threads/latest")
    assert thread["id"] == started["thread"]
    assert [turn["asked"] for turn in thread["turns"]] == ["Hello **you**", "And then?"]
    assert thread["turns"][1]["told"]["status"] == "finished"
    assert thread["now"] is None


def test_an_answer_is_made_anew(home: Path):
    page = opened(home, talk())
    thread = page.say("one")[0]["thread"]
    page.say("", thread=thread, again="true")
    (turn,) = page.get(f"/threads/{thread}")["turns"]
    assert turn["asked"] == "one"


def test_other_inputs_are_those_of_the_form(home: Path):
    flow = talk("text").model_copy(
        update={"edges": (Edge(source="mood.value", target="out.value"),)}
    )
    page = opened(home, flow)
    holder.services().forms.of(page.document.id, ANN).values["mood"] = "bad"
    assert page.say("Hi")[-1]["outputs"] == {"answer": "bad"}


def test_conversations_are_found_renamed_branched_exported_and_deleted(home: Path):
    page = opened(home, talk())
    first = page.say("first words")[0]["thread"]
    page.say("more", thread=first)
    page.say("something else")
    assert len(page.get("/threads")["threads"]) == 2
    assert [one["id"] for one in page.get("/threads", search="FIRST")["threads"]] == [first]
    assert page.ask("PATCH", f"/threads/{first}", {"title": "Mine"}).json()["title"] == "Mine"
    assert page.ask("PATCH", f"/threads/{first}", {"title": " "}).status_code == 400
    made = page.ask("POST", f"/threads/{first}/branch", {"turn": 1}).json()
    assert [turn["asked"] for turn in page.get(f"/threads/{made['id']}")["turns"]] == [
        "first words"
    ]
    found = page.get(f"/threads/{first}/export")
    assert found["name"] == "mine.md"
    assert "first words" in found["text"]
    assert page.ask("DELETE", f"/threads/{first}").status_code == 200
    assert page.ask("GET", f"/threads/{first}").status_code == 404


def test_a_question_is_answered_and_a_wrong_answer_is_not(home: Path):
    page = opened(home, APPROVE)
    *_, last = events = page.say("Dear Ada")
    assert last["type"] == "run_waiting"
    thread, run = events[0]["thread"], events[0]["run"]
    now = page.get(f"/threads/{thread}")["now"]
    (asked,) = now["questions"]
    assert (now["status"], now["asked"], asked["title"]) == ("waiting", "Dear Ada", "May it?")
    at = f"/runs/{run}/answer"
    assert page.ask("POST", at, {"question": asked["question"], "choose": "x"}).status_code == 400
    assert page.ask("POST", at, {"question": asked["question"], "approve": True}).status_code == 202
    assert page.follow(run)[-1]["outputs"] == {"answer": "Dear Ada"}
    late = page.ask("POST", at, {"question": asked["question"], "approve": True})
    assert late.status_code == 409
    assert "answered already" in late.json()["error"]["message"]


def test_a_turn_that_waits_is_stopped(home: Path):
    page = opened(home, APPROVE)
    started = page.say("Dear Ada")[0]
    assert page.ask("POST", f"/runs/{started['run']}/cancel").status_code == 200
    assert page.get(f"/runs/{started['run']}")["status"] == "cancelled"


def test_a_thumb_is_kept(home: Path):
    page = opened(home, talk())
    started = page.say("Hi")[0]
    at = f"/runs/{started['run']}/feedback"
    assert page.ask("POST", at, {"rating": -1, "comment": "short"}).status_code == 200
    assert page.ask("POST", at, {"rating": 7}).status_code == 400
    (turn,) = page.get(f"/threads/{started['thread']}")["turns"]
    assert turn["thumb"] == {"rating": -1, "comment": "short"}


def test_a_flow_with_faults_says_all_of_them(home: Path):
    flow = talk()
    odd = NodeInstance(id="odd", kind="no.such", version=1)
    page = opened(home, flow.model_copy(update={"nodes": (*flow.nodes, odd)}))
    answer = page.ask("POST", f"/flows/{page.document.id}/run", {"said": "Hi"})
    assert answer.status_code == 400
    assert answer.json()["error"]["node"] == "odd"


def test_another_browser_gets_nothing(home: Path):
    page, bob = opened(home, talk()), opened(home, talk(), BOB)
    started = page.say("Hi")[0]
    for path in (f"/runs/{started['run']}", f"/threads/{started['thread']}", "/threads/latest"):
        assert bob.ask("GET", path).status_code == 404
    assert bob.get("/threads") == {"threads": []}
    assert bob.ask("POST", f"/runs/{started['run']}/cancel").status_code == 404
    assert bob.ask("DELETE", f"/threads/{started['thread']}").status_code == 404
    stranger = Page(page.document, ANN)
    stranger._grant["token"] = "x" * 32
    assert stranger.ask("GET", "/threads").status_code == 403


@pytest.mark.parametrize("body", [[1], {"texts": "a"}, {"texts": ["a"] * 101}, {"texts": [1]}])
def test_words_are_parsed_for_whoever_sends_texts(home: Path, body: Any):
    page = opened(home, talk())
    assert (
        page.ask("POST", "/words", {"texts": ["**a**"]}).json()["words"][0][0]["is"] == "paragraph"
    )
    assert page.ask("POST", "/words", body).status_code in (400, 413)
