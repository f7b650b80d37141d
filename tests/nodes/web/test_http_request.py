"""HTTP request against a real server: every method, bodies, keys, waits, redirects, refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.tools.send import HttpCall, Sending, retry_after, send
from patchbay.nodes.web.http_request import HttpRequest
from tests.nodes.web.conftest import Site


def asked(site: Site, path: str = "/x", ctx: Any = None, values: Any = None, **params: Any) -> Any:
    settings = {"url": f"{site.url}{path}", "allow_loopback": True, **params}
    return run_node(HttpRequest, settings, values or {}, ctx or RecordingContext())


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_every_method(site: Site, method: str):
    site.says("/x", '{"a": [1]}')
    outputs = asked(site, method=method)
    assert site.asked[0].method == method
    assert outputs["status"] == 200
    if method != "HEAD":
        assert outputs["json"] == {"a": [1]}


def test_variables_are_encoded_where_they_stand(site: Site):
    site.says("/a%2Fb", "{}")
    query = [{"name": "q", "value": "{q}"}, {"name": "n", "value": "{n}"}]
    asked(site, "/{id}", values={"id": "a/b", "q": "ä&x=1", "n": 3.0}, query=query)
    assert site.asked[0].path == "/a%2Fb?q=%C3%A4%26x%3D1&n=3"


@pytest.mark.parametrize("value", [".", "..", "../admin", "x?admin=1", "@evil.example"])
def test_a_value_cannot_leave_its_place(site: Site, value: str):
    asked(site, "/items/{id}", values={"id": value}, fail_on_error=False)
    path = site.asked[0].path
    assert path.startswith("/items/")
    assert path.count("/") == 2
    assert "?" not in path


def test_a_whole_address_may_come_by_wire(site: Site):
    site.says("/x", "{}")
    asked(site, url="{where}", values={"where": f" {site.url}/x?a=1 "})
    assert site.asked[0].path == "/x?a=1"


def test_bodies(site: Site):
    site.says("/x", "{}")
    body = {"text": "say {word}", "list": "{items}", "n": 1}
    values = {"word": 'a "b"', "items": [1, {"c": 2}]}
    asked(site, method="POST", body="json", json_body=body, values=values)
    asked(
        site, method="POST", body="form", form=[{"name": "a", "value": "{v}"}], values={"v": "&="}
    )
    asked(site, method="POST", body="text", text_body="{{{v}}}", values={"v": "ä"})
    assert [call.headers["content-type"] for call in site.asked] == [
        "application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-8",
    ]  # fmt: skip
    assert json.loads(site.asked[0].body) == {
        "text": 'say a "b"', "list": [1, {"c": 2}], "n": 1,
    }  # fmt: skip
    assert site.asked[1].body == b"a=%26%3D"
    assert site.asked[2].body == "{ä}".encode()


@pytest.mark.parametrize(
    ("params", "header", "value"),
    [
        ({"auth": "bearer"}, "authorization", "Bearer k:1"),
        ({"auth": "basic"}, "authorization", "Basic azox"),
        ({"auth": "header", "auth_name": "X-Key"}, "x-key", "k:1"),
    ],
)
def test_keys(site: Site, params: dict[str, Any], header: str, value: str):
    site.says("/x", "{}")
    ctx = RecordingContext(secrets={"KEY": "k:1"})
    asked(site, ctx=ctx, secret={"secret": "KEY"}, **params)
    assert site.asked[0].headers[header] == value


def test_a_key_in_the_query(site: Site):
    site.says("/x", "{}")
    ctx = RecordingContext(secrets={"KEY": "k&1"})
    asked(site, "/x?a=1", ctx, secret={"secret": "KEY"}, auth="query", auth_name="key")
    assert site.asked[0].path == "/x?a=1&key=k%261"


def test_a_redirect_to_another_host_goes_without_the_key(site: Site):
    port = site.url.rpartition(":")[2]
    site.says("/x", "", 307, Location=f"http://localhost:{port}/y")
    site.says("/y", "{}")
    ctx = RecordingContext(secrets={"KEY": "k"})
    headers = [{"name": "Cookie", "value": "c"}, {"name": "X-Plain", "value": "p"}]
    asked(site, ctx=ctx, secret={"secret": "KEY"}, auth="header", headers=headers)
    first, second = site.asked
    assert (first.headers["x-api-key"], first.headers["cookie"]) == ("k", "c")
    assert second.headers["x-plain"] == "p"
    assert not {"x-api-key", "cookie", "authorization"} & second.headers.keys()


@pytest.mark.parametrize(("status", "method"), [(303, "GET"), (302, "GET"), (308, "POST")])
def test_what_a_redirect_keeps(site: Site, status: int, method: str):
    site.says("/x", "", status, Location="/y")
    site.says("/y", "{}")
    asked(site, method="POST", body="text", text_body="t")
    assert site.asked[1].method == method
    assert site.asked[1].body == (b"t" if method == "POST" else b"")


async def waits(site: Site, method: str, tries: int = 3) -> tuple[int, list[float]]:
    waited: list[float] = []

    async def wait(why: str, seconds: float) -> None:
        waited.append(seconds)

    call = HttpCall(method, f"{site.url}/x")
    reply = await send(call, Sending(loopback=True, tries=tries, wait=wait))
    return reply.status, waited


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_busy_server_is_asked_again_when_it_says(site: Site, method: str):
    site.says("/x", "", 429, Retry_After="7")
    site.says("/x", "", 503, Retry_After="Fri, 01 Jan 2010 00:00:00 GMT")
    site.says("/x", "{}")
    assert await waits(site, method) == (200, [7.0, 0.0])


async def test_what_changes_something_is_not_sent_twice_without_a_word(site: Site):
    site.says("/x", "", 502)
    assert await waits(site, "POST") == (502, [])
    assert len(site.asked) == 1
    status, waited = await waits(site, "GET")
    assert (status, len(waited)) == (502, 2)


async def test_a_connection_that_breaks_off(site: Site):
    site.says("/x", "", 0)
    with pytest.raises(ValueError, match="broke off"):
        await waits(site, "POST")
    assert len(site.asked) == 1
    with pytest.raises(ValueError, match="broke off"):
        await waits(site, "GET")
    assert len(site.asked) == 4


async def test_nobody_waits_for_ever(site: Site):
    site.says("/x", "", 429, Retry_After="86400")
    with pytest.raises(ValueError, match="asks to wait 24 h; at most 1 min"):
        await waits(site, "GET")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3), (" 0 ", 0), ("Thu, 01 Jan 1970 00:01:40 GMT", 90), ("soon", None), ("-1", None),
     ("", None), ("1e9", None)],
)  # fmt: skip
def test_retry_after(text: str, seconds: float | None):
    assert retry_after(text, now=10.0) == seconds


def test_a_status_that_says_no(site: Site):
    site.says("/x", '{"error": "no such item"}', 404)
    with pytest.raises(NodeError) as failure:
        asked(site)
    assert failure.value.code == "http/status"
    assert '404: \'{"error": "no such item"}\'' in failure.value.message
    assert asked(site, fail_on_error=False)["status"] == 404


def test_an_answer_that_is_no_json_or_too_long(site: Site):
    site.says("/x", "NaN")
    ctx = RecordingContext()
    assert "json" not in asked(site, ctx=ctx)
    assert "says that it sends JSON, but it does not" in ctx.warnings[0]
    site.says("/long", "x" * 500, Content_Type="text/plain")
    ctx = RecordingContext()
    assert len(asked(site, "/long", ctx, limit=100)["text"]) == 100
    assert ctx.warnings == ["The answer was cut after 100 bytes."]
    site.says("/bytes", b"\x89PNG", Content_Type="image/png")
    assert asked(site, "/bytes")["text"] == ""


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"allow_loopback": False}, "not a public address"),
        ({"url": "http://127.0.0.1:1/"}, "cannot be reached"),
        ({"url": "ftp://example.org/"}, "not an http"),
        ({"url": "http://169.254.169.254/latest"}, "not a public address"),
        ({"headers": [{"name": "A", "value": "a\r\nB: c"}]}, "line break"),
        ({"headers": [{"name": "A B", "value": "a"}]}, "not the name of a header"),
    ],
)
def test_what_is_not_sent(site: Site, params: dict[str, Any], words: str):
    with pytest.raises(NodeError, match=words):
        asked(site, tries=1, **params)
    assert site.asked == []


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"url": "http://x/{a.b}"}, "plain name"),
        ({"auth": "bearer"}, "no secret"),
        ({"json_body": {"a": "{b"}}, "brace|clos"),
        ({"method": "CONNECT"}, "Input should be"),
        ({"query": [{"name": "", "value": "x"}]}, "at least 1"),
    ],
)
def test_bad_settings_are_refused_in_words(params: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        HttpRequest.Params.model_validate(params)


def test_a_header_of_yours_stands_in_place_of_the_usual_one(site: Site):
    site.says("/x", "{}")
    headers = [{"name": "accept", "value": "text/csv"}, {"name": " user-agent ", "value": "me"}]
    given = [*headers, {"name": "authorization", "value": "old"}]
    secret = {"auth": "bearer", "secret": {"secret": "K"}}
    asked(site, ctx=RecordingContext(secrets={"K": "k"}), headers=given, **secret)
    [seen] = site.asked
    assert seen.headers["accept"] == "text/csv"
    assert seen.headers["user-agent"] == "me"
    assert seen.headers["authorization"] == "Bearer k"
    assert seen.names.count("accept") == seen.names.count("authorization") == 1


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", " connection "])
def test_what_the_request_itself_says_cannot_be_set(name: str):
    with pytest.raises(ValidationError, match="made of the request"):
        HttpRequest.Params(headers=[{"name": name, "value": "1"}])
