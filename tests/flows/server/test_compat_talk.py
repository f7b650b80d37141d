"""What clients of Flowise and Langflow send beside a question: each of it counts, or is refused."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from patchbay.flows.server.compat.talking import thread_of
from patchbay.flows.server.core.settings import Settings
from tests.flows.server.flows import write
from tests.flows.server.nodes import Words
from tests.flows.server.serving import Served, serving
from tests.flows.server.test_compat import flowise_events, predict
from tests.flows.server.test_openai import PNG
from tests.flows.server.test_runs import until

PICTURE = {
    "type": "file", "name": "dot.png", "mime": "image/png", "data": f"data:image/png;base64,{PNG}"
}  # fmt: skip
BEFORE = [
    {"role": "userMessage", "content": "I am Ada."},
    {"type": "apiMessage", "message": "Hello Ada."},
]


def langflow(served: Served, flow: str, **body: Any) -> httpx.Response:
    return served.http.post(f"/api/v1/run/{flow}", json=body)


def langflow_says(answer: httpx.Response) -> str:
    """The text of an answer, as Langflow's own SDK finds it."""
    assert answer.status_code == 200, answer.text
    (inner,) = answer.json()["outputs"][0]["outputs"]
    text: str = inner["results"]["message"]["text"]
    return text


# --- a question to a person -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chat", "answer", "came"), [("ok-1", "yes", "sent"), ("ok-2", "no, too long", "kept")]
)
def test_the_next_message_of_a_chat_answers_what_was_asked(served: Served, chat, answer, came):
    asked = predict(served, "approve", question="Dear Bob", chatId=chat).json()
    assert "Send it?" in asked["text"]
    told = predict(served, "approve", question=answer, chatId=chat).json()
    assert (told["text"], told["chatMessageId"]) == ("Dear Bob", asked["chatMessageId"])
    run = served.http.get(f"/runs/{told['chatMessageId']}").json()
    assert run["outputs"] == {came: "Dear Bob"}
    again = predict(served, "approve", question="Dear Eve", chatId=chat).json()
    assert "Dear Eve" in again["text"], "what is said then is a new message"


def test_what_is_no_answer_is_said_and_the_question_stays(served: Served):
    predict(served, "approve", question="Dear Bob", chatId="stays")
    wrong = predict(served, "approve", question="perhaps", chatId="stays")
    assert wrong.status_code == 400
    assert "Answer yes, or no and why" in wrong.json()["message"]
    assert predict(served, "approve", question="yes", chatId="stays").json()["text"] == "Dear Bob"


def test_other_chats_are_others(served: Served):
    predict(served, "approve", question="Dear Bob", chatId="one")
    other = predict(served, "approve", question="yes", chatId="two").json()
    assert "Send it?" in other["text"]


def test_in_a_stream_too(served: Served):
    for said, begins in (("Dear Bob", "Send it?"), ("yes", "Dear Bob")):
        answer = predict(served, "approve", question=said, chatId="streamed", streaming=True)
        tokens = [data for name, data in flowise_events(answer.text) if name == "token"]
        assert "".join(tokens).startswith(begins)


def test_a_decision_as_flowises_agents_put_it(served: Served):
    predict(served, "approve", question="Dear Bob", chatId="decided")
    decided = {"type": "reject", "startNodeId": "x", "feedback": "too long"}
    told = predict(served, "approve", humanInput=decided, chatId="decided").json()
    run = served.http.get(f"/runs/{told['chatMessageId']}").json()
    assert run["outputs"] == {"kept": "Dear Bob"}


def test_langflows_session_too(served: Served):
    asked = langflow_says(langflow(served, "approve", input_value="Dear Bob", session_id="s"))
    assert "Send it?" in asked
    assert langflow_says(langflow(served, "approve", input_value="yes", session_id="s")) == (
        "Dear Bob"
    )


def test_a_thread_of_responses_too(served: Served):
    def respond(said: str) -> Any:
        body = {"model": "approve", "input": said, "conversation": "of-responses-asked"}
        return served.http.post("/v1/responses", json=body).json()["output"][0]["content"][0]

    assert "Send it?" in respond("Dear Bob")["text"]
    assert respond("yes")["text"] == "Dear Bob"


# --- conversations --------------------------------------------------------------------------------


@pytest.mark.parametrize("chat", ["ada@example.org", "a/b c", "x" * 100])
def test_an_id_that_no_thread_can_have_is_a_conversation_all_the_same(served: Served, chat):
    for said in ("Hello", "And then?"):
        told = predict(served, "chat", question=said, chatId=chat).json()
        assert told["chatId"] == chat
    threads = served.http.get("/threads").json()["threads"]
    (latest,) = [one for one in threads if one["id"] == thread_of(chat)]
    turns = served.http.get(f"/threads/{latest['id']}").json()["turns"]
    assert [turn["asked"] for turn in turns] == ["Hello", "And then?"]


def test_what_a_client_says_was_said_before_is_heard(served: Served):
    for _ in range(2):  # such a client keeps the conversation itself, and here nothing is added
        told = predict(served, "heard", question="Who am I?", history=BEFORE, chatId="kept").json()
        said = ["I am Ada.", "Hello Ada.", "Who am I?"]
        assert [line for line in said if line in told["text"]] == said
        assert told["text"].count("Who am I?") == 1
    assert served.http.get("/threads/kept").status_code == 404


