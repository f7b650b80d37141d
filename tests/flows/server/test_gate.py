"""Who gets in: keys, hosts, origins, sizes, times."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from patchbay.flows.server.core.settings import Settings
from tests.flows.server.flows import write
from tests.flows.server.serving import KEY, Served, code, serving

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
