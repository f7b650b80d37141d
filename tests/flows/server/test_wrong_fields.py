"""Fields of the wrong kind, twice, or in the wrong place: said, never passed over."""

from __future__ import annotations

import gzip
import json
import socket
from typing import Any

import pytest

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.server.core.refusals import of_flow, refused
from tests.flows.server.serving import KEY, Served, code, events_in


def chat(served: Served, **body: Any) -> Any:
    given = {"model": "words", "messages": [{"role": "user", "content": "a"}], **body}
    return served.http.post("/v1/chat/completions", json=given)


def user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


# --- any address ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "query", "body"),
    [
        ("shout", "", {"inputs": {"text": "a"}, "text": "b"}),
        ("typed", "", {"inputs": {"count": 1, "stream": "a"}, "stream": "b"}),
        ("shout", "?stream=0&stream=1", {"text": "a"}),
    ],
)
def test_what_is_said_twice_is_not_guessed_at(served: Served, flow, query, body):
    answer = served.http.post(f"/flows/{flow}/run{query}", json=body)
    assert code(answer) == (400, "input/invalid")


def test_inputs_of_their_own_stand_beside_words_of_ours(served: Served):
    body = {"inputs": {"text": "a"}, "stream": False, "thread": None}
    assert served.run("shout", body).json()["outputs"] == {"answer": "A"}


@pytest.mark.parametrize("path", ["/flows/shout/run", "/v1/chat/completions", "/mcp"])
def test_a_compressed_body_is_said(served: Served, path):
    packed = gzip.compress(b'{"text": "a"}')
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    answer = served.http.post(path, content=packed, headers=headers)
    assert (answer.status_code, "compressed" in answer.text) == (415, True)
    answer = served.run("shout", {"text": "a"}, headers={"content-encoding": "identity"})
    assert answer.status_code == 200


def test_two_names_of_the_server_are_one_too_many(served: Served):
    """A proxy may have looked at the first, and this server at the last."""
    head = f"GET /flows HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer {KEY}\r\n"
    with socket.create_connection((served.host, served.port), timeout=120) as line:
        line.sendall(f"{head}Host: localhost\r\n\r\n".encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_who_asks_for_a_websocket_writes_no_log(served: Served, caplog):
    headers = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-key": "x"}
    assert served.http.get("/flows", headers=headers).status_code == 200
    assert caplog.text == ""


# --- OpenAI's protocol ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (user({"type": "text"}), "messages[0].content[0].text"),
        (user({"type": "text", "text": None}), "messages[0].content[0].text"),
        (user({"type": "text", "text": {"a": 1}}), "messages[0].content[0].text"),
        (user({"type": "refusal", "refusal": 5}), "messages[0].content[0].refusal"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "system", "content": "Be short."}]}, "user"),
        ({"stream": 1}, "stream"),
        ({"stream": "perhaps"}, "stream"),
        ({"stream_options": True}, "stream_options"),
        ({"stream_options": {"include_usage": "perhaps"}}, "include_usage"),
    ],
)
def test_a_completion_says_what_it_cannot_read(served: Served, body, says):
    answer = chat(served, **body)
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["error"]["message"]


def test_what_is_left_open_is_left_open(served: Served):
    """Clients send null for what was not set; agents' messages with calls have no content."""
    called = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "user", "content": "b"},
    ]
    answer = chat(served, stream=None, stream_options=None, messages=called)
    assert answer.json()["choices"][0]["message"]["content"] == "b"
    text = chat(served, stream="true", stream_options={"include_usage": "yes"}).text
    assert json.loads(events_in(text)[-2][2])["usage"]["prompt_tokens"] == 3


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"text": "json"}, "text"),
        ({"instructions": ["Be short."]}, "instructions"),
        ({"stream": "perhaps"}, "stream"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"type": 5}]}, "input[0].type"),
        ({"input": [{"type": "function_call_output", "output": {"a": 1}}]}, "input[0]"),
    ],
)
def test_a_response_too(served: Served, body, says):
    answer = served.http.post("/v1/responses", json={"model": "words", "input": "a", **body})
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["error"]["message"]


