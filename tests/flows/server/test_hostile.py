"""What callers send who mean harm, or whose programs are broken."""

from __future__ import annotations

import contextlib
import gc
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.server.core.keys import Keys, add
from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.core.uploads import uploads_folder
from patchbay.flows.server.http import markdown_parts
from patchbay.flows.server.mcp import sessions
from tests.flows.server.flows import FLOWS, write
from tests.flows.server.serving import KEY, Served, code, serving
from tests.flows.server.test_runs import until

MCP = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
HALF = "\\ud83d"
ODD_PART = json.dumps(
    {"model": "chat", "messages": [{"role": "user", "content": [{"type": "\ud83d"}]}]}
)
HELLO = json.dumps(
    {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    }
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHBAY_HOME", str(folder / "home"))
        flows = write(folder / "flows")
        (flows / "a b.json").write_text(canonical_text(FLOWS["shout"]), encoding="utf-8")
        (flows / "a_b.json").write_text(canonical_text(FLOWS["words"]), encoding="utf-8")
        keys = folder / "keys.toml"
        ada = add(keys, "ada")
        with serving(flows, keys=Keys(KEY, keys)) as found:
            found.http.headers["x-ada"] = ada
            yield found


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One that waits for a request for half a second: it is asked nothing else, as a busy machine
    may take as long for any request."""
    folder = tmp_path_factory.mktemp("impatient")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHBAY_HOME", str(folder / "home"))
        with serving(write(folder / "flows", "shout"), Settings(slow_s=0.5)) as found:
            yield found


def as_ada(served: Served) -> dict[str, str]:
    return {"authorization": f"Bearer {served.http.headers['x-ada']}"}


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"approve": "no"},
        {"approve": "false"},
        {"approve": 0},
        {"approve": {"no": 1}},
        {"approve": None},
        {"reject": 3},
        {"approve": True, "question": []},
        {"approve": True, "who": ["ada"]},
        {"approve": True, "comment": {"a": 1}},
    ],
)
def test_only_a_yes_is_a_yes(hostile: Served, given):
    begun = hostile.run("approve", {"mail": "x"}).json()
    answer = hostile.http.post(begun["answer_at"], json=given)
    assert answer.status_code == 400
    assert hostile.http.get(f"/runs/{begun['run']}").json()["status"] == "waiting"
    answer = hostile.http.post(begun["answer_at"], json={"approve": False})
    assert answer.json()["outputs"] == {"kept": "x"}


def test_nobody_answers_in_another_name(hostile: Served):
    for who, headers in (("boss (ada)", as_ada(hostile)), ("boss", None)):
        begun = hostile.run("approve", {"mail": "x"}, headers=headers).json()
        given = {"approve": True, "who": "boss"}
        done = hostile.http.post(begun["answer_at"], json=given, headers=headers)
        assert done.json()["status"] == "finished"
        history = hostile.service.opened
        assert history is not None
        (found,) = history.inbox.answers_of(begun["run"]).values()
        assert found["author"] == who


# --- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/flows/shout/run", f'{{"{HALF}": 1}}'),
        ("/flows/chat/run", f'{{"conversation": "a", "thread": "{HALF}"}}'),
        ("/v1/chat/completions", ODD_PART),
        ("/v1/chat/completions", '{"model": "chat", "messages": [{"role": [], "content": "a"}]}'),
        ("/v1/chat/completions", '{"model": "chat", "messages": [{"role": {}, "content": "a"}]}'),
        ("/v1/responses", f'{{"model": "words", "input": "a", "metadata": {{"a": "{HALF}"}}}}'),
        ("/v1/responses", '{"model": "words", "input": "a", "metadata": {"a": 1e999}}'),
        ("/v1/responses", '{"model": "words", "input": "a", "instructions": -1e999}'),
        ("/v1/embeddings", f'{{"model": "vectors", "input": "{HALF}"}}'),
        ("/api/v1/prediction/words", f'{{"question": "a", "chatId": "{HALF}"}}'),
        ("/api/v1/run/words", f'{{"input_value": "a", "session_id": "{HALF}"}}'),
    ],
)
def test_odd_json_is_the_callers_mistake(hostile: Served, path, body):
    answer = hostile.http.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("input/invalid", "serve/not-json")


def test_half_a_character_in_a_comment_does_not_break_the_list(hostile: Served):
    run = hostile.run("words", {"question": "a"}).json()["run"]
    for body in (f'{{"rating": 1, "comment": "{HALF}"}}', '{"rating": true}', '{"rating": 1.0}'):
        assert hostile.http.post(f"/runs/{run}/feedback", content=body).status_code == 400
    whole = '{"rating": 1, "comment": "\\ud83d\\ude00"}'
    assert hostile.http.post(f"/runs/{run}/feedback", content=whole).status_code == 200
    assert hostile.http.get("/feedback").json()["feedback"][0]["comment"] == "😀"


@pytest.mark.parametrize("number", ["²", "9" * 5000, "-1", "1e3", ""])
def test_odd_numbers_of_events_begin_anew(hostile: Served, number):
    run = hostile.run("words", {"question": "a", "stream": True}).headers["x-run-id"]
    after = {"after": f"{hostile.service.epoch}.{number}"}
    answer = hostile.http.get(f"/runs/{run}/events", params=after)
    assert (answer.status_code, "run_started" in answer.text) == (200, True)


def test_words_in_the_address_are_ours_whatever_inputs_are_called(hostile: Served):
    answer = hostile.http.post("/flows/typed/run?stream=true", json={"count": 1})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert '"stream": "none"' in answer.text.rstrip().splitlines()[-1]


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files",
    [
        [("file", ("😀" * 100, b"abc"))],
        [("nope", ("a.txt", b"abc"))],
        [("file", ("a.txt", b"abc")), ("file", ("../x", b"abc"))],
        [("file", ("a.txt", b"abc")), ("inputs", (None, b"{"))],
    ],
)
def test_refused_files_leave_nothing_on_the_disk(hostile: Served, files):
    assert hostile.http.post("/flows/size/run", files=files).status_code == 400
    folder = uploads_folder()
    assert not (list(folder.iterdir()) if folder.exists() else [])


@pytest.mark.parametrize("name", ['"\\ud83d"', json.dumps("😀" * 100), '"../x"', '"/etc/passwd"'])
def test_files_of_a_tool_have_plain_names_too(hostile: Served, name):
    text = tool(hostile, "size", f'{{"file": {{"name": {name}, "data": "YQ=="}}}}')
    assert "A file cannot be called" in text
    assert str(uploads_folder()) not in text


# --- lines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nX: ",
        b"POST /flows HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90\r\n\r\n{",
    ],
)
def test_a_request_that_never_begins_or_ends_is_closed(impatient: Served, said):
    with socket.create_connection((impatient.host, impatient.port), timeout=60) as line:
        line.sendall(said)
        with contextlib.suppress(ConnectionResetError):
            while line.recv(65_536):
                pass
    until(lambda: not impatient.server.server_state.connections)


@pytest.mark.parametrize("piece", [b"X: " + b"a" * 4000 + b"\r\n", b"a" * 4000])
def test_a_head_without_end_is_not_read(hostile: Served, piece):
    head = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\r\nY: "
    with socket.create_connection((hostile.host, hostile.port), timeout=60) as line:
        line.sendall(head if piece[:1] == b"a" else head + b"a\r\n")

        def send() -> None:
            for _ in range(10_000):  # 40 MB
                line.sendall(piece)

        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            send()


def test_a_large_body_in_small_pieces_is_read(hostile: Served):
    parts = [b'{"text": "', *[b"abcdefghij"] * 20_000, b'"}', b""]
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    head = f"POST /flows/shout/run HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
    with socket.create_connection((hostile.host, hostile.port), timeout=60) as line:
        line.sendall(f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode())
        line.sendall(body)
        found = b"".join(iter(lambda: line.recv(65_536), b""))
    assert b"ABCDEFGHIJ" * 20_000 in found


# --- MCP ------------------------------------------------------------------------------------------


def rpc(served: Served, method: str, params: str = "{}", **headers: str) -> httpx.Response:
    body = f'{{"jsonrpc": "2.0", "id": 1, "method": "{method}", "params": {params}}}'
    return served.http.post("/mcp", content=body, headers={**MCP, **headers})


def tool(served: Served, name: str, given: str) -> str:
    answer = rpc(served, "tools/call", f'{{"name": "{name}", "arguments": {given}}}')
    return str(answer.json()["result"]["content"][0]["text"])


def test_flows_of_one_tool_name_are_both_there(hostile: Served):
    names = [t["name"] for t in rpc(hostile, "tools/list").json()["result"]["tools"]]
    assert len(names) == len(set(names)) == len(FLOWS) + 2
    assert tool(hostile, "a_b", '{"question": "x"}') == "x"
    assert tool(hostile, "a_b_2", '{"text": "x"}') == "X"


def test_a_session_is_of_who_began_it(hostile: Served):
    session = rpc(hostile, "initialize", HELLO).headers["mcp-session-id"]
    mine = {"mcp-session-id": session}
    assert rpc(hostile, "tools/list", **mine).status_code == 200
    assert rpc(hostile, "tools/list", **mine, **as_ada(hostile)).status_code == 404
    gone = hostile.http.delete("/mcp", headers={**MCP, **mine, **as_ada(hostile)})
    assert gone.status_code == 404
    assert rpc(hostile, "tools/list", **mine).status_code == 200


def test_sessions_that_a_client_left_lying_make_room(hostile: Served, monkeypatch):
    """Those of others stay, and so do those that somebody listens to."""
    monkeypatch.setattr(sessions, "MOST", 3)

    def begin(**headers: str) -> dict[str, str]:
        answer = rpc(hostile, "initialize", HELLO, **headers)
        return {"mcp-session-id": answer.headers["mcp-session-id"], **headers}

    ada = as_ada(hostile)
    of_ada, mine = begin(**ada), [begin() for _ in range(3)]
    listening = {**MCP, **mine[0]}
    with hostile.http.stream("GET", "/mcp", headers=listening) as answer:
        assert answer.status_code == 200
        mine += [begin() for _ in range(2)]
        found = [rpc(hostile, "tools/list", **one).status_code for one in (of_ada, *mine)]
    assert found == [200, 200, 404, 404, 200, 200]
    assert hostile.http.delete("/mcp", headers={**MCP, **mine[4]}).status_code == 200
    assert rpc(hostile, "tools/list", **begin()).status_code == 200
    assert rpc(hostile, "tools/list", **mine[3]).status_code == 200


def test_a_caller_of_a_tool_who_leaves_ends_its_run(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    with serving(write(tmp_path / "flows", "slow")) as served:
        words = "a " * 2000
        params = f'{{"name": "slow", "arguments": {{"question": "{words}"}}}}'
        body = f'{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {params}}}'
        with contextlib.suppress(httpx.TimeoutException):
            served.http.post("/mcp", content=body, headers=MCP, timeout=0.5)
        until(lambda: not served.service.slots.busy and not served.service.live)


def test_a_request_that_breaks_off_is_no_mistake_of_ours(served: Served, caplog):
    gc.collect()  # what other tests left may be complained about here
    caplog.clear()
    body = b'{"text": "' + b"a" * 500
    head = (
        f"POST /flows/shout/run HTTP/1.1\r\nHost: {served.host}:{served.port}\r\n"
        f"Authorization: Bearer {KEY}\r\nContent-Length: 5000\r\n\r\n"
    ).encode()
    with socket.create_connection((served.host, served.port)) as line:
        line.sendall(head + body)
    assert served.run("shout", {"text": "a"}).status_code == 200  # the server has read both
    until(lambda: not served.service.live)
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []


def test_a_text_that_takes_minutes_to_parse_is_given_up(hostile: Served, monkeypatch):
    """Its time grows with the square of its length, and the key of a page is everybody's."""
    monkeypatch.setattr(markdown_parts, "SLOWEST_S", 0.5)
    threads = threading.active_count()
    long = {"texts": ["//a.b/" * 30_000]}
    for _ in range(3):
        assert code(hostile.http.post("/words", json=long)) == (413, "serve/too-large")
    until(lambda: threading.active_count() <= threads)
    monkeypatch.setattr(markdown_parts, "SLOWEST_S", 60.0)
    told = hostile.http.post("/words", json={"texts": ["a *b*"]}).json()
    assert told["words"][0][0]["is"] == "paragraph"
