"""Who gets in: keys, hosts, origins, sizes, times."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError
from patchbay.flows.server.core.budgets import DAY, Budgets
from patchbay.flows.server.core.keys import ANYONE, OWNER, Caller, Keys, add, owner_key, read
from patchbay.flows.server.core.refusals import RefusedError
from patchbay.flows.server.core.settings import Settings
from tests.flows.runs.harness import flow
from tests.flows.server.flows import asks, gives, write
from tests.flows.server.nodes import Words
from tests.flows.server.serving import KEY, Served, serving

FRIEND = "https://friend.example"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("gate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHBAY_HOME", str(folder / "home"))
        settings = Settings(origins=(FRIEND,), names=("flows.example",), body=1000)
        with serving(write(folder / "flows", "shout"), settings) as found:
            yield found


def call(served: Served, **headers: str) -> httpx.Response:
    given = {"authorization": f"Bearer {KEY}", **headers}
    return httpx.post(
        f"{served.address}/flows/shout/run", json={"text": "a"}, headers=given, timeout=120
    )


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}x"])
def test_a_wrong_key(gate: Served, given):
    answer = call(gate, authorization=given)
    assert code(answer) == (401, "serve/key")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_key_as_others_send_it(gate: Served):
    assert call(gate, authorization="", **{"x-api-key": KEY}).status_code == 200
    assert call(gate, authorization=f"bearer {KEY}").status_code == 200


@pytest.mark.parametrize(
    "path", ["/flows", "/flows/shout", "/runs/a", "/runs/a/events", "/threads", "/openapi.json"]
)
def test_every_address_needs_a_key(gate: Served, path):
    assert code(httpx.get(f"{gate.address}{path}", timeout=120)) == (401, "serve/key")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "["])
def test_a_rebound_name_gets_nothing(gate: Served, host):
    assert code(call(gate, host=host)) == (421, "serve/host")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", "Flows.Example"]
)
def test_its_own_names(gate: Served, host):
    assert call(gate, host=host).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "x"]
)
def test_another_page_gets_nothing(gate: Served, origin):
    answer = call(gate, origin=origin)
    assert code(answer) == (403, "serve/origin")
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_another_site_without_an_origin(gate: Served):
    answer = httpx.get(
        f"{gate.address}/health", headers={"sec-fetch-site": "same-site"}, timeout=120
    )
    assert code(answer) == (403, "serve/origin")


def test_declared_pages_and_our_own(gate: Served):
    answer = call(gate, origin=FRIEND)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert call(gate, origin=f"{FRIEND}:443").status_code == 200
    assert call(gate, origin=gate.address).status_code == 200


def test_a_preflight(gate: Served):
    asks = {"origin": FRIEND, "access-control-request-method": "POST"}
    answer = httpx.options(f"{gate.address}/flows/shout/run", headers=asks, timeout=120)
    assert answer.status_code == 204
    assert "authorization" in answer.headers["access-control-allow-headers"]
    asks["access-control-request-headers"] = "authorization,x-stainless-helper-method, x-own"
    allowed = httpx.options(f"{gate.address}/v1/models", headers=asks, timeout=120)
    assert allowed.headers["access-control-allow-headers"] == (
        "authorization, x-stainless-helper-method, x-own"
    ), "a declared page may send what its client sends"
    asks["access-control-request-headers"] = "a b, {c}, authorization"
    allowed = httpx.options(f"{gate.address}/v1/models", headers=asks, timeout=120)
    assert allowed.headers["access-control-allow-headers"] == "authorization"
    asks["origin"] = "https://evil.example"
    assert (
        httpx.options(f"{gate.address}/flows/shout/run", headers=asks, timeout=120).status_code
        == 403
    )


@pytest.mark.parametrize("path", ["/docs", "/chat/shout"])
def test_a_page_has_an_icon_of_its_own(gate: Served, path):
    """Browsers ask for /favicon.ico where it has none, which needs a key: the console said 401."""
    page = httpx.get(f"{gate.address}{path}", timeout=120)
    assert '<link rel="icon" href="data:,">' in page.text
    assert "img-src 'self' data:" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "says"),
    [
        ("{", "application/json", 400, "serve/not-json"),
        ("[1]", "application/json", 400, "serve/not-json"),
        ('{"text": NaN}', "application/json", 400, "serve/not-json"),
        ('{"text": "a", "text": "b"}', "application/json", 400, "serve/not-json"),
        ("[" * 500, "application/json", 400, "serve/not-json"),
        ("a", "text/plain", 415, "serve/content-type"),
        ("<a/>", "application/xml", 415, "serve/content-type"),
        ("--b\r\nx", "multipart/form-data", 400, "serve/form"),
        ('{"text": "' + "a" * 2000 + '"}', "application/json", 413, "serve/too-large"),
        ('{"text": "\\ud83d"}', "application/json", 400, "input/invalid"),
        ('{"text": {"a": 1}}', "application/json", 400, "input/invalid"),
        ('{"text": null}', "application/json", 400, "input/invalid"),
        ('{"text": "a", "stream": "perhaps"}', "application/json", 400, "input/invalid"),
        ('{"text": "a", "thread": "../x"}', "application/json", 400, "thread/id"),
        ('{"text": "a", "inputs": 3}', "application/json", 400, "input/invalid"),
    ],
)
def test_bad_bodies(gate: Served, body, kind, status, says):
    headers = {"content-type": kind}
    answer = gate.http.post("/flows/shout/run", content=body, headers=headers)
    assert code(answer) == (status, says)


def test_a_body_without_a_length_is_counted(gate: Served):
    def pieces() -> Iterator[bytes]:
        yield b'{"text": "'
        for _ in range(100):
            yield b"a" * 100

    answer = gate.http.post("/flows/shout/run", content=pieces())
    assert code(answer) == (413, "serve/too-large")


def test_half_a_body_is_not_waited_for(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    with (
        serving(write(tmp_path / "flows", "shout"), Settings(slow_s=1.0)) as served,
        socket.create_connection((served.host, served.port), timeout=60) as line,
    ):
        head = (
            f"POST /flows/shout/run HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
        )
        line.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 20\r\n\r\n".encode())
        line.sendall(b'{"text"')
        assert b" 408 " in line.recv(65536).partition(b"\r\n")[0]


def test_unknown_flows_and_addresses(gate: Served):
    answer = gate.http.post("/flows/shou/run", json={})
    assert code(answer) == (404, "serve/unknown-flow")
    assert '"shout"' in answer.json()["error"]["fix"]
    assert code(gate.http.get("/nothing")) == (404, "serve/address")
    assert code(gate.http.get("/flows/shout/run")) == (405, "serve/address")
    assert code(gate.http.get("/runs/of-nobody")) == (404, "history/unknown-run")


# --- keys of others -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("POST", "/chat/completions", "/v1 behind it"),  # a flow's chat page is at /chat/NAME
        ("GET", "/models", "/v1 behind it"),
        ("POST", "/v1/v1/embeddings", "/v1 behind it"),
        ("POST", "/api/v1/responses", "/v1 behind it"),
        ("POST", "/v1/completions", "/v1/chat/completions"),
        ("POST", "/flow/shout/run", "/openapi.json"),
    ],
)
def test_who_has_the_base_address_wrong_is_told_which(gate: Served, method, path, says):
    answer = gate.http.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code in (404, 405)
    assert says in answer.text


def test_keys_are_kept_as_hashes_and_rotate(tmp_path: Path):
    file = tmp_path / "keys.toml"
    first, other = add(file, "ada"), add(file, "bob")
    file.write_text(file.read_text().replace("[bob]", '[bob]\nflows = ["ask"]'))
    assert first not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    keys = Keys(None, file)
    assert keys.caller(first) == Caller("ada")
    assert keys.caller(other) == Caller("bob", frozenset({"ask"}))
    assert keys.caller("") is None
    second = add(file, "bob")
    keys._looked = 0.0
    assert keys.caller(other) is None
    assert keys.caller(second) == Caller("bob", frozenset({"ask"}))
    assert keys.caller(first) == Caller("ada")


def test_a_file_that_breaks_meanwhile_changes_nothing(tmp_path: Path):
    file = tmp_path / "keys.toml"
    key = add(file, "ada")
    keys = Keys("of the owner", file)
    file.write_text("[ada\n")
    keys._looked = 0.0
    assert keys.caller(key) == Caller("ada")
    assert keys.caller("of the owner") == OWNER


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[ada]\n", "sha256"),
        ("[ada]\nsha256 = 'short'", "sha256"),
        ("ada = 3", "sha256"),
        (f"[ada]\nsha256 = '{'a' * 64}'\nflow = ['x']", '"flow"'),
        (f"[ada]\nsha256 = '{'a' * 64}'\nflows = 'x'", "list"),
        (f"[ada]\nsha256 = '{'a' * 64}'\ntokens_a_day = 'x'", "whole number"),
        (f"[ada]\nsha256 = '{'a' * 64}'\nrequests_a_day = -1", "0 or more"),
        (f"[owner]\nsha256 = '{'a' * 64}'", "owner"),
        (f"[a]\nsha256 = '{'a' * 64}'\n[b]\nsha256 = '{'a' * 64}'", "same key"),
        ("not toml", "cannot be read"),
    ],
)
def test_bad_files_of_keys(tmp_path: Path, text, says):
    file = tmp_path / "keys.toml"
    file.write_text(text)
    with pytest.raises(FlowError, match=says):
        read(file)


def test_the_owners_key_is_made_once_and_private(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    made = owner_key()
    assert len(made) > 40
    assert owner_key() == made
    file = tmp_path / "home" / "serve-key"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    assert owner_key() == made
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_keys_anybody_may(tmp_path: Path):
    assert Keys(None).caller("") == ANYONE
    assert not Keys(None).needed


def test_callers_see_their_own_only(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    file = tmp_path / "keys.toml"
    ada, bob = add(file, "ada"), add(file, "bob")
    file.write_text(file.read_text().replace("[bob]", '[bob]\nflows = ["shout"]'))
    folder = write(tmp_path / "flows", "shout", "chat", "approve")
    with serving(folder, keys=Keys(KEY, file)) as served:
        run = served.http.post
        as_ada, as_bob = ({"authorization": f"Bearer {key}"} for key in (ada, bob))
        begun = run("/flows/approve/run", json={"mail": "x"}, headers=as_ada).json()
        for headers in (as_bob, None):
            for address in ("", "/events"):
                answer = served.http.get(f"/runs/{begun['run']}{address}", headers=headers)
                assert code(answer) == (404, "history/unknown-run")
            for address in ("cancel", "answer", "resume"):
                where = f"/runs/{begun['run']}/{address}"
                assert run(where, json={"approve": True}, headers=headers).status_code == 404
        assert run(begun["answer_at"], json={"approve": True}, headers=as_ada).status_code == 200
        said = {"conversation": "Hi", "thread": "t"}
        assert run("/flows/chat/run", json=said, headers=as_ada).status_code == 200
        assert code(run("/flows/chat/run", json=said)) == (409, "thread/exists")
        assert served.http.get("/threads/t").status_code == 404
        assert served.http.get("/threads").json()["threads"] == []
        assert code(run("/flows/chat/run", json=said, headers=as_bob)) == (
            404,
            "serve/unknown-flow",
        )
        names = [f["name"] for f in served.http.get("/flows", headers=as_bob).json()["flows"]]
        assert names == ["shout"]
        paths = served.http.get("/openapi.json", headers=as_bob).json()["paths"]
        assert [path for path in paths if path.startswith("/flows/")] == ["/flows/shout/run"]


# --- budgets --------------------------------------------------------------------------------------


def test_budgets_slide():
    now = [1000.0]
    meter = Budgets(lambda: now[0])
    ada = Caller("ada", requests_a_minute=2, tokens_a_day=10)
    meter.begin(ada)
    meter.begin(ada)
    with pytest.raises(RefusedError, match="2 requests a minute") as refused:
        meter.begin(ada)
    assert (refused.value.status, refused.value.retry_s) == (429, 60)
    now[0] += 61
    meter.begin(ada)
    meter.spent(ada, 10, 0.5)
    with pytest.raises(RefusedError, match="10 tokens a day"):
        meter.begin(ada)
    now[0] += DAY + 1
    meter.begin(ada)
    for _ in range(20):  # others have no part in it
        meter.begin(Caller("bob"))


def test_a_budget_over_http(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    file = tmp_path / "keys.toml"
    headers = {"authorization": f"Bearer {add(file, 'ada')}"}
    file.write_text(file.read_text() + "tokens_a_day = 5\n")
    with serving(write(tmp_path / "flows", "words"), keys=Keys(KEY, file)) as served:
        body = {"question": "a b c"}
        assert served.run("words", body, headers=headers).json()["tokens"]["completion"] == 3
        answer = served.run("words", body, headers=headers)
        assert code(answer) == (429, "serve/budget")
        assert int(answer.headers["retry-after"]) > 3600
        assert served.run("words", body).status_code == 200


# --- slots ----------------------------------------------------------------------------------------


async def _all(served: Served, calls: int, body: dict, refused: int) -> list[httpx.Response]:
    """So many calls at once; the runs of those that are taken begin once the others are refused."""
    headers = {"authorization": f"Bearer {KEY}"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=served.address, headers=headers, limits=limits, timeout=60
    ) as http:
        sent = [
            asyncio.ensure_future(http.post("/flows/slow/run", json=body)) for _ in range(calls)
        ]
        while sum(one.done() for one in sent) < refused:
            await asyncio.sleep(0.01)
        Words.may_begin.set()  # all have come
        return await asyncio.gather(*sent)


def test_slots_queue_and_refusals(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    settings = Settings(at_once=2, queue=3)
    with serving(write(tmp_path / "flows", "slow"), settings) as served:
        Words.most = 0
        Words.may_begin.clear()
        try:
            answers = asyncio.run(_all(served, 12, {"question": "a b c d"}, refused=7))
        finally:
            Words.may_begin.set()
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] * 5 + [429] * 7
        assert Words.most == 2
        late = next(answer for answer in answers if answer.status_code == 429)
        assert code(late) == (429, "serve/busy")
        assert int(late.headers["retry-after"]) >= 1
        assert (served.service.slots.busy, served.service.slots.waiting) == (0, 0)


def test_a_run_that_takes_too_long(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    with serving(write(tmp_path / "flows", "slow"), Settings(timeout_s=0.2)) as served:
        body = {"question": "a " * 100}
        assert code(served.run("slow", body)) == (504, "serve/timeout")
        text = served.run("slow", {**body, "stream": True}).text
        assert "serve/timeout" in text.rstrip().splitlines()[-1]


def test_it_ends_with_its_runs(tmp_path: Path, monkeypatch):
    """What fits into the time ends well; what is new is refused, and what is long is stopped."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    settings = Settings(drain_s=4.0)
    with serving(write(tmp_path / "flows", "slow"), settings) as served:
        short = served.run("slow", {"question": "a b", "background": True}).json()["run"]
        long = served.run("slow", {"question": "a " * 500, "background": True}).json()["run"]
        while served.http.get(f"/runs/{long}").json()["status"] != "running":
            time.sleep(0.01)
        served.service.slots.closed = True
        answer = served.run("slow", {"question": "a"})
        assert code(answer) == (503, "serve/ending")
        assert answer.headers["retry-after"] == "5"
        assert served.http.get("/health").status_code == 503
    history = served.service.opened
    assert history is not None
    assert history.get(short).status == "finished"
    assert history.get(long).status == "cancelled"


