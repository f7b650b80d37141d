"""The services that search the web: how each is asked, and what its answer says.

Each is a function from a question to a request, and one from its answer to hits. Shapes are those
of the services' own documentation, as of November 2026.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from patchbay.nodes.tools.send import HttpCall, HttpReply
from patchbay.nodes.web.hits import WebHit, page_title, without_tags


@dataclass(frozen=True)
class WebQuestion:
    """What is looked for. `engine` is Google's id of a search engine; `language` such as `en`."""

    text: str
    count: int
    key: str = ""
    base: str = ""
    engine: str = ""
    language: str = "en"


@dataclass(frozen=True)
class SearchProvider:
    """One service. `key` is the usual name of its key, empty where it needs none."""

    base: str
    key: str
    ask: Callable[[WebQuestion], HttpCall]
    read: Callable[[HttpReply, WebQuestion], list[WebHit]]
    most: int
    """The most hits that it gives at once."""


def _get(base: str, query: Mapping[str, Any], **headers: str) -> HttpCall:
    private = frozenset(name.lower() for name in headers)
    return HttpCall("GET", f"{base}?{urlencode(query)}", headers, private=private)


def _post(base: str, body: Mapping[str, Any], **headers: str) -> HttpCall:
    private = frozenset(name.lower() for name in headers)
    sent = {"Content-Type": "application/json", **headers}
    return HttpCall("POST", base, sent, json.dumps(body).encode(), private)


# --- with a key -----------------------------------------------------------------------------------


def _brave(q: WebQuestion) -> HttpCall:
    query = {"q": q.text, "count": q.count, "search_lang": q.language}
    return _get(f"{q.base}/res/v1/web/search", query, **{"X-Subscription-Token": q.key})


def _google(q: WebQuestion) -> HttpCall:
    query = {"key": q.key, "cx": q.engine, "q": q.text, "num": q.count, "hl": q.language}
    return _get(f"{q.base}/customsearch/v1", query)


def _serper(q: WebQuestion) -> HttpCall:
    body = {"q": q.text, "num": q.count, "hl": q.language}
    return _post(f"{q.base}/search", body, **{"X-API-KEY": q.key})


def _serpapi(q: WebQuestion) -> HttpCall:
    query = {"engine": "google", "q": q.text, "num": q.count, "hl": q.language, "api_key": q.key}
    return _get(f"{q.base}/search.json", query)


def _tavily(q: WebQuestion) -> HttpCall:
    body = {"query": q.text, "max_results": q.count}
    return _post(f"{q.base}/search", body, Authorization=f"Bearer {q.key}")


# --- without --------------------------------------------------------------------------------------


def _searxng(q: WebQuestion) -> HttpCall:
    return _get(f"{q.base}/search", {"q": q.text, "format": "json", "language": q.language})


def _arxiv(q: WebQuestion) -> HttpCall:
    query = {"search_query": f"all:{q.text}", "start": 0, "max_results": q.count}
    return _get(f"{q.base}/api/query", query)


def _wikipedia(q: WebQuestion) -> HttpCall:
    query = {
        "action": "query", "generator": "search", "gsrsearch": q.text, "gsrlimit": q.count,
        "prop": "extracts", "exintro": 1, "explaintext": 1, "exlimit": "max",
        "format": "json", "formatversion": 2,
    }  # fmt: skip
    base = q.base.replace("{language}", q.language)
    return _get(f"{base}/w/api.php", query)


# --- what they answer -----------------------------------------------------------------------------


def _listed(*path: str, url: str, text: str, date: str = "") -> Any:
    """A reader of JSON whose hits are a list at `path`, each with a title."""

    def read(reply: HttpReply, q: WebQuestion) -> list[WebHit]:
        found = reply.json()
        for step in path:
            if not isinstance(found, dict):
                raise ValueError("not the shape that the service says")
            found = found.get(step) or ([] if step == path[-1] else {})
        if not isinstance(found, list):
            raise ValueError("not the shape that the service says")
        return [
            WebHit(
                title=without_tags(item.get("title")),
                url=str(item.get(url) or ""),
                text=without_tags(item.get(text)),
                date=without_tags(item.get(date)) if date else "",
            )
            for item in found
            if isinstance(item, dict) and item.get(url)
        ]

    return read


def _pages(reply: HttpReply, q: WebQuestion) -> list[WebHit]:
    found = reply.json()
    query = found.get("query") if isinstance(found, dict) else None
    pages = query.get("pages") if isinstance(query, dict) else None
    ordered = sorted(
        (page for page in pages or [] if isinstance(page, dict)),
        key=lambda page: page.get("index", 0),
    )
    base = q.base.replace("{language}", q.language)
    return [
        WebHit(
            title=without_tags(page.get("title")),
            url=f"{base}/wiki/{page_title(str(page.get('title', '')))}",
            text=str(page.get("extract") or "").strip(),
        )
        for page in ordered
    ]


def _papers(reply: HttpReply, q: WebQuestion) -> list[WebHit]:
    """The entries of an Atom feed. Read as tags, not as XML: nothing in it can refer elsewhere."""
    from selectolax.lexbor import LexborHTMLParser

    def text(entry: Any, tag: str) -> str:
        node = entry.css_first(tag)
        return without_tags(node.text()) if node is not None else ""

    tree = LexborHTMLParser(reply.data.decode("utf-8", "replace"))
    return [
        WebHit(
            title=text(entry, "title"),
            url=text(entry, "id"),
            text=text(entry, "summary"),
            date=text(entry, "published")[:10],
        )
        for entry in tree.css("entry")
        if "/api/errors" not in text(entry, "id")
    ]


PROVIDERS: Mapping[str, SearchProvider] = {
    "brave": SearchProvider(
        "https://api.search.brave.com", "BRAVE_API_KEY", _brave,
        _listed("web", "results", url="url", text="description", date="age"), 20,
    ),
    "google": SearchProvider(
        "https://www.googleapis.com", "GOOGLE_API_KEY", _google,
        _listed("items", url="link", text="snippet"), 10,
    ),
    "serper": SearchProvider(
        "https://google.serper.dev", "SERPER_API_KEY", _serper,
        _listed("organic", url="link", text="snippet", date="date"), 100,
    ),
    "serpapi": SearchProvider(
        "https://serpapi.com", "SERPAPI_API_KEY", _serpapi,
        _listed("organic_results", url="link", text="snippet", date="date"), 100,
    ),
    "tavily": SearchProvider(
        "https://api.tavily.com", "TAVILY_API_KEY", _tavily,
        _listed("results", url="url", text="content", date="published_date"), 20,
    ),
    "searxng": SearchProvider(
        "", "", _searxng, _listed("results", url="url", text="content", date="publishedDate"), 100,
    ),
    "arxiv": SearchProvider("https://export.arxiv.org", "", _arxiv, _papers, 100),
    "wikipedia": SearchProvider(
        "https://{language}.wikipedia.org", "", _wikipedia, _pages, 20
    ),
}  # fmt: skip
"""By the name under which a flow chooses one."""
