"""Runs over HTTP: whole and in the background; with files, threads and questions."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.flows.server.flows import write
from tests.flows.server.serving import Served, events_in, serving


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