# --- files of flows -------------------------------------------------------------------------------


def test_a_changed_flow_is_read_anew(tmp_path: Path, monkeypatch):
    from patchbay.flows.server.core import shelf

    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(shelf, "_LOOK_EVERY_S", 0.0)
    folder = write(tmp_path / "flows", "shout", "slow")
    with serving(folder) as served:
        old = served.run("slow", {"question": "a b c d e f", "background": True}).json()["run"]
        file = folder / "shout.json"
        text = file.read_text()
        file.write_text(text.replace('"answer"', '"loud"'))
        assert served.run("shout", {"text": "a"}).json()["outputs"] == {"loud": "A"}
        file.write_text("{")
        assert served.run("shout", {"text": "a"}).json()["outputs"] == {"loud": "A"}
        assert "shout.json" in served.http.get("/flows").json()["not_served"]
        file.write_text(text)
        assert served.run("shout", {"text": "a"}).json()["outputs"] == {"answer": "A"}
        assert "not_served" not in served.http.get("/flows").json()
        (folder / "slow.json").write_text(text)
        (folder / "new.json").write_text(text)
        assert served.run("new", {"text": "b"}).json()["outputs"] == {"answer": "B"}
        (folder / "new.json").unlink()
        assert served.run("new", {"text": "b"}).status_code == 404
        text = served.http.get(f"/runs/{old}/events").text  # finishes as it began
        assert json.loads(text.rstrip().splitlines()[-1].removeprefix("data: "))["outputs"] == {
            "answer": "a b c d e f"
        }


def test_a_changed_subflow_is_read_anew(tmp_path: Path, monkeypatch):
    from patchbay.flows.server.core import shelf

    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(shelf, "_LOOK_EVERY_S", 0.0)
    outer = flow(
        {
            "in": asks("text"),
            "sub": ("logic.run_flow", {"flow": "shout", "inputs": {"text": "text"}}),
            "out": gives(),
        },
        ["in.value > sub.text", "sub.answer > out.value"],
    )
    folder = write(tmp_path / "flows", "shout")
    (folder / "outer.json").write_text(canonical_text(outer))
    with serving(folder) as served:
        assert served.run("outer", {"text": "a"}).json()["outputs"] == {"answer": "A"}
        file = folder / "shout.json"
        file.write_text(file.read_text().replace("test.upper", "test.words"))
        assert served.run("outer", {"text": "a"}).json()["outputs"] == {"answer": "a"}
