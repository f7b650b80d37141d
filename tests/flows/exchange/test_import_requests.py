# ruff: noqa: E501 - files in the shape that builders write
"""HTTP requests of n8n and Dify: what reaches a real server, compared with what they document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.exchange.imports.reading import Imported, import_bytes
from patchbay.flows.runs.api import run
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.secrets import Secrets
from tests.flows.exchange.importing import CATALOG, clean, imported, listening, n8n
from tests.flows.exchange.test_import_flowise import statuses
from tests.flows.exchange.test_import_n8n_fields import HOOK, chain, fields
from tests.flows.runs.harness import environment
from tests.nodes.web.conftest import Asked, Site, site

__all__ = ["site"]  # a fixture
KEY = "k-1234567890-secret"


def asked(one: Imported, site: Site, **inputs: Any) -> Asked:
    """The one request that an imported flow sends, its address being the site's."""
    flow = listening(clean(one).flow)
    nodes = tuple(
        node.model_copy(update={"params": {**node.params, "allow_loopback": True}})
        if node.kind == "tool.http_request"
        else node
        for node in flow.nodes
    )
    secrets = Secrets(env=dict.fromkeys(names_of_secrets(one), KEY), files=())
    env = environment(catalog=CATALOG, secrets=secrets)
    run(LoadedFlow(flow.model_copy(update={"nodes": nodes})), inputs, environment=env)
    return site.asked[-1]


def names_of_secrets(one: Imported) -> list[str]:
    held = [node.params.get("secret") for node in one.flow.nodes]
    return [secret["secret"] for secret in held if isinstance(secret, dict)]


def request(site: Site, **settings: Any) -> Imported:
    """A request of n8n behind a webhook."""
    site.says("/x", '{"user": {"name": "Ada"}, "tags": ["a", "b"]}')
    method = {} if "method" in settings or "requestMethod" in settings else {"method": "POST"}
    given = {"url": f"{site.url}/x", **method, **settings}
    return imported(n8n({"Hook": HOOK, "Send": ("httpRequest", given)}, ["Hook > Send"]))


def rows(**given: str) -> dict[str, Any]:
    return {"parameters": [{"name": name, "value": value} for name, value in given.items()]}


# --- bodies ---------------------------------------------------------------------------------------


def test_json_that_is_written_down_with_expressions_in_it(site: Site):
    """In quotes a value is a text; outside of them it is what it is."""
    body = '={\n "text": "Hi {{ $json.body.name }}!", "n": 3, "who": {{ JSON.stringify($json.body.name) }}, "all": [true, null]\n}'
    one = request(site, sendBody=True, specifyBody="json", jsonBody=body)
    sent = asked(one, site, name='A "b"')
    assert json.loads(sent.body) == {
        "text": 'Hi A "b"!', "n": 3, "who": 'A "b"', "all": [True, None],
    }  # fmt: skip
    assert sent.headers["content-type"] == "application/json"
    assert set(statuses(one)) == {"mapped"}


def test_a_body_of_names_and_values(site: Site):
    """Dotted names are places inside, from version 4 on."""
    given = {"who.name": "={{ $json.body.name }}", "plain": "a {b}"}
    one = request(site, sendBody=True, bodyParameters=rows(**given))
    assert json.loads(asked(one, site, name="Ada").body) == {
        "who": {"name": "Ada"},
        "plain": "a {b}",
    }
    one = request(site, sendBody=True, bodyParameters=rows(**given), _version=3)
    assert json.loads(asked(one, site, name="Ada").body)["who.name"] == "Ada"


def test_values_of_an_answer_keep_their_type(site: Site):
    site.says("/get", '{"count": 5, "items": [1, 2], "user": {"name": "Ada"}}')
    body = '={"n": {{ $json.count }}, "text": "{{ $json.count }}", "items": {{ $json.items }}, "who": "{{ $json.user.name }}"}'
    site.says("/x", "{}")
    one = imported(
        n8n(
            {
                "Hook": HOOK,
                "Get": ("httpRequest", {"url": f"{site.url}/get"}),
                "Send": (
                    "httpRequest",
                    {
                        "url": f"{site.url}/x",
                        "method": "POST",
                        "sendBody": True,
                        "specifyBody": "json",
                        "jsonBody": body,
                    },
                ),
            },
            ["Hook > Get", "Get > Send"],
        )
    )
    sent = asked(one, site)
    assert json.loads(sent.body) == {"n": 5, "text": "5", "items": [1, 2], "who": "Ada"}
    assert [node.kind for node in one.flow.nodes].count("data.pick") == 1