def test_the_result_of_a_tool_may_be_parts(served: Served):
    items = [
        {"type": "function_call_output", "call_id": "c", "output": [
            {"type": "input_text", "text": "42"}]},
        {"role": "user", "content": "a"},
    ]  # fmt: skip
    answer = served.http.post("/v1/responses", json={"model": "words", "input": items})
    assert answer.json()["output"][0]["content"][0]["text"] == "a"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"dimensions": 2}, "have 3 numbers, not 2"),
        ({"dimensions": "3"}, "dimensions"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": True}, "dimensions"),
        ({"encoding_format": "base65"}, "encoding_format"),
        ({"encoding_format": ["float"]}, "encoding_format"),
    ],
)
def test_vectors_are_as_they_are_asked_for_or_refused(served: Served, body, says):
    """Those of another length, given to a store without a word, spoil it."""
    answer = served.http.post("/v1/embeddings", json={"model": "vectors", "input": "abc", **body})
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["error"]["message"]
    good = {"model": "vectors", "input": "abc", "dimensions": 3, "encoding_format": None}
    assert served.http.post("/v1/embeddings", json=good).json()["data"][0]["embedding"] == [1, 1, 1]


# --- our own addresses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", [[{"txt": "x"}], {"text": 5}, [{"text": "a", "metadata": "b"}], 5]
)
def test_what_is_no_document_is_the_callers_mistake(served: Served, given):
    answer = served.run("read", {"notes": given})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "input/invalid"
    assert "notes" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "sent",
    [
        {"content": "count=3&count=4"},
        {"files": [("count", (None, "3")), ("count", (None, "4"))]},
        {"files": [("colour", (None, "red")), ("count", (None, "3")), ("colour", (None, "blue"))]},
    ],
)
def test_a_field_that_comes_twice_is_refused(served: Served, sent):
    """The last one counted."""
    kind = {"content-type": "application/x-www-form-urlencoded"} if "content" in sent else {}
    answer = served.http.post("/flows/typed/run", headers=kind, **sent)
    assert answer.status_code == 400, answer.text
    assert "more than once" in answer.json()["error"]["message"]


def test_so_is_a_second_file_and_documents_are_many(served: Served):
    two = [("file", ("a.txt", b"a")), ("file", ("b.txt", b"bb"))]
    answer = served.http.post("/flows/size/run", files=two)
    assert (answer.status_code, "more than once" in answer.text) == (400, True)
    notes: Any = [("notes", (None, "said")), ("notes", ("b.txt", b"sent"))]
    found = served.http.post("/flows/read/run", files=notes).json()["outputs"]["answer"]
    assert [document["text"] for document in found] == ["said", "sent"]


def test_a_page_whose_file_was_not_chosen_sends_none(served: Served):
    head = 'Content-Disposition: form-data; name="file"; filename=""\r\n'
    body = f"--x\r\n{head}Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = served.http.post("/flows/size/run", content=body, headers=kind)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "input/missing")
    named = body.replace('filename=""', 'filename="empty.txt"')
    sent = served.http.post("/flows/size/run", content=named, headers=kind).json()
    assert sent["outputs"]["size"] == 0, "an empty file that has a name is one"


def test_a_field_that_is_empty_is_empty_and_not_left_out(served: Served):
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = served.http.post("/flows/typed/run", content="count=3&stream=", headers=kind)
    assert answer.json()["outputs"]["stream"] == ""


def test_forms_of_very_many_fields(served: Served):
    kind = {"content-type": "application/x-www-form-urlencoded"}
    many = "&".join(f"a{number}=1" for number in range(300))
    answer = served.http.post("/flows/typed/run", content=many, headers=kind)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "serve/form")


def test_an_input_in_the_address_is_not_passed_over(served: Served):
    answer = served.http.post("/flows/typed/run?colour=blue", json={"count": 3})
    assert answer.status_code == 400
    assert '"colour" stands in the address' in answer.json()["error"]["message"]
    assert served.http.post("/flows/typed/run?from=mail", json={"count": 3}).status_code == 200


# --- the end of a stream --------------------------------------------------------------------------


def events(served: Served, run: str, last: str = "") -> Any:
    return served.http.get(f"/runs/{run}/events", headers={"last-event-id": last} if last else {})


