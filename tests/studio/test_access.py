"""The door of the studio: who is let in, and what every answer says."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from patchbay.studio.server.access import Codes, Guard, Key, access_token, entrance

HERE = "http://testserver"
TOKEN = "one-token-0123456789"
KEY = Key(TOKEN)
PAGES = ["/", "/editor", "/static/js/main.js", "/patchbay/live.js", "/_stcore/host-config", "/no"]


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("in")
    await socket.close()


def app(base: str = "", origins: tuple[str, ...] = ()) -> Starlette:
    routes = [
        Route(f"{base}/_stcore/health", lambda request: PlainTextResponse("ok")),
        WebSocketRoute(f"{base}/_stcore/stream", echo),
        Route(
            base + "/{rest:path}", lambda request: HTMLResponse("inside"), methods=["GET", "PUT"]
        ),
    ]
    guard = Middleware(Guard, KEY, base, origins)
    return Starlette(routes=routes, middleware=[guard])


@pytest.fixture
def stranger() -> TestClient:
    return TestClient(app(), follow_redirects=False)


@pytest.fixture
def owner() -> TestClient:
    client = TestClient(app(), follow_redirects=False)
    client.cookies.set(KEY.cookie, KEY.value)
    return client


@pytest.mark.parametrize("path", PAGES)
def test_only_who_has_the_cookie_is_let_in(stranger: TestClient, owner: TestClient, path: str):
    assert stranger.get(path).status_code == 403
    assert "inside" not in stranger.get(path).text
    assert stranger.put(path).status_code == 403
    assert owner.get(path).text == "inside"


@pytest.mark.parametrize("value", ["", "x", TOKEN, KEY.value[:-1], KEY.value.upper(), "é"])
def test_a_made_up_cookie_lets_nobody_in(stranger: TestClient, value: str):
    cookie = f"{KEY.cookie}={value}".encode()
    assert stranger.get("/", headers={b"cookie": cookie}).status_code == 403


def test_the_cookie_of_another_studio_is_none_of_this_one(stranger: TestClient):
    other = Key("another-token-0123456789")
    assert other.cookie != KEY.cookie
    stranger.cookies.set(KEY.cookie, other.value)
    assert stranger.get("/").status_code == 403


def test_health_is_open_and_nothing_near_it(stranger: TestClient):
    assert stranger.get("/_stcore/health").text == "ok"
    for path in ("/_stcore/health/", "/_stcore/healthx", "/x/_stcore/health", "//_stcore/health"):
        assert stranger.get(path).status_code == 403
    assert stranger.put("/_stcore/health").status_code == 403
    below = TestClient(app("/lab"))
    assert below.get("/lab/_stcore/health").text == "ok"
    assert below.get("/_stcore/health").status_code == 403


@pytest.mark.parametrize(
    ("asked", "then"),
    [
        ("/", "./"),
        ("/editor?flow=ask", "./editor?flow=ask"),
        ("/lab/editor?flow=a&flow=b%26c", "./editor?flow=a&flow=b%26c"),
        ("//evil.test/x", "./x"),
        ("/%5Cevil.test", "./%5Cevil.test"),
        ("/a%0D%0ASet-Cookie:x", "./a%0D%0ASet-Cookie%3Ax"),
    ],
)
def test_the_address_with_the_token_gives_the_cookie_and_goes(
    stranger: TestClient, asked: str, then: str
):
    joined = "&" if "?" in asked else "?"
    answer = stranger.get(f"{HERE}{asked}{joined}token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, then)
    given = answer.headers["set-cookie"]
    assert given.startswith(f"{KEY.cookie}={KEY.value};")
    assert "HttpOnly" in given
    assert "samesite=lax" in given.lower()
    assert TOKEN not in str(answer.headers)
    assert stranger.get("/").text == "inside"


def test_a_wrong_token_is_told_to_a_person(stranger: TestClient):
    answer = stranger.get("/editor?flow=%22%3E<b>&token=wrong", headers={"accept": "text/html"})
    assert answer.status_code == 403
    assert "not the token of this studio" in answer.text
    assert 'name="flow" value="&quot;&gt;&lt;b&gt;"' in answer.text
    assert "wrong" not in answer.text.replace("class='wrong'", "").replace(".wrong", "")
    plain = stranger.get("/")
    assert plain.headers["content-type"].startswith("text/plain")
    assert "?token=" in plain.text


FOREIGN = [
    {"origin": "http://evil.test"},
    {"origin": "null"},
    {"origin": "http://testserver:81"},
    {"origin": "http://testserver.evil.test"},
    {"origin": "https://[broken"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "embed"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", PAGES)
def test_pages_of_other_servers_are_refused_with_the_cookie_too(
    owner: TestClient, path: str, headers: dict[str, str]
):
    assert owner.get(path, headers=headers).status_code == 403
    assert owner.get(f"{path}?token={TOKEN}", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": HERE},
        {"origin": "HTTP://TestServer"},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
        {
            "sec-fetch-site": "cross-site",
            "sec-fetch-mode": "navigate",
            "sec-fetch-dest": "document",
        },
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
    ],
    ids=str,
)
def test_own_pages_and_links_are_let_in(owner: TestClient, headers: dict[str, str]):
    assert owner.get("/", headers=headers).text == "inside"


def test_an_origin_behind_a_proxy_can_be_named():
    client = TestClient(app(origins=("https://lab.test/",)))
    client.cookies.set(KEY.cookie, KEY.value)
    assert client.get("/", headers={"origin": "https://lab.test"}).text == "inside"
    assert client.get("/", headers={"origin": "http://lab.test"}).status_code == 403


@pytest.mark.parametrize("origin", [None, "http://evil.test", "null", "http://testserver:81"])
def test_a_socket_is_refused_to_other_pages(owner: TestClient, origin: str | None):
    headers = {"origin": origin} if origin else {}
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        owner.websocket_connect("/_stcore/stream", headers=headers),
    ):
        pass
    assert refused.value.code == 1008


def test_a_socket_needs_the_cookie(stranger: TestClient, owner: TestClient):
    with (
        pytest.raises(WebSocketDisconnect),
        stranger.websocket_connect(f"/_stcore/stream?token={TOKEN}", headers={"origin": HERE}),
    ):
        pass
    with owner.websocket_connect("/_stcore/stream", headers={"origin": HERE}) as socket:
        assert socket.receive_text() == "in"


@pytest.mark.parametrize("path", ["/", "/_stcore/health", f"/?token={TOKEN}"])
def test_every_answer_says_what_may_be_loaded_and_framed(
    stranger: TestClient, owner: TestClient, path: str
):
    for client in (stranger, owner):
        headers = client.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["img-src"] == "'self' data: blob:"
        assert policy["connect-src"].split()[0] == "'self'"
        assert policy["frame-ancestors"] == "'self'"
        assert not any("http" in value or "*" in value for value in policy.values())
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-dns-prefetch-control"] == "off"


def test_a_code_opens_once_and_soon():
    now = [0.0]
    codes = Codes(clock=lambda: now[0])
    key = Key(TOKEN, codes)
    code, late = codes.issue(), codes.issue()
    assert key.fits(code)
    assert not key.fits(code)
    now[0] = 121.0
    assert not key.fits(late)
    assert not key.fits("")
    assert key.fits(TOKEN)


def test_the_token_is_kept_where_only_its_owner_can_read_it(tmp_path: Path):
    home = tmp_path / "home"
    token = access_token(home, {})
    assert len(token) >= 32
    assert access_token(home, {"PATCHBAY_TOKEN": " "}) == token
    assert access_token(home, {"PATCHBAY_TOKEN": "mine"}) == "mine"
    assert access_token(home, {}) == token
    assert (home / "studio-token").stat().st_mode & 0o777 == 0o600
    (home / "studio-token").write_text("torn")
    assert access_token(home, {}) not in ("torn", token)


def test_without_a_place_to_keep_it_the_token_lives_as_long_as_the_process(tmp_path: Path):
    taken = tmp_path / "file"
    taken.write_text("no folder")
    first, second = access_token(taken, {}), access_token(taken, {})
    assert first != second


def test_the_entrance():
    assert entrance("http://h:1/lab/", "a&b") == "http://h:1/lab/?token=a%26b"