def test_a_field_that_a_set_writes_is_sent_with_its_type(site: Site):
    site.says("/x", "{}")
    given = {
        "url": f"{site.url}/x",
        "method": "POST",
        "sendBody": True,
        "bodyParameters": rows(n="={{ $json.n }}", t="={{ $json.t }}"),
    }
    one = imported(
        n8n(
            {
                "Hook": HOOK,
                "Set": fields(("n", "number", 7), ("t", "string", "=<{{ $json.body.name }}>")),
                "Send": ("httpRequest", given),
            },
            ["Hook > Set", "Set > Send"],
        )
    )
    assert json.loads(asked(one, site, name="x").body) == {"n": 7, "t": "<x>"}


@pytest.mark.parametrize(
    "settings",
    [
        {
            "contentType": "form-urlencoded",
            "bodyParameters": rows(a="={{ $json.body.name }}", b="1&2"),
        },
        {
            "contentType": "form-urlencoded",
            "specifyBody": "string",
            "body": "=a={{ $json.body.name }}&b=1%262",
        },
    ],
)
def test_a_form(site: Site, settings: dict[str, Any]):
    sent = asked(request(site, sendBody=True, **settings), site, name="ä x")
    assert sent.body == b"a=%C3%A4+x&b=1%262"
    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_raw_body_with_its_type(site: Site):
    raw = {
        "contentType": "raw",
        "rawContentType": "text/csv",
        "body": "=name\n{{ $json.body.name }}",
    }
    sent = asked(request(site, sendBody=True, **raw), site, name="Ada")
    assert sent.body == b"name\nAda"
    assert sent.headers["content-type"] == "text/csv"


def test_the_first_versions(site: Site):
    old = {
        "requestMethod": "PUT", "_version": 1,
        "bodyParametersUi": {"parameter": [{"name": "a", "value": "={{ $json.body.name }}"}]},
        "queryParametersUi": {"parameter": [{"name": "q", "value": "1"}]},
        "headerParametersUi": {"parameter": [{"name": "X-Way", "value": "old"}]},
    }  # fmt: skip
    sent = asked(request(site, **old), site, name="Ada")
    assert (sent.method, sent.path, sent.headers["x-way"]) == ("PUT", "/x?q=1", "old")
    assert json.loads(sent.body) == {"a": "Ada"}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"specifyBody": "json", "jsonBody": "={{ { a: 1 } }}"}, "no JSON"),
        ({"specifyBody": "json", "jsonBody": "{ nonsense"}, "no JSON"),
        ({"specifyBody": "json", "jsonBody": "[" * 100_000}, "no JSON"),
        ({"contentType": "multipart-form-data"}, "holds files"),
        ({"contentType": "binaryData"}, "holds files"),
    ],
)
def test_a_body_that_cannot_be_sent_is_told(site: Site, settings: dict[str, Any], why: str):
    one = request(site, sendBody=True, **settings)
    assert any(why in line for line in statuses(one)["refused"])
    assert asked(one, site).body == b""


def test_what_is_switched_off_there_is_not_sent(site: Site):
    one = request(site, sendBody=False, bodyParameters=rows(a="1"), headerParameters=rows(a="1"))
    sent = asked(one, site)
    assert sent.body == b""
    assert "a" not in sent.headers


# --- headers, query and keys ----------------------------------------------------------------------


def test_headers_and_query(site: Site):
    one = request(
        site,
        sendQuery=True,
        queryParameters=rows(q="={{ $json.body.name }}"),
        sendHeaders=True,
        specifyHeaders="json",
        jsonHeaders='={"X-Who": "{{ $json.body.name }}", "Accept": "text/plain", "Host": "evil"}',
    )
    sent = asked(one, site, name="Ada")
    assert sent.path == "/x?q=Ada"
    assert (sent.headers["x-who"], sent.headers["accept"]) == ("Ada", "text/plain")
    assert any("Host" in line for line in statuses(one)["approximated"])


