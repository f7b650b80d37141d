"""Events of runs over HTTP: as they come, after a broken line, and for whoever reads along."""

from __future__ import annotations

import json
import socket

import httpx
import pytest

from tests.flows.server.flows import write
from tests.flows.server.nodes import Words
from tests.flows.server.serving import KEY, Served, events_in, serving
from tests.flows.server.test_runs import until


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
