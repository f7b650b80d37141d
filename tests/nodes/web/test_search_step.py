"""Search the web: the services' real shapes, on a server of this machine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.web.search_step import SearchWeb
from tests.nodes.web.conftest import Site

NAMES = ("BRAVE", "GOOGLE", "SERPER", "SERPAPI", "TAVILY")
KEYS = {f"{name}_API_KEY": "k-123" for name in NAMES}

ATOM = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title>arXiv Query</title><id>http://arxiv.org/api/x</id>
  <entry>
    <id>http://arxiv.org/abs/2210.03629v3</id>
    <published>2022-10-06T01:00:32Z</published>
    <title>ReAct: Synergizing Reasoning
  and Acting</title>
    <summary>  While large language models &amp; agents
 have demonstrated.  </summary>
    <author><name>Shunyu Yao</name></author>
    <link href="http://arxiv.org/abs/2210.03629v3" rel="alternate" type="text/html"/>
  </entry>
</feed>"""

# Cut from what the services answer; what does not matter is left in here and there on purpose.
SHAPES: dict[str, tuple[str, str, tuple[str, str, str]]] = {
    "brave": ("/res/v1/web/search", json.dumps({
        "type": "search", "query": {"original": "bees"}, "mixed": {},
        "web": {"type": "search", "results": [
            {"title": "Bees", "url": "https://a.example/b", "is_source_local": False,
             "description": "<strong>Bees</strong> dance &amp; sing", "age": "May 2, 2024"}]}}),
        ("Bees", "https://a.example/b", "Bees dance & sing")),
    "google": ("/customsearch/v1", json.dumps({
        "kind": "customsearch#search", "searchInformation": {"totalResults": "1"},
        "items": [{"kind": "customsearch#result", "title": "Bees", "htmlTitle": "<b>Bees</b>",
                   "link": "https://a.example/b", "snippet": "Bees dance\xa0..."}]}),
        ("Bees", "https://a.example/b", "Bees dance ...")),
    "serper": ("/search", json.dumps({
        "searchParameters": {"q": "bees"}, "organic": [
            {"title": "Bees", "link": "https://a.example/b", "snippet": "Bees dance",
             "position": 1}], "credits": 1}), ("Bees", "https://a.example/b", "Bees dance")),
    "serpapi": ("/search.json", json.dumps({
        "search_metadata": {"status": "Success"}, "organic_results": [
            {"position": 1, "title": "Bees", "link": "https://a.example/b",
             "snippet": "Bees dance"}]}), ("Bees", "https://a.example/b", "Bees dance")),
    "tavily": ("/search", json.dumps({
        "query": "bees", "answer": None, "images": [], "response_time": 1.1, "results": [
            {"title": "Bees", "url": "https://a.example/b", "content": "Bees dance",
             "score": 0.9, "raw_content": None}]}), ("Bees", "https://a.example/b", "Bees dance")),
    "searxng": ("/search", json.dumps({
        "query": "bees", "number_of_results": 0, "results": [
            {"url": "https://a.example/b", "title": "Bees", "content": "Bees dance",
             "publishedDate": None, "engine": "wikipedia", "score": 1.0}],
        "answers": [], "unresponsive_engines": []}), ("Bees", "https://a.example/b", "Bees dance")),
    "arxiv": ("/api/query", ATOM, (
        "ReAct: Synergizing Reasoning and Acting", "http://arxiv.org/abs/2210.03629v3",
        "While large language models & agents have demonstrated.")),
    "wikipedia": ("/w/api.php", json.dumps({
        "batchcomplete": True, "query": {"pages": [
            {"pageid": 2, "ns": 0, "title": "Honey bee", "index": 2, "extract": "A bee."},
            {"pageid": 1, "ns": 0, "title": "Bee dance", "index": 1, "extract": "Bees dance."}]}}),
        ("Bee dance", "{site}/wiki/Bee_dance", "Bees dance.")),
}  # fmt: skip


def found(site: Site, service: str, query: str = "bees", ctx: Any = None, **params: Any) -> Any:
    settings = {"service": service, "base_url": site.url, "allow_loopback": True, **params}
    if service == "google":
        settings["engine_id"] = "cx1"
    ctx = ctx or RecordingContext(secrets=KEYS)
    return run_node(SearchWeb, settings, {"query": query}, ctx)