@pytest.mark.parametrize(
    ("settings", "secret", "sent"),
    [
        (
            {"sendHeaders": True, "headerParameters": rows(Authorization="Bearer abc-1")},
            "SEND_AUTHORIZATION",
            ("authorization", f"Bearer {KEY}"),
        ),
        (
            {"sendHeaders": True, "headerParameters": rows(**{"X-API-Key": "abcdef"})},
            "SEND_X_API_KEY",
            ("x-api-key", KEY),
        ),
        (
            {
                "sendHeaders": True,
                "headerParameters": rows(Authorization="=Bearer {{ $env.MY_TOKEN }}"),
            },
            "MY_TOKEN",
            ("authorization", f"Bearer {KEY}"),
        ),
        (
            {"authentication": "predefinedCredentialType", "nodeCredentialType": "openAiApi"},
            "OPENAI_API_KEY",
            ("authorization", f"Bearer {KEY}"),
        ),
        (
            {
                "authentication": "genericCredentialType",
                "genericAuthType": "httpBearerAuth",
                "_credentials": {"httpBearerAuth": {"id": "1", "name": "My shop"}},
            },
            "MY_SHOP",
            ("authorization", f"Bearer {KEY}"),
        ),
    ],
)
def test_keys_become_references(site: Site, settings: Any, secret: str, sent: tuple[str, str]):
    """The key itself goes nowhere, neither into the flow nor into the report."""
    one = request(site, **settings)
    assert names_of_secrets(one) == [secret]
    assert any(secret in line for line in statuses(one)["name"])
    assert asked(one, site).headers[sent[0]] == sent[1]
    for text in (canonical_text(one.flow), str(one.report)):
        assert "abc-1" not in text
        assert "abcdef" not in text


def test_a_key_in_the_query_and_a_second_one(site: Site):
    one = request(
        site,
        sendQuery=True,
        queryParameters=rows(api_key="abcdef", max_tokens="5"),
        sendHeaders=True,
        headerParameters=rows(**{"X-Auth-Token": "abcdef"}),
    )
    assert asked(one, site).path == f"/x?max_tokens=5&api_key={KEY}"
    assert any("one key" in line for line in statuses(one)["refused"])
    assert "abcdef" not in canonical_text(one.flow)


def test_a_key_whose_kind_is_not_known_is_to_be_named(site: Site):
    one = request(site, authentication="predefinedCredentialType", nodeCredentialType="shopApi")
    assert any("shopApi" in line for line in statuses(one)["name"])


def test_a_key_in_rows_of_a_node_that_is_not_known_goes_nowhere():
    unknown = ("myService", {"headers": [{"name": "X-API-Key", "value": "abcdef0123456789"}]})
    one = imported(n8n({"Hook": HOOK, "Other": unknown}, ["Hook > Other"]))
    assert "abcdef0123456789" not in canonical_text(one.flow)


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said", "told"),
    [
        ({}, "$json.user.name", "Ada"),
        ({}, "$json.tags[1]", "b"),
        ({"response": {"response": {"fullResponse": True}}}, "$json.body.user.name", "Ada"),
        ({"response": {"response": {"fullResponse": True}}}, "$json.statusCode", "200"),
        ({"response": {"response": {"responseFormat": "text"}}}, "$json.data", None),
    ],
)
def test_the_fields_of_an_answer(site: Site, options: Any, said: str, told: str | None):
    from tests.flows.exchange.importing import Listening

    site.says("/x", '{"user": {"name": "Ada"}, "tags": ["a", "b"]}')
    given = {"url": f"{site.url}/x", "options": options}
    nodes = {"Hook": HOOK, "Get": ("httpRequest", given), "Ask": chain(f"=It is {{{{ {said} }}}}")}
    asked(imported(n8n(nodes, ["Hook > Get", "Get > Ask"])), site)
    whole = '{"user": {"name": "Ada"}, "tags": ["a", "b"]}'
    assert Listening.heard == [[("human", f"It is {told or whole}")]]