def test_a_picture(served: Served):
    told = predict(served, "sees", question="?", uploads=[PICTURE]).json()
    assert told["text"] == str(len(base64.b64decode(PNG)))


def test_a_form_is_inputs_by_name(served: Served):
    told = predict(served, "typed", form={"count": 3, "colour": "blue"}).json()
    assert "colour: blue" in told["text"]
    wrong = predict(served, "typed", form={"count": "x", "none": 1})
    assert (wrong.status_code, "none" in wrong.json()["message"]) == (400, True)
    assert predict(served, "size", form={"file": "/etc/passwd"}).status_code == 400


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"question": "?", "history": "x"}, "history"),
        ({"question": "?", "history": [{"role": "boss", "content": "x"}]}, "history[0]"),
        ({"question": "?", "history": [{"role": "userMessage"}]}, "history[0]"),
        ({"question": "?", "uploads": [{"type": "file", "mime": "text/plain"}]}, "pictures"),
        ({"question": "?", "uploads": [{**PICTURE, "type": "url"}]}, "pictures"),
        ({"question": "?", "uploads": [{**PICTURE, "data": "data:image/png,x"}]}, "base64"),
        ({"question": "?", "chatId": {"a": 1}}, "id of the chat"),
        ({"question": "?", "streaming": "perhaps"}, "streaming"),
        ({"humanInput": {"type": "perhaps"}}, "humanInput"),
    ],
)
def test_what_cannot_be_read_is_refused(served: Served, body, says):
    answer = predict(served, "chat", **body)
    assert answer.status_code == 400
    assert says in answer.json()["message"]


@pytest.mark.parametrize(
    ("flow", "body", "says"),
    [
        ("chat", {"question": "?", "history": "x"}, "history"),
        ("chat", {"question": None}, "question"),
        ("size", {"question": "?"}, "cannot be talked to"),
        ("typed", {"form": {"count": "x"}}, "number"),
    ],
)
def test_in_a_stream_it_is_told_there(served: Served, flow, body, says):
    """Of an answer of HTTP the widget shows "Oops!", and the SDK the number."""
    answer = predict(served, flow, streaming=True, **body)
    error, end = flowise_events(answer.text)
    assert (answer.status_code, error[0], end) == (200, "error", ("end", "[DONE]"))
    assert says in error[1]
    assert predict(served, "none", streaming=True, **body).status_code == 404


def test_yes_and_no_as_forms_have_them(served: Served):
    answer = predict(served, "words", question="a", streaming="true")
    assert answer.headers["content-type"].startswith("text/event-stream")


# --- Langflow -------------------------------------------------------------------------------------


def test_langflow_where_nothing_is_said(served: Served):
    for body in ({}, {"inputs": []}, {"input": "a typing error"}):
        answer = langflow(served, "words", **body)
        assert answer.status_code == 400
        assert '"question" has no value' in answer.json()["detail"]
    assert langflow_says(langflow(served, "words", input_value="")) == ""
    assert langflow(served, "words", input_value=None, stream="perhaps").status_code == 400


def test_its_address_for_several_takes_one(served: Served):
    one, two = ({"components": [], "input_value": said} for said in ("to be", "or not"))
    assert langflow_says(langflow(served, "advanced/words", inputs=[one])) == "to be"
    answer = langflow(served, "advanced/words", inputs=[one, two])
    assert (answer.status_code, "2 messages" in answer.json()["detail"]) == (400, True)
    assert langflow(served, "advanced/words", inputs="to be").status_code == 400


def test_a_quiet_stream_is_kept_open(tmp_path: Path, monkeypatch):
    """By empty lines, which its clients pass over."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    with serving(write(tmp_path / "flows", "slow"), Settings(ping_s=0.005)) as quiet:
        text = quiet.http.post("/api/v1/run/slow?stream=true", json={"input_value": "a b"}).text
    assert "\n\n\n\n" in text
    events = [json.loads(line)["event"] for line in text.split("\n") if line.strip()]
    assert events == ["add_message", "token", "token", "add_message", "end"]


# --- what goes wrong, and stopping ----------------------------------------------------------------


def test_errors_stand_where_their_clients_look(served: Served):
    for answer in (
        predict(served, "none", question="a"),
        langflow(served, "none", input_value="a"),
        predict(served, "fails", question="a"),
        langflow(served, "fails", input_value="a"),
    ):
        told = answer.json()
        assert told["message"] == told["detail"]
        assert told["error"]["message"] in told["message"]
        assert (told["statusCode"], told["success"]) == (answer.status_code, False)
    bare = httpx.post(f"{served.address}/api/v1/run/words", json={"input_value": "a"}, timeout=120)
    assert "key" in bare.json()["detail"]


def test_the_widgets_button_stops_what_its_chat_has_at_work(served: Served):
    said: list[str] = []

    def ask() -> None:
        text = "a " * 2000
        said.append(predict(served, "slow", question=text, chatId="on", streaming=True).text)

    before = Words.cancelled
    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: any(live.chat == "on" for live in list(served.service.live.values())))
    until(lambda: Words.at_work)
    assert served.http.put("/api/v1/chatmessage/abort/slow/another").status_code == 200
    assert Words.cancelled == before
    assert served.http.put("/api/v1/chatmessage/abort/slow/on").status_code == 200
    asking.join(120)
    names = [name for name, _ in flowise_events(said[0])]
    assert names[-2:] == ["abort", "end"]
    assert Words.cancelled == before + 1