@pytest.mark.parametrize("service", SHAPES)
def test_every_service(site: Site, service: str):
    path, body, hit = SHAPES[service]
    site.says(path, body)
    outputs = found(site, service, results=3)
    title, url, text = hit[0], hit[1].replace("{site}", site.url), hit[2]
    assert outputs["table"].rows[0] == (title, url, text)
    first = outputs["documents"][0]
    assert (first.text, first.metadata["title"], first.metadata["source"]) == (text, title, url)


@pytest.mark.parametrize(
    ("service", "where"),
    [
        ("brave", "x-subscription-token"), ("serper", "x-api-key"), ("tavily", "authorization"),
        ("google", "?key=k-123&cx=cx1&q=bees&num=3"), ("serpapi", "api_key=k-123"),
    ],
)  # fmt: skip
def test_the_key_goes_where_the_service_wants_it(site: Site, service: str, where: str):
    site.says(SHAPES[service][0], SHAPES[service][1])
    found(site, service, results=3)
    [call] = site.asked
    sent = call.headers.get(where, "") or (where in call.path and "k-123")
    assert "k-123" in str(sent)


def test_how_many_are_asked_for(site: Site):
    for service in ("serper", "tavily"):
        site.says("/search", SHAPES[service][1])
        found(site, service, results=50)
    assert json.loads(site.asked[0].body)["num"] == 50
    assert json.loads(site.asked[1].body)["max_results"] == 20  # the most that it gives


def test_nothing_found_is_said(site: Site):
    site.says("/w/api.php", '{"batchcomplete": true}')
    ctx = RecordingContext()
    assert found(site, "wikipedia", ctx=ctx)["documents"] == []
    assert ctx.warnings == ["wikipedia finds nothing for 'bees'."]


@pytest.mark.parametrize(
    ("service", "status", "code", "fix"),
    [
        ("tavily", 401, "search/key", "Check the key TAVILY_API_KEY"),
        ("brave", 422, "search/refused", "Look at what"),
        ("searxng", 403, "search/refused", "search.formats"),
        ("wikipedia", 403, "search/refused", "Look at what"),
    ],
)
def test_a_refusal_says_what_to_do(site: Site, service: str, status: int, code: str, fix: str):
    site.says(SHAPES[service][0], '{"detail": "no"}', status)
    with pytest.raises(NodeError) as failure:
        found(site, service)
    assert failure.value.code == code
    assert fix in failure.value.fix
    assert "k-123" not in failure.value.message


@pytest.mark.parametrize("body", ["<html>", "[]", '"x"', '{"results": 3}'])
def test_an_answer_of_another_shape(site: Site, body: str):
    site.says("/search", body)
    with pytest.raises(NodeError) as failure:
        found(site, "searxng")
    assert failure.value.code == "search/unreadable"


def test_what_is_missing_is_said(site: Site):
    with pytest.raises(NodeError, match="BRAVE_API_KEY"):
        found(site, "brave", ctx=RecordingContext())
    with pytest.raises(NodeError, match="nothing to search for"):
        found(site, "wikipedia", query=" ")
    with pytest.raises(NodeError, match="not a public address"):
        found(site, "wikipedia", allow_loopback=False)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"service": "searxng"}, "needs base_url"),
        ({"service": "google"}, "needs engine_id"),
        ({"service": "bing"}, "Input should be"),
        ({"base_url": "file:///etc"}, "not an http"),
        ({"language": "../x"}, "pattern"),
    ],
)
def test_bad_settings_are_refused_in_words(params: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        SearchWeb.Params.model_validate(params)


@pytest.mark.parametrize("service", [*SHAPES])
@pytest.mark.parametrize(
    "body", ["[]", "3", "null", '{"web": 3}', '{"results": {"a": 1}}', '{"organic": [3, null]}',
             '{"query": {"pages": [{"index": null}, {"index": 1}]}}', "<feed><entry/></feed>", "{"],
)  # fmt: skip
def test_an_answer_of_another_shape_is_no_crash(site: Site, service: str, body: str):
    path, _, _ = SHAPES[service]
    site.says(path, body)
    failure: NodeError | None = None
    try:
        assert isinstance(found(site, service)["documents"], list)
    except NodeError as error:
        failure = error
    assert failure is None or failure.code == "search/unreadable"