def test_a_text_that_may_have_been_json_is_told(site: Site):
    """`data` is where n8n puts an answer that is no JSON; bare in JSON, what holds JSON is JSON."""
    site.says("/x", "plain", Content_Type="text/plain")
    given = {
        "url": f"{site.url}/x",
        "method": "POST",
        "sendBody": True,
        "specifyBody": "json",
        "jsonBody": '={"a": {{ $json.data }}, "b": {{ JSON.stringify($json.data) }}}',
    }
    one = imported(
        n8n(
            {
                "Hook": HOOK,
                "Get": ("httpRequest", {"url": f"{site.url}/x"}),
                "Send": ("httpRequest", given),
            },
            ["Hook > Get", "Get > Send"],
        )
    )
    told = statuses(one)["approximated"]
    assert any("that is no JSON" in line for line in told)
    assert any("also where it holds JSON" in line for line in told)
    assert json.loads(asked(one, site).body) == {"a": "plain", "b": "plain"}


def test_options_of_the_request(site: Site):
    options = {
        "timeout": 5000, "allowUnauthorizedCerts": True,
        "response": {"response": {"neverError": True}},
    }  # fmt: skip
    one = request(site, options=options)
    params = one.flow.node("send").params
    assert (params["seconds"], params["fail_on_error"]) == (5, False)
    assert any("certificates" in line for line in statuses(one)["approximated"])


# --- Dify -----------------------------------------------------------------------------------------


def dify(site: Site, **settings: Any) -> Imported:
    site.says("/x", '{"ok": true}')
    data = {
        "type": "http-request",
        "title": "Send",
        "method": "post",
        "url": f"{site.url}/x",
        "headers": "",
        "params": "",
        **settings,
    }
    start = {
        "id": "1",
        "data": {"type": "start", "title": "Start", "variables": [{"variable": "name"}]},
    }
    end = {
        "type": "end",
        "title": "End",
        "outputs": [{"variable": "o", "value_selector": ["2", "body"]}],
    }
    nodes = [start, {"id": "2", "data": data}, {"id": "3", "data": end}]
    edges = [
        {"source": "1", "target": "2", "sourceHandle": "source"},
        {"source": "2", "target": "3", "sourceHandle": "source"},
    ]
    graph = {"nodes": nodes, "edges": edges}
    text = json.dumps({"app": {"mode": "workflow", "name": "R"}, "workflow": {"graph": graph}})
    (one,) = import_bytes(text.encode(), "case.json", CATALOG)
    return one


@pytest.mark.parametrize(
    ("body", "sent", "media"),
    [
        (
            {
                "type": "json",
                "data": [{"type": "text", "value": '{"who": "{{#1.name#}}", "n": 1}'}],
            },
            b'{"who": "Ada", "n": 1}',
            "application/json",
        ),
        ({"type": "json", "data": '{"who": {{#1.name#}}}'}, b'{"who": "Ada"}', "application/json"),
        (
            {
                "type": "x-www-form-urlencoded",
                "data": [{"key": "a", "type": "text", "value": "{{#1.name#}}"}],
            },
            b"a=Ada",
            "application/x-www-form-urlencoded",
        ),
        (
            {"type": "raw-text", "data": [{"type": "text", "value": "Hi {{#1.name#}}"}]},
            b"Hi Ada",
            "text/plain; charset=utf-8",
        ),
        ({"type": "none", "data": []}, b"", None),
    ],
)
def test_a_body_of_dify(site: Site, body: Any, sent: bytes, media: str | None):
    named = {"name": "Ada"} if "#1.name#" in str(body) else {}
    got = asked(dify(site, body=body), site, **named)
    assert (got.body, got.headers.get("content-type")) == (sent, media)


def test_headers_query_and_key_of_dify(site: Site):
    key = {"type": "api-key", "config": {"type": "custom", "header": "X-Key", "api_key": "abcdef"}}
    one = dify(
        site, headers="X-Who:{{#1.name#}}\nAccept: a:b", params="q:{{#1.name#}}", authorization=key
    )
    got = asked(one, site, name="Ada")
    assert got.path == "/x?q=Ada"
    assert [got.headers[name] for name in ("x-who", "accept", "x-key")] == ["Ada", "a:b", KEY]
    assert names_of_secrets(one) == ["SEND_X_KEY"]
    assert "abcdef" not in canonical_text(one.flow)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"type": "json", "data": "{ nonsense"}, "no JSON"),
        ({"type": "binary", "data": []}, "is a file"),
        ({"type": "form-data", "data": [{"key": "f", "type": "file", "file": []}]}, "files"),
    ],
)
def test_a_body_of_dify_that_cannot_be_sent_is_told(site: Site, body: Any, why: str):
    assert any(why in line for line in statuses(dify(site, body=body))["refused"])
