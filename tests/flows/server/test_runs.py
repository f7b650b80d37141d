"""Runs over HTTP: whole, streamed, in the background; with files, threads and questions."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from patchbay.flows.runs.results import WAYS
from tests.flows.server.flows import write
from tests.flows.server.nodes import Words
from tests.flows.server.serving import KEY, Served, events_in, serving


def until(told: object, *, seconds: float = 120.0) -> None:
    """Wait for a state."""
    end = time.monotonic() + seconds
    while not told():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_run_gives_its_outputs(served: Served):
    answer = served.run("shout", {"text": "good morning"})
    assert answer.status_code == 200
    told = answer.json()
    assert told["outputs"] == {"answer": "GOOD MORNING"}
    assert (told["flow"], told["status"]) == ("shout", "finished")
    assert answer.headers["x-run-id"] == told["run"]


def test_inputs_may_stand_by_themselves(served: Served):
    assert served.run("shout", {"inputs": {"text": "a"}}).json()["outputs"] == {"answer": "A"}


def test_what_curl_calls_a_form_is_json_where_it_is(served: Served):
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = served.http.post("/flows/shout/run", content='{"text": "a"}', headers=form)
    assert answer.json()["outputs"] == {"answer": "A"}
    answer = served.http.post("/flows/shout/run", data={"text": "b"})
    assert answer.json()["outputs"] == {"answer": "B"}


def test_an_input_comes_before_a_word_of_ours(served: Served):
    told = served.run("typed", {"count": "3", "stream": "true"}).json()
    assert told["outputs"] == {"count": 3.0, "colour": "red", "stream": "true"}


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({}, "input/missing", "count"),
        ({"count": "many"}, "input/invalid", "number"),
        ({"count": 1, "colour": "green"}, "input/invalid", "red"),
        ({"count": 1, "color": "red"}, "input/unknown", "colour"),
        ({"count": True}, "input/invalid", "number"),
    ],
)
def test_wrong_inputs_are_said(served: Served, given, code, says):
    answer = served.run("typed", given)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert says in json.dumps(answer.json()["error"])


def test_a_node_that_fails(served: Served):
    answer = served.run("fails", {"text": "a"})
    assert answer.status_code == 500
    told = answer.json()
    assert (told["status"], told["error"]["node"]) == ("failed", "bad")
    assert told["run"]


# --- streams --------------------------------------------------------------------------------------


def test_a_stream_of_events(served: Served):
    answer = served.run("words", {"question": "to be or not", "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    events = events_in(answer.text)
    assert events[0][1] == "run_started"
    pieces = [json.loads(data) for _, type, data in events if type == "node_streamed"]
    assert "".join(p["piece"] for p in pieces if p["output"] == "answer") == "to be or not"
    id, type, data = events[-1]
    assert (type, json.loads(data)["outputs"]) == ("run_finished", {"answer": "to be or not"})
    assert [id.partition(".")[2] for id, *_ in events] == [str(n + 1) for n in range(len(events))]
    assert id.partition(".")[0] == served.service.epoch


def test_what_nodes_in_between_give_is_not_told(served: Served):
    text = served.run("hidden", {"question": "se cret"}, headers=EVENTS).text
    assert "SE CRET" in text
    told = text.replace(events_in(text)[0][2], "")  # the input is the caller's own
    assert "se cret" not in told
    assert "node_streamed" not in told


EVENTS = {"accept": "text/event-stream"}


@pytest.mark.parametrize(
    ("accept", "streams"),
    [
        ("text/event-stream", True),
        ("*/*", False),
        ("text/event-stream, application/json", True),
        ("application/json, text/event-stream", False),
        ("application/json;q=0.5, text/event-stream", True),
        ("Text/Event-Stream;q=0", False),
    ],
)
def test_a_stream_is_asked_for_by_accept_unless_the_body_says_otherwise(
    served: Served, accept, streams
):
    headers = {"accept": accept}
    kind = "text/event-stream" if streams else "application/json"
    told = served.run("shout", {"text": "a"}, headers=headers)
    assert told.headers["content-type"].startswith(kind)
    told = served.run("shout", {"text": "a", "stream": False}, headers=headers)
    assert told.json()["outputs"] == {"answer": "A"}
    told = served.http.post("/flows/shout/run?stream=no", json={"text": "a"}, headers=headers)
    assert told.json()["outputs"] == {"answer": "A"}


def test_an_answer_streams_where_accept_asks_for_it(served: Served):
    for more, kind in (({}, "text/event-stream"), ({"stream": False}, "application/json")):
        run = served.run("approve", {"mail": "Dear Bob"}).json()["run"]
        where = f"/runs/{run}/answer"
        told = served.http.post(where, json={"approve": True, **more}, headers=EVENTS)
        assert told.headers["content-type"].startswith(kind)


def test_values_are_told_where_the_server_says_so(tmp_path, monkeypatch):
    from patchbay.flows.server.core.settings import Settings

    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    with serving(write(tmp_path / "flows", "hidden"), Settings(values=True)) as served:
        text = served.run("hidden", {"question": "se cret"}, headers=EVENTS).text
    assert '"outputs": {"text": "se cret"}' in text


def test_a_broken_line_is_taken_up_again(served: Served):
    body = {"question": "a b c d e f g h", "stream": True}
    got = ""
    with served.http.stream("POST", "/flows/slow/run", json=body) as answer:
        run = answer.headers["x-run-id"]
        for text in answer.iter_text():
            got += text
            if '"piece": " c"' in got:
                break
    got = got[: got.rindex("\n\n") + 2]  # what came whole
    last = events_in(got)[-1][0]
    rest = served.http.get(f"/runs/{run}/events", headers={"last-event-id": last})
    events = events_in(got) + events_in(rest.text)
    pieces = [json.loads(data)["piece"] for _, type, data in events if type == "node_streamed"]
    assert "".join(pieces) == body["question"]
    assert [id for id, *_ in events] == [
        f"{served.service.epoch}.{n + 1}" for n in range(len(events))
    ]


def test_a_run_that_was_forgotten_while_it_waited_is_heard_to_its_end(served: Served):
    """It goes on with events that are counted anew: who has read six has read none of those."""
    first = served.run("approve", {"mail": "Dear Bob", "stream": True})
    run, last = first.headers["x-run-id"], events_in(first.text)[-1][0]
    del served.service.live[run]  # it waited for longer than its events are kept
    answer = {"approve": True, "stream": True}
    gone_on = events_in(served.http.post(f"/runs/{run}/answer", json=answer).text)
    rest = served.http.get(f"/runs/{run}/events", headers={"last-event-id": last})
    assert events_in(rest.text) == gone_on
    assert gone_on[-1][1] == "run_finished"


def test_a_run_that_is_stopped_while_it_waits_says_so_to_who_reads_along(served: Served):
    first = served.run("approve", {"mail": "Dear Bob", "stream": True})
    run, last = first.headers["x-run-id"], events_in(first.text)[-1][0]
    assert served.http.post(f"/runs/{run}/cancel").json()["status"] == "cancelled"
    where, said = f"/runs/{run}/events", {"last-event-id": last}
    (event,) = events_in(served.http.get(where, headers=said).text)
    assert event[1] == "run_cancelled"
    assert served.http.get(where, headers={"last-event-id": event[0]}).status_code == 204


def test_an_id_of_another_start_begins_anew(served: Served):
    answer = served.run("words", {"question": "a b", "stream": True})
    run = answer.headers["x-run-id"]
    again = served.http.get(f"/runs/{run}/events", headers={"last-event-id": "other.3"})
    assert events_in(again.text) == events_in(answer.text)


def test_a_ticket_lets_read_one_run(served: Served):
    first = served.run("shout", {"text": "a", "background": True}).json()
    second = served.run("shout", {"text": "b", "background": True}).json()
    bare = httpx.Client(base_url=served.address, timeout=120)
    text = bare.get(first["events_at"]).text
    assert events_in(text)[-1][1] == "run_finished"
    ticket = first["events_at"].partition("?")[2]
    assert bare.get(f"/runs/{second['run']}/events?{ticket}").status_code == 401


def test_a_reader_who_does_not_come_back_ends_the_run(tmp_path, monkeypatch):
    from patchbay.flows.server.core.settings import Settings

    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    with serving(write(tmp_path / "flows", "slow"), Settings(rest_s=0.05)) as served:
        before = Words.cancelled
        body = {"question": "a " * 500, "stream": True}
        with served.http.stream("POST", "/flows/slow/run", json=body) as answer:
            pieces = answer.iter_text()
            while "node_streamed" not in next(pieces):
                pass
        until(lambda: Words.cancelled == before + 1)
        until(lambda: served.service.slots.busy == 0)


def test_a_caller_who_leaves_ends_the_run(served: Served):
    before = Words.cancelled
    body = json.dumps({"question": "a " * 500}).encode()
    head = f"POST /flows/slow/run HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
    with socket.create_connection((served.host, served.port)) as line:
        line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until(lambda: Words.at_work)
    until(lambda: Words.cancelled == before + 1)
    until(lambda: served.service.slots.busy == 0)
    assert not [live for live in served.service.live.values() if not live.ended]


# --- in the background ----------------------------------------------------------------------------


def test_a_run_in_the_background(served: Served):
    answer = served.run("shout", {"text": "a", "background": True})
    assert answer.status_code == 202
    where = answer.headers["location"]
    until(lambda: served.http.get(where).json()["status"] == "finished")
    assert served.http.get(where).json()["outputs"] == {"answer": "A"}
    assert served.service.opened.get(answer.json()["run"]).status == "finished"


def test_it_is_stopped_and_goes_on(served: Served):
    run = served.run("slow", {"question": "a " * 500, "background": True}).json()["run"]
    until(lambda: served.http.get(f"/runs/{run}").json()["status"] == "running")
    assert served.http.post(f"/runs/{run}/cancel").json()["status"] == "cancelled"
    assert served.http.get(f"/runs/{run}").json()["status"] == "cancelled"
    again = served.http.post(f"/runs/{run}/resume")
    assert again.status_code == 202
    until(lambda: served.http.get(f"/runs/{run}").json()["status"] == "running")
    served.http.post(f"/runs/{run}/cancel")
    until(lambda: served.service.slots.busy == 0)


def test_what_has_finished_is_not_stopped(served: Served):
    run = served.run("shout", {"text": "a", "background": True}).json()["run"]
    until(lambda: served.http.get(f"/runs/{run}").json()["status"] == "finished")
    assert served.http.post(f"/runs/{run}/cancel").status_code == 409
    assert served.http.post(f"/runs/{run}/resume").status_code == 409


def test_after_a_restart_it_is_still_there(tmp_path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    folder = write(tmp_path / "flows", "shout", "slow")
    with serving(folder) as served:
        run = served.run("shout", {"text": "a", "background": True}).json()["run"]
        until(lambda: served.http.get(f"/runs/{run}").json()["status"] == "finished")
        left = served.run("slow", {"question": "a " * 200, "background": True}).json()["run"]
        until(lambda: served.http.get(f"/runs/{left}").json()["status"] == "running")
    with serving(folder) as served:
        assert served.http.get(f"/runs/{run}").json()["outputs"] == {"answer": "A"}
        events = events_in(served.http.get(f"/runs/{run}/events").text)
        assert events[-1][1] == "run_finished"
        assert served.http.get(f"/runs/{left}").json()["status"] == "cancelled"
        assert served.http.post(f"/runs/{left}/resume").status_code == 202
        until(lambda: served.http.get(f"/runs/{left}").json()["status"] == "running")


# --- people ---------------------------------------------------------------------------------------


def test_a_question_is_answered(served: Served):
    answer = served.run("approve", {"mail": "Dear Ada"})
    assert answer.status_code == 202
    told = answer.json()
    assert told["status"] == "waiting"
    (question,) = told["questions"]
    assert (question["title"], question["value"]) == ("Send it?", "Dear Ada")
    assert question["wants"] == {"kind": "approval"}
    done = served.http.post(told["answer_at"], json={"approve": True})
    assert (done.status_code, done.json()["outputs"]) == (200, {"sent": "Dear Ada"})


def test_an_answer_counts_once_and_must_fit(served: Served):
    told = served.run("approve", {"mail": "Dear Ada"}).json()
    wrong = served.http.post(told["answer_at"], json={"choose": "perhaps"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "question/wrong-answer")
    assert served.http.post(told["answer_at"], json={"reject": "too short"}).json()["outputs"] == {
        "kept": "Dear Ada"
    }
    late = served.http.post(told["answer_at"], json={"approve": True})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "question/answered")


def test_an_answer_after_a_restart(tmp_path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    folder = write(tmp_path / "flows", "approve")
    with serving(folder) as served:
        told = served.run("approve", {"mail": "Dear Ada"}).json()
    with serving(folder) as served:
        assert served.http.get(f"/runs/{told['run']}").json()["questions"]
        body = {"approve": True, "stream": True}
        events = events_in(served.http.post(told["answer_at"], json=body).text)
        assert json.loads(events[-1][2])["outputs"] == {"sent": "Dear Ada"}


# --- threads --------------------------------------------------------------------------------------


def test_turns_of_a_thread(served: Served):
    for said in ("Hello", "And then?"):
        told = served.run("chat", {"conversation": said, "thread": "ada"}).json()
        assert (told["thread"], told["outputs"]) == ("ada", {"answer": "Paris is the capital."})
    thread = served.http.get("/threads/ada").json()
    assert [turn["asked"] for turn in thread["turns"]] == ["Hello", "And then?"]
    assert [one["id"] for one in served.http.get("/threads").json()["threads"]] == ["ada"]


# --- files ----------------------------------------------------------------------------------------


def test_a_file_is_sent_and_gone_after_the_run(served: Served):
    files = {"file": ("notes.txt", b"12345")}
    told = served.http.post("/flows/size/run", files=files).json()
    assert told.get("outputs", told)["size"] == 5
    path = Path(told["outputs"]["path"])
    assert path.name == "notes.txt"
    assert not path.parent.exists()


def test_a_caller_names_no_file_of_the_server(served: Served, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("of the server")
    for given in (str(secret), {"path": str(secret), "sha256": "", "size": 1}):
        answer = served.run("size", {"file": given})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "input/invalid")
    told = served.run("read", {"notes": str(secret)}).json()
    assert "of the server" not in json.dumps(told)
    assert served.run("read", {"notes": [str(secret), {"text": "b"}]}).status_code == 200
    form = served.http.post("/flows/size/run", data={"file": str(secret)})
    assert form.status_code == 400


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a\\b", ".ssh", "..", "a:b"])
def test_a_file_has_a_plain_name(served: Served, name):
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode() + b'"\r\n'
        b"Content-Type: text/plain\r\n\r\nx\r\n--b--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = served.http.post("/flows/size/run", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "serve/upload-name")


def test_documents_are_sent(served: Served):
    files = [("notes", ("a.txt", b"first")), ("notes", ("b.txt", b"zweite"))]
    told = served.http.post("/flows/read/run", files=files).json()
    assert [d["text"] for d in told["outputs"]["answer"]] == ["first", "zweite"]
    assert told["outputs"]["answer"][0]["metadata"] == {"source": "a.txt"}
    bad = served.http.post("/flows/read/run", files={"notes": ("a.bin", b"\xff\xfe\x00")})
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "input/invalid")
    assert served.http.post("/flows/shout/run", files={"other": ("a", b"")}).status_code == 400


# --- the description ------------------------------------------------------------------------------


def test_the_description(served: Served):
    told = served.http.get("/openapi.json").json()
    post = told["paths"]["/flows/typed/run"]["post"]
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["count"]
    assert schema["properties"]["count"] == {"type": "number"}
    assert schema["properties"]["colour"] == {
        "type": "string", "enum": ["red", "blue"], "default": "red"
    }  # fmt: skip
    assert schema["properties"]["stream"]["type"] == "string"  # the flow's own
    assert list(told["paths"]["/flows/size/run"]["post"]["requestBody"]["content"]) == [
        "multipart/form-data"
    ]
    ok = told["paths"]["/flows/shout/run"]["post"]["responses"]["200"]["content"]
    outputs = ok["application/json"]["schema"]["properties"]["outputs"]
    assert outputs["properties"] == {"answer": {"type": "string"}}


def test_outputs_are_typed_by_what_is_wired_into_them(served: Served):
    paths = served.http.get("/openapi.json").json()["paths"]

    def gives(flow: str) -> dict[str, Any]:
        told = paths[f"/flows/{flow}/run"]["post"]["responses"]["200"]["content"]
        return told["application/json"]["schema"]["properties"]["outputs"]["properties"]

    assert gives("typed")["count"] == {"type": "number"}
    assert gives("read")["answer"]["items"]["required"] == ["text"]
    assert {name: one.get("type") for name, one in gives("cites").items()} == {
        "answer": "string", "sources": "array"
    }  # fmt: skip
    assert gives("vectors") == {"embeddings": {}}  # of no form that is known


def test_what_is_sent_to_a_run_is_described_too(served: Served):
    paths = served.http.get("/openapi.json").json()["paths"]

    def takes(address: str) -> set[str]:
        body = paths["/runs/{run}" + address]["post"]["requestBody"]["content"]
        return set(body["application/json"]["schema"]["properties"])

    assert set(WAYS) | {"comment", "question", "who"} == takes("/answer")
    assert takes("/feedback") == {"rating", "comment"}
    assert "requestBody" not in paths["/runs/{run}/cancel"]["post"]


def test_the_flows(served: Served):
    found = {one["name"]: one for one in served.http.get("/flows").json()["flows"]}
    assert found["typed"]["inputs"][1]["choices"] == ["red", "blue"]
    assert found["approve"]["asks_people"]
    assert served.http.get("/flows/words").json() == found["words"]


def test_a_page_shows_them(served: Served):
    bare = httpx.Client(base_url=served.address, timeout=120)
    page = bare.get("/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert bare.get("/assets/docs.js").status_code == 200
    assert bare.get("/assets/..%2fapp.py").status_code == 404


def test_figures_and_health(served: Served):
    served.run("words", {"question": "a b"})
    text = served.http.get("/metrics").text
    assert 'patchbay_runs_total{flow="words",status="finished"}' in text
    assert "patchbay_slots 8" in text
    assert httpx.get(f"{served.address}/health", timeout=120).json() == {"status": "ok"}
    assert httpx.get(f"{served.address}/metrics", timeout=120).status_code == 401
    assert KEY not in text