def test_who_has_read_all_is_told_that_no_more_comes(served: Served):
    """A browser asks again after each end of a stream, until it is answered 204."""
    sent = events_in(served.run("shout", {"text": "a", "stream": True}).text)
    run, last = json.loads(sent[0][2])["run"], sent[-1][0]
    assert events(served, run, last).status_code == 204
    assert len(events_in(events(served, run, sent[-2][0]).text)) == 1
    assert len(events_in(events(served, run, "other.99").text)) == len(sent)


def test_recorded_events_have_ids_too(served: Served):
    began = served.run("shout", {"text": "a", "background": True}).json()["run"]
    while served.http.get(f"/runs/{began}").json()["status"] != "finished":
        pass
    served.service.live.pop(began)
    sent = events_in(events(served, began).text)
    assert [one[1] for one in sent][-1] == "run_finished"
    assert events_in(events(served, began, sent[0][0]).text) == sent[1:]
    assert events(served, began, sent[-1][0]).status_code == 204
    assert events_in(events(served, began, "recorded.x").text) == sent


def test_a_stream_of_one_that_waits_may_go_on(served: Served):
    sent = events_in(served.run("approve", {"mail": "a", "stream": True}).text)
    run, last = json.loads(sent[0][2])["run"], sent[-1][0]
    assert (sent[-1][1], events(served, run, last).status_code) == ("run_waiting", 200)
    served.http.post(f"/runs/{run}/answer", json={"approve": True})
    assert events_in(events(served, run, last).text)[-1][1] == "run_finished"


# --- what is said of a wrong answer, and of a failure ---------------------------------------------


@pytest.mark.parametrize(
    ("flow", "given", "answer", "says"),
    [
        ("approve", {"mail": "a"}, {"choose": "x"}, '"choose" is for a choice'),
        ("approve", {"mail": "a"}, {"approve": "perhaps"}, "approve is true or false"),
        ("approve", {"mail": "a"}, {"approve": True, "reject": "x"}, "different answers"),
        ("approve", {"mail": "a"}, {}, "There is no answer"),
        ("plan", {"plan": {}}, {"approve": True}, '"approve" is for a yes or no'),
    ],
)
def test_a_wrong_answer_is_told_in_words_of_json(served: Served, flow, given, answer, says):
    """They were those of the command line: --approve."""
    run = served.run(flow, given).json()["run"]
    told = served.http.post(f"/runs/{run}/answer", json=answer)
    assert told.status_code == 400
    error = told.json()["error"]
    assert says in error["message"]
    assert "--" not in error["fix"]
    assert ('{"approve": true}' if flow == "approve" else '{"value": …}') in error["fix"]


def test_so_is_one_to_a_message_that_is_no_answer(served: Served):
    asked = chat(served, model="approve").json()["choices"][0]["message"]
    talk = [{"role": "user", "content": "a"}, asked, {"role": "user", "content": "perhaps"}]
    told = chat(served, model="approve", messages=talk)
    assert told.status_code == 400
    assert "Answer yes, or no and why" in told.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v1/chat/completions",
            {"model": "fails", "messages": [{"role": "user", "content": "a"}]},
        ),
        ("/v1/responses", {"model": "fails", "input": "a"}),
        ("/api/v1/prediction/fails", {"question": "a"}),
        ("/api/v1/run/fails", {"input_value": "a"}),
        ("/flows/fails/run", {"text": "a"}),
    ],
)
def test_a_run_that_failed_is_named_whatever_protocol_asked_for_it(served: Served, path, body):
    """Its line in the log could not be found."""
    place = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = served.http.post(path, json=body, headers={"traceparent": place})
    assert answer.status_code == 500
    assert answer.headers["x-run-id"]
    assert "0af7651916cd43dd8448eb211c80319c" in answer.headers["traceparent"]


def test_what_may_be_better_later_says_when(served: Served):
    for error in (of_flow(FlowError([Problem("cluster/gone", "No worker is there.")])),
                  refused(503, "serve/ending", "It ends.")):  # fmt: skip
        assert error.headers["retry-after"] == "5"
    assert refused(503, "serve/ending", "It ends.", retry_s=2).headers["retry-after"] == "2"
    assert "retry-after" not in refused(500, "run/defect", "It broke.").headers
